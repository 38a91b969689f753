import EventLoop

/// The bounded connections of one endpoint on one loop, and the bounded queue before them. Loop's thread only.
final class ConnectionSlots: @unchecked Sendable {
    private let loop: EventLoop
    private let maxWaiting: Int
    private var free: Int
    /// Calls that wait, in order; those that gave up are taken out.
    private var waiting: [LoopWait<Void>] = []

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
        guard waiting.count < maxWaiting else { throw .overloaded }
        let wait = LoopWait<Void>(loop)
        waiting.append(wait)
        switch await wait.outcome(within: time) {
        case .ended: return
        case .timedOut:
            waiting.removeAll { $0 === wait }
            throw .timedOut(.queue)
        case .cancelled:
            waiting.removeAll { $0 === wait }
            throw .cancelled
        }
    }

    func release() {
        while !waiting.isEmpty {
            if waiting.removeFirst().end(()) { return }
        }
        free += 1
    }
}
