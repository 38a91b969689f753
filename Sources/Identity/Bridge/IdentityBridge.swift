import Bytes
import EventLoop
public import Images
import Posix
import Synchronization
public import Upstream

/// Gives callers of another identity system a token for services that a Keystone guards.
///
/// The token is the caller's project's, not the caller's own, and never brings a role that ``Settings/allowedRoles``
/// does not name. Whoever has no project gets nothing.
public final class IdentityBridge: Sendable {
    public struct Settings: Sendable {
        /// Roles that a project's token may bring; ASCII case does not count, as in Keystone's policies.
        public var allowedRoles: [String]
        /// The gateway's user that trusts were given to; nil: projects by trust cannot be used.
        public var trustee: Trustee?
        /// Shortest time between two looks for a changed map.
        public var reloadPause: Duration

        public init(
            allowedRoles: [String] = IdentityBridge.defaultRoles, trustee: Trustee? = nil,
            reloadPause: Duration = .seconds(5)
        ) {
            self.allowedRoles = allowedRoles
            self.trustee = trustee
            self.reloadPause = reloadPause
        }
    }

    /// Who uses the trusts.
    public struct Trustee: Sendable, Equatable {
        public var user: KeystoneUser
        /// Path of the file with the user's password.
        public var secretFile: String

        public init(user: KeystoneUser, secretFile: String) {
            self.user = user
            self.secretFile = secretFile
        }
    }

    public static let defaultRoles = ["member", "reader", "_member_"]
    /// Projects whose tokens are kept; of more, the least recently used ones are forgotten.
    public static let maxSessions = 1024
    /// Seconds after which clients may try again when there is no token.
    static let retryAfter = "5"

    private let transport: any Transport
    private let settings: Settings
    private let reload: (@Sendable () -> BridgeMap?)?
    private let clock: @Sendable () -> Timestamp
    private let state: Mutex<State>

    private struct State {
        var map: BridgeMap
        var nextReload: MonotonicTime
        var isReloading = false
        var sessions: [String: Entry] = [:]
        var uses: UInt64 = 0
    }

    private struct Entry {
        var session: KeystoneSession
        var access: BridgeMap.Access
        var lastUse: UInt64
    }

    /// - Parameters:
    ///   - transport: to the Keystone's v3 root.
    ///   - map: the one to begin with.
    ///   - reload: the map as it is now, nil when it has not changed or cannot be read. May block: it runs off the loops.
    ///   - clock: the time of day; another one in tests.
    public init(
        transport: any Transport, map: BridgeMap, reload: (@Sendable () -> BridgeMap?)? = nil,
        settings: Settings = Settings(), clock: @escaping @Sendable () -> Timestamp = KeystoneSession.timeOfDay
    ) {
        self.transport = transport
        self.settings = settings
        self.reload = reload
        self.clock = clock
        state = Mutex(State(map: map, nextReload: MonotonicTime.now() + settings.reloadPause))
    }

    /// Whether the caller needs another token: one that a system other than Keystone answers for. A token that nobody was
    /// asked about stays what it is.
    public func concerns(_ caller: Caller) -> Bool {
        guard let token = caller.token, !token.isEmpty else { return false }
        switch caller.system {
        case .keystone, .unasked: return false
        case .gateway, .astakos: return true
        }
    }

    /// The caller as Keystone knows it, with a token of its project. Called by a task of an event loop.
    ///
    /// - Throws: `forbidden` without a project or with a role too many, `unavailable` when no token is to be had.
    public func caller(for caller: Caller) async throws(Failure) -> Caller {
        await reloadIfDue()
        let (project, session) = try session(for: caller)
        let grant: KeystoneGrant
        do throws(IdentityFault) {
            grant = try await session.grant()
        } catch {
            throw Self.unavailable(project, Self.text(error))
        }
        try check(grant.claims.roles, of: project, for: caller)
        guard let bridged = grant.caller else {
            throw Self.unavailable(project, "its token is for no project")
        }
        return bridged
    }

    /// A service refused a token that ``caller(for:)`` gave this caller: the next one is another.
    public func discard(_ token: String, of caller: Caller) {
        let session = state.withLock { state in
            state.map.project(of: caller).flatMap { state.sessions[$0]?.session }
        }
        session?.discard(token)
    }

    /// From now on this map counts. Tokens of projects that are gone from it, or reached otherwise, are forgotten.
    public func replace(_ map: BridgeMap) {
        state.withLock { state in
            state.map = map
            state.sessions = state.sessions.filter { map.access(to: $0.key) == $0.value.access }
        }
    }

    private static func text(_ fault: IdentityFault) -> String {
        switch fault {
        case .rejected(let text), .unavailable(let text): text
        }
    }

    private static func unavailable(_ project: String, _ cause: String) -> Failure {
        Failure(
            .unavailable, "No token for the image registry can be had now", retryAfter: retryAfter,
            cause: "bridge, project \(project): \(cause)")
    }

    // MARK: Roles

    private func check(_ roles: [String], of project: String, for caller: Caller) throws(Failure) {
        let risen = roles.first { role in
            let isAdmin = ASCII.equalIgnoringCase(role, "admin")
            return (isAdmin && !caller.isAdministrator)
                || !settings.allowedRoles.contains { ASCII.equalIgnoringCase($0, role) }
        }
        guard let risen else { return }
        throw Failure(
            .forbidden, "Your project gives more rights than you may have here",
            cause:
                "bridge, project \(project): its token brings the role \(risen), which is not allowed for this caller")
    }

    // MARK: Projects

    private func session(for caller: Caller) throws(Failure) -> (project: String, session: KeystoneSession) {
        let (transport, settings, clock) = (transport, settings, clock)
        let found = state.withLock { state -> Result<(String, KeystoneSession), Failure> in
            guard let project = state.map.project(of: caller), let access = state.map.access(to: project) else {
                return .failure(
                    Failure(
                        .forbidden, "You have no project in the image registry's identity system",
                        cause: "bridge: no project for the caller"))
            }
            state.uses += 1
            if let entry = state.sessions[project], entry.access == access {
                state.sessions[project]?.lastUse = state.uses
                return .success((project, entry.session))
            }
            guard let credential = Self.credential(access, settings.trustee) else {
                return .failure(Self.unavailable(project, "it is reached by a trust, and no trustee is set"))
            }
            if state.sessions.count >= Self.maxSessions,
                let oldest = state.sessions.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                state.sessions[oldest.key] = nil
            }
            let session = KeystoneSession(transport: transport, credential: credential, clock: clock)
            state.sessions[project] = Entry(session: session, access: access, lastUse: state.uses)
            return .success((project, session))
        }
        let (project, session) = try found.get()
        return (project, session)
    }

    private static func credential(_ access: BridgeMap.Access, _ trustee: Trustee?) -> KeystoneCredential? {
        switch access {
        case .applicationCredential(let id, let file):
            KeystoneCredential(.applicationCredential(id: id), secretFile: file)
        case .trust(let id):
            trustee.map { KeystoneCredential(.trust(id: id, $0.user), secretFile: $0.secretFile) }
        }
    }

    // MARK: The map

    /// Looks for a changed map now and then. One request does; the others go on with the old map meanwhile.
    private func reloadIfDue() async {
        guard let reload else { return }
        let now = MonotonicTime.now()
        let isDue = state.withLock { state in
            guard !state.isReloading, now >= state.nextReload else { return false }
            state.isReloading = true
            return true
        }
        guard isDue else { return }
        let map = (try? await OffloadPool.shared.run { reload() }) ?? nil
        if let map { replace(map) }
        state.withLock { state in
            state.isReloading = false
            state.nextReload = MonotonicTime.now() + settings.reloadPause
        }
    }
}
