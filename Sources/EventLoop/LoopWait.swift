/// One task parked on a loop until somebody ends the wait, a time passes or the task is cancelled. Used once, on the
/// loop's thread.
public final class LoopWait<Value: Sendable>: @unchecked Sendable {
    /// How a wait ended.
    public enum Outcome: Sendable {
        case ended(Value)
        case timedOut
        case cancelled
    }

    private let loop: EventLoop
    private var continuation: UnsafeContinuation<Outcome, Never>?
    private var timer: LoopTimer?
    private var early: Outcome?

    public init(_ loop: EventLoop) { self.loop = loop }

    /// Parks the task; returns at once when the wait has been ended already.
    public func outcome(within time: Duration) async -> Outcome {
        if let early { return early }
        let loop = loop
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                self.continuation = continuation
                let timer = LoopTimer(loop) { [unowned self] in finish(.timedOut) }
                timer.arm(after: time)
                self.timer = timer
            }
        } onCancel: {
            loop.execute { self.finish(.cancelled) }
        }
    }

    /// Ends the wait; whether it was this call that did.
    @discardableResult
    public func end(_ value: Value) -> Bool { finish(.ended(value)) }

    @discardableResult
    private func finish(_ outcome: Outcome) -> Bool {
        guard early == nil else { return false }
        early = outcome
        timer?.invalidate()
        timer = nil
        continuation?.resume(returning: outcome)
        continuation = nil
        return true
    }
}
