import EventLoop
import Images
import Synchronization

/// Lets updates of one image follow each other within this process: the registry has no conditional update (mapping §7).
///
/// A lock is held for calls that the registry answers in bounded time, never while data of a client arrive: those are
/// marked as an upload, during which the registry would throw changes away. Waiting tasks hold nothing of a loop; each is
/// resumed on its own executor. One that is cancelled or has waited for too long leaves the queue.
final class UpdateLocks: Sendable {
    private enum Grant { case granted, full, cancelled, late }

    private struct Waiter {
        var ticket: UInt64
        var continuation: CheckedContinuation<Grant, Never>
    }

    private struct State {
        var waiting: [String: [Waiter]] = [:]
        var uploads: Set<String> = []
        var nextTicket: UInt64 = 0
    }

    private let state = Mutex(State())
    private let maxWaiting: Int
    private let maxWait: Duration

    init(maxWaiting: Int, maxWait: Duration = .seconds(30)) {
        self.maxWaiting = maxWaiting
        self.maxWait = maxWait
    }

    /// Runs `body` while nobody else runs one for this key.
    ///
    /// - Throws: `unavailable` when too many wait already or the wait was too long, `clientDisconnected` when the task
    ///   was cancelled while waiting.
    func withLock<Result>(_ key: String, _ body: () async throws(Failure) -> Result) async throws(Failure) -> Result {
        try await acquire(key)
        defer { release(key) }
        return try await body()
    }

    // MARK: Uploads

    /// Marks the image as taking data; with the lock held, unless nobody else can know the image.
    func beginUpload(_ key: String) throws(Failure) {
        guard state.withLock({ $0.uploads.insert(key).inserted }) else { throw Self.isUploading }
    }

    func endUpload(_ key: String) { _ = state.withLock { $0.uploads.remove(key) } }

    /// - Throws: `conflict` while data arrive: the registry would answer a change and then lose it.
    func requireNoUpload(_ key: String) throws(Failure) {
        guard !state.withLock({ $0.uploads.contains(key) }) else { throw Self.isUploading }
    }

    private static var isUploading: Failure { Failure(.conflict, "Image data are being uploaded") }

    // MARK: Waiting

    private func acquire(_ key: String) async throws(Failure) {
        let ticket = state.withLock { state -> UInt64? in
            guard state.waiting[key] != nil else {
                state.waiting[key] = []
                return nil
            }
            state.nextTicket += 1
            return state.nextTicket
        }
        guard let ticket else { return }
        switch await wait(for: key, ticket) {
        case .granted: return
        case .cancelled: throw Failure(.clientDisconnected)
        case .full: throw Failure(.unavailable, "Too many updates of this image are waiting", retryAfter: "1")
        case .late: throw Failure(.unavailable, "Another update of this image takes too long", retryAfter: "1")
        }
    }

    private func wait(for key: String, _ ticket: UInt64) async -> Grant {
        let loop = EventLoop.current
        let timer = loop.map { LoopTimer($0) { [self] in leave(key, ticket, .late) } }
        timer?.arm(after: maxWait)
        let sleeper =
            loop == nil
            ? Task { [self] in
                try? await Task.sleep(for: maxWait)
                leave(key, ticket, .late)
            } : nil
        defer {
            timer?.invalidate()
            sleeper?.cancel()
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Grant, Never>) in
                let grant = state.withLock { state -> Grant? in
                    // A cancellation from here on finds the waiter: its handler needs this lock.
                    if Task.isCancelled { return .cancelled }
                    guard var queue = state.waiting[key] else {
                        state.waiting[key] = []
                        return .granted
                    }
                    guard queue.count < maxWaiting else { return .full }
                    queue.append(Waiter(ticket: ticket, continuation: continuation))
                    state.waiting[key] = queue
                    return nil
                }
                if let grant { continuation.resume(returning: grant) }
            }
        } onCancel: {
            leave(key, ticket, .cancelled)
        }
    }

    /// Takes a waiter out of its queue, if it is still there.
    private func leave(_ key: String, _ ticket: UInt64, _ why: Grant) {
        let waiter = state.withLock { state -> Waiter? in
            guard var queue = state.waiting[key], let place = queue.firstIndex(where: { $0.ticket == ticket }) else {
                return nil
            }
            let waiter = queue.remove(at: place)
            state.waiting[key] = queue
            return waiter
        }
        waiter?.continuation.resume(returning: why)
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
        next?.continuation.resume(returning: .granted)
    }
}
