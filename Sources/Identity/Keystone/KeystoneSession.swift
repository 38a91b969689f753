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
        var flight: Flight?
        var refusal: (fault: IdentityFault, until: Timestamp)?
    }

    private typealias Flight = Task<Result<KeystoneGrant, IdentityFault>, Never>

    private enum Step {
        case known(KeystoneGrant)
        case refused(IdentityFault)
        case wait(Flight)
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
        let now = clock()
        let step = state.withLock { state -> Step in
            if let grant = state.grant, now < state.renewal { return .known(grant) }
            if let flight = state.flight { return .wait(flight) }
            if let refusal = state.refusal, now < refusal.until { return .refused(refusal.fault) }
            // Runs in a later step of this loop, so not before the flight is noted.
            let flight = loop.spawn { await self.renewed() }
            state.flight = flight
            return .wait(flight)
        }
        switch step {
        case .known(let grant): return grant
        case .refused(let fault): throw fault
        case .wait(let flight): return try await flight.value.get()
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
    private func renewed() async -> Result<KeystoneGrant, IdentityFault> {
        let outcome: Result<KeystoneGrant, Refusal>
        do throws(Refusal) {
            outcome = .success(try await authenticate())
        } catch {
            outcome = .failure(error)
        }
        let now = clock()
        return state.withLock { state in
            state.flight = nil
            switch outcome {
            case .success(let grant):
                state.grant = grant
                state.renewal = Self.renewal(of: grant.claims.expires, now: now)
                state.refusal = nil
                return .success(grant)
            case .failure(let refusal):
                if refusal.isFinal { state.refusal = (refusal.fault, Self.time(now, plus: Self.refusalPause)) }
                // Still good, though not for long.
                if let grant = state.grant, now < grant.claims.expires { return .success(grant) }
                return .failure(refusal.fault)
            }
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
