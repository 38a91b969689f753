import EventLoop
import Posix
import Synchronization

/// One question to an identity service that any number of requests, on any loops, wait for.
///
/// The question has tasks of its own: a client that goes away ends its own waiting and nothing else.
final class SingleFlight<Value: Sendable>: Sendable {
    typealias Answer = Result<Value, IdentityFault>

    /// How a request's waiting ended.
    enum Outcome: Sendable {
        case answered(Answer)
        /// The request's own task was cancelled.
        case cancelled
    }

    private struct State {
        var answer: Answer?
        var waiters: [ObjectIdentifier: (wait: LoopWait<Answer>, loop: EventLoop)] = [:]
    }

    private let state = Mutex(State())
    /// When the question was put: an answer may be as old.
    let asked: MonotonicTime

    init(asked: MonotonicTime = .now()) { self.asked = asked }

    /// Asks on the loop at hand; `done` runs there, once, before the waiters hear of the answer.
    ///
    /// - Parameter patience: then the question is withdrawn and the service counts as unavailable.
    func start(
        on loop: EventLoop, patience: Duration, ask: @escaping @Sendable () async throws(IdentityFault) -> Value,
        done: @escaping @Sendable (Answer) -> Void
    ) {
        let question = loop.spawn {
            do throws(IdentityFault) { return Answer.success(try await ask()) } catch { return .failure(error) }
        }
        loop.spawn {
            let timer = LoopTimer(loop) { question.cancel() }
            timer.arm(after: patience)
            let answer = await question.value
            timer.invalidate()
            done(answer)
            self.finish(answer)
        }
    }

    /// Waits on the caller's loop and resumes there.
    ///
    /// - Parameter patience: for a service that answers neither in time nor to being cancelled.
    func answer(on loop: EventLoop, patience: Duration) async -> Outcome {
        let wait = LoopWait<Answer>(loop)
        let known = state.withLock { state in
            if state.answer == nil { state.waiters[ObjectIdentifier(wait)] = (wait, loop) }
            return state.answer
        }
        if let known { return .answered(known) }
        switch await wait.outcome(within: patience) {
        case .ended(let answer): return .answered(answer)
        case .timedOut:
            leave(wait)
            return .answered(.failure(.unavailable("no answer within \(patience)")))
        case .cancelled:
            leave(wait)
            return .cancelled
        }
    }

    /// Requests that wait now.
    var waiting: Int { state.withLock { $0.waiters.count } }

    private func leave(_ wait: LoopWait<Answer>) {
        state.withLock { _ = $0.waiters.removeValue(forKey: ObjectIdentifier(wait)) }
    }

    private func finish(_ answer: Answer) {
        let waiters = state.withLock { state in
            state.answer = answer
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for (wait, loop) in waiters { loop.execute { wait.end(answer) } }
    }
}
