import EventLoop

/// The bounded connections of one endpoint on one loop, and the bounded queue before them. Loop's thread only.
final class ConnectionSlots: @unchecked Sendable {
    private let loop: EventLoop
    private let maxWaiting: Int
    private var free: Int
    private var waiting: [Waiter] = []
    private var head = 0
    private var waitingCount = 0

    private enum Grant: Sendable { case granted, timedOut, cancelled }

    private final class Waiter: @unchecked Sendable {
        var continuation: UnsafeContinuation<Grant, Never>?
        var timer: LoopTimer?

        /// Ends the wait once; whether this was the call that ended it.
        func end(_ grant: Grant) -> Bool {
            guard let parked = continuation else { return false }
            continuation = nil
            timer?.invalidate()
            timer = nil
            parked.resume(returning: grant)
            return true
        }
    }

    init(loop: EventLoop, count: Int, maxWaiting: Int) {
        self.loop = loop
        self.maxWaiting = maxWaiting
        free = max(1, count)
    }

    /// Takes a slot, first come first served; give it back by `release`.
    func acquire(within time: Duration) async throws(TransportError) {
        if free > 0 {
            free -= 1
            return
        }
        guard waitingCount < maxWaiting else { throw .overloaded }
        let waiter = Waiter()
        let loop = loop
        let grant = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                waiter.continuation = continuation
                waiter.timer = LoopTimer(loop) { [unowned self, unowned waiter] in end(waiter, .timedOut) }
                waiter.timer?.arm(after: time)
                waiting.append(waiter)
                waitingCount += 1
            }
        } onCancel: {
            loop.execute { self.end(waiter, .cancelled) }
        }
        switch grant {
        case .granted: return
        case .timedOut: throw .timedOut(.queue)
        case .cancelled: throw .cancelled
        }
    }

    func release() {
        while head < waiting.count {
            let waiter = waiting[head]
            head += 1
            if end(waiter, .granted) { return }
        }
        waiting.removeAll(keepingCapacity: true)
        head = 0
        free += 1
    }

    @discardableResult
    private func end(_ waiter: Waiter, _ grant: Grant) -> Bool {
        guard waiter.end(grant) else { return false }
        waitingCount -= 1
        if waitingCount == 0 {
            waiting.removeAll(keepingCapacity: true)
            head = 0
        }
        return true
    }
}
