import Bytes
import EventLoop
import HTTP
public import Images
import Posix
import Synchronization
public import Upstream

/// The gateway's own token at a Keystone: got by a credential, kept, and renewed before it ends.
///
/// Shared by all loops; however many ask, one authentication is under way at a time. It goes on when those who wait for
/// it go away.
public final class KeystoneSession: Sendable {
    /// A token is renewed so long before its end, or a tenth of its life before when that is shorter.
    public static let renewalMargin = Duration.seconds(60)
    private static let renewalShare: Int64 = 10
    /// After Keystone refused the credential it is not asked again for so long: it locks accounts after some attempts.
    public static let refusalPause = Duration.seconds(5)
    /// An authentication that takes longer is given up.
    static let patience = Duration.seconds(30)
    /// Longest token taken, in bytes: the most a header of a call holds with any backend.
    static let maxTokenBytes = 16 << 10

    let version: KeystoneVersion
    let calls: IdentityCalls
    private let credential: KeystoneCredential
    let clock: @Sendable () -> Timestamp
    private let state = Mutex(State())

    private struct State {
        var grant: KeystoneGrant?
        var renewal = Timestamp(seconds: .min)
        var flight: SingleFlight<KeystoneGrant>?
        var refusal: (fault: IdentityFault, until: Timestamp)?
    }

    private enum Step {
        case known(KeystoneGrant)
        case refused(IdentityFault)
        case flight(SingleFlight<KeystoneGrant>, isNew: Bool)
    }

    /// - Parameters:
    ///   - transport: to the API's root, `http://keystone:5000/v3` or `.../v2.0`.
    ///   - credential: one that works with the version.
    ///   - clock: the time of day; another one in tests.
    public init(
        transport: any Transport, version: KeystoneVersion = .v3, credential: KeystoneCredential,
        clock: @escaping @Sendable () -> Timestamp = KeystoneSession.timeOfDay
    ) {
        self.version = version
        self.credential = credential
        self.clock = clock
        calls = IdentityCalls(transport, name: "Keystone")
    }

    @Sendable public static func timeOfDay() -> Timestamp {
        let now = WallClock.now()
        return Timestamp(seconds: now.seconds, microseconds: now.nanoseconds / 1000)
    }

    /// A token that is good for some time yet. Called by a task of an event loop.
    ///
    /// - Throws: `unavailable` only: that Keystone refuses the gateway is not the client's fault.
    public func grant() async throws(IdentityFault) -> KeystoneGrant {
        guard credential.works(with: version) else {
            throw .unavailable("Keystone \(version.rawValue) knows no \(credential.name)")
        }
        guard let loop = EventLoop.current else { throw .unavailable("Keystone: asked outside of an event loop") }
        switch look() {
        case .known(let grant): return grant
        case .refused(let fault): throw fault
        case .flight(let flight, let isNew):
            if isNew {
                flight.start(on: loop, patience: Self.patience) { () async throws(IdentityFault) in
                    try await self.renewed()
                } done: { _ in
                    self.state.withLock { $0.flight = nil }
                }
            }
            // The flight ends by its own patience first, and gives what is still good then.
            switch await flight.answer(on: loop, patience: Self.patience * 2) {
            case .answered(let answer): return try answer.get()
            case .cancelled: throw .unavailable("Keystone: cancelled")
            }
        }
    }

    private func look() -> Step {
        let now = clock()
        return state.withLock { state in
            if let grant = state.grant, now < state.renewal { return .known(grant) }
            if let flight = state.flight { return .flight(flight, isNew: false) }
            if let refusal = state.refusal, now < refusal.until { return .refused(refusal.fault) }
            let flight = SingleFlight<KeystoneGrant>()
            state.flight = flight
            return .flight(flight, isNew: true)
        }
    }

    /// A service refused the token: it is not given out again. Another token than the present one changes nothing.
    public func discard(_ token: String) {
        state.withLock { state in
            guard let grant = state.grant, ConstantTime.equal(grant.token, token) else { return }
            state.grant = nil
        }
    }

    /// Authenticates and keeps what came of it.
    private func renewed() async throws(IdentityFault) -> KeystoneGrant {
        do throws(Refusal) {
            let grant = try await authenticate()
            let now = clock()
            state.withLock { state in
                state.grant = grant
                state.renewal = Self.renewal(of: grant.claims.expires, now: now)
                state.refusal = nil
            }
            return grant
        } catch {
            let now = clock()
            let old = state.withLock { state in
                if error.isFinal { state.refusal = (error.fault, Self.time(now, plus: Self.refusalPause)) }
                return state.grant
            }
            // Still good, though not for long.
            guard let old, now < old.claims.expires else { throw error.fault }
            return old
        }
    }

    /// Why there is no token.
    private struct Refusal: Error {
        var fault: IdentityFault
        /// Keystone knows the credential and says no, so that asking again at once is of no use.
        var isFinal = false
    }

    private func authenticate() async throws(Refusal) -> KeystoneGrant {
        let secret: String
        let answer: IdentityCalls.Answer
        do throws(IdentityFault) {
            secret = try await SecretFile(path: credential.secretFile).read()
            answer = try await calls.send(
                IdentityCalls.Call(
                    "POST", version == .v3 ? "/auth/tokens?nocatalog" : "/tokens",
                    document: credential.document(secret: secret, version: version)))
        } catch {
            throw Refusal(fault: error)
        }
        guard [200, 201, 203].contains(answer.status) else {
            // Its words stay out: they could repeat what was sent.
            let cause = "Keystone gives \(credential.name) no token: status \(answer.status)"
            throw Refusal(fault: .unavailable(cause), isFinal: [400, 401, 403, 404].contains(answer.status))
        }
        do throws(IdentityFault) {
            let claims = try KeystoneClaims(answer.document, version: version)
            return KeystoneGrant(token: try token(in: answer), claims: claims)
        } catch {
            throw Refusal(fault: error)
        }
    }

    private func token(in answer: IdentityCalls.Answer) throws(IdentityFault) -> String {
        let token =
            switch version {
            case .v3: answer.fields["x-subject-token"]
            case .v2: answer["access", "token", "id"]?.text
            }
        guard let token, IdentityCalls.fitsField(token), token.utf8.count <= Self.maxTokenBytes else {
            throw .unavailable("Keystone: the answer holds no token, or none that a header can")
        }
        return token
    }

    private static func renewal(of end: Timestamp, now: Timestamp) -> Timestamp {
        let (life, _) = end.seconds.subtractingReportingOverflow(now.seconds)
        let margin = min(renewalMargin.components.seconds, max(0, life) / renewalShare)
        return Timestamp(seconds: end.seconds - margin, microseconds: end.microseconds)
    }

    private static func time(_ start: Timestamp, plus duration: Duration) -> Timestamp {
        Timestamp(seconds: start.seconds + duration.components.seconds, microseconds: start.microseconds)
    }
}
