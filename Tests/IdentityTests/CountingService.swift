import EventLoop
import Images
import Posix
import Synchronization

@testable import Identity

/// A token service that counts its questions and answers when it is let.
final class CountingService: TokenService {
    private struct State {
        var asked: [String] = []
        var fault: IdentityFault?
        var isHeld = false
        var expires: Timestamp?
        var holding: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    var asked: [String] { state.withLock { $0.asked } }
    var fault: IdentityFault? {
        get { state.withLock { $0.fault } }
        set { state.withLock { $0.fault = newValue } }
    }
    var expires: Timestamp? {
        get { state.withLock { $0.expires } }
        set { state.withLock { $0.expires = newValue } }
    }

    /// Questions wait from now on.
    func hold() { state.withLock { $0.isHeld = true } }

    /// All questions that wait are answered.
    func release() {
        let holding = state.withLock { state in
            state.isHeld = false
            defer { state.holding = [] }
            return state.holding
        }
        for resume in holding { resume() }
    }

    func caller(for token: String) async throws(IdentityFault) -> Caller {
        let isHeld = state.withLock { state in
            state.asked.append(token)
            return state.isHeld
        }
        if isHeld, let loop = EventLoop.current {
            let wait = LoopWait<Void>(loop)
            state.withLock { $0.holding.append { loop.execute { wait.end(()) } } }
            guard case .ended = await wait.outcome(within: .seconds(3600)) else { throw .unavailable("withdrawn") }
        }
        let (fault, expires) = state.withLock { ($0.fault, $0.expires) }
        if let fault { throw fault }
        return Caller(
            token: "not this", user: "user of \(token)", tenant: "tenant",
            roles: ["member", "a role with a long name"],
            system: .keystone, expires: expires)
    }
}

/// A clock that stands still until it is moved.
final class HandClock: Sendable {
    private let seconds = Mutex(0.0)
    /// What the wall shows at the beginning.
    static let start = Timestamp(seconds: 1_700_000_000)

    func advance(_ time: Double) { seconds.withLock { $0 += time } }

    var clock: TokenClock {
        TokenClock(
            now: { [self] in MonotonicTime(nanoseconds: 1_000_000_000_000) + .seconds(seconds.withLock { $0 }) },
            wall: { [self] in
                let passed = seconds.withLock { $0 }
                return Timestamp(
                    seconds: Self.start.seconds + Int64(passed),
                    microseconds: Int32((passed - passed.rounded(.down)) * 1_000_000))
            })
    }
}

/// Waits on a loop until something holds; false: it did not within two minutes.
func holds(on loop: EventLoop, _ condition: () -> Bool) async -> Bool {
    let limit = ContinuousClock.now + .seconds(120)
    while !condition() {
        guard ContinuousClock.now < limit else { return false }
        _ = await LoopWait<Void>(loop).outcome(within: .milliseconds(1))
    }
    return true
}
