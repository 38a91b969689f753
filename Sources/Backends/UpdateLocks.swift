import Images
import Synchronization

/// Lets updates of one image follow each other within this process: the registry has no conditional update (mapping §7).
///
/// Waiting tasks hold nothing of a loop; each is resumed on its own executor. A cancelled one leaves the queue.
final class UpdateLocks: Sendable {
    private struct Waiter {
        var ticket: UInt64
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var waiting: [String: [Waiter]] = [:]
        var nextTicket: UInt64 = 0
    }

    private enum Entry { case free, full, queued }

    private let state = Mutex(State())
    private let maxWaiting: Int

    init(maxWaiting: Int) { self.maxWaiting = maxWaiting }

    /// Runs `body` while nobody else runs one for this key.
    ///
    /// - Throws: `unavailable` when too many wait already, `clientDisconnected` when the task was cancelled while waiting.
    func withLock<Result>(_ key: String, _ body: () async throws(Failure) -> Result) async throws(Failure) -> Result {
        try await acquire(key)
        defer { release(key) }
        return try await body()
    }

    private func acquire(_ key: String) async throws(Failure) {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        var isFull = false
        let isMine = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                let entry = state.withLock { state -> Entry in
                    // A cancellation from here on finds the waiter: its handler needs this lock.
                    if Task.isCancelled { return .full }
                    guard var queue = state.waiting[key] else {
                        state.waiting[key] = []
                        return .free
                    }
                    guard queue.count < maxWaiting else { return .full }
                    queue.append(Waiter(ticket: ticket, continuation: continuation))
                    state.waiting[key] = queue
                    return .queued
                }
                switch entry {
                case .free: continuation.resume(returning: true)
                case .full:
                    isFull = true
                    continuation.resume(returning: false)
                case .queued: break
                }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard var queue = state.waiting[key], let place = queue.firstIndex(where: { $0.ticket == ticket })
                else {
                    return nil
                }
                let waiter = queue.remove(at: place)
                state.waiting[key] = queue
                return waiter
            }
            waiter?.continuation.resume(returning: false)
        }
        guard !isMine else { return }
        throw isFull && !Task.isCancelled
            ? Failure(.unavailable, "Too many updates of this image are waiting", retryAfter: "1")
            : Failure(.clientDisconnected)
    }

    private func release(_ key: String) {
        let next = state.withLock { state -> Waiter? in
            guard var queue = state.waiting[key] else { return nil }
            if queue.isEmpty {
                state.waiting[key] = nil
                return nil
            }
            let first = queue.removeFirst()
            state.waiting[key] = queue
            return first
        }
        next?.continuation.resume(returning: true)
    }
}
