import EventLoop
import Images
import Synchronization

/// The fetches that run in the background, bounded in number, one at most for an image.
final class Fetches: Sendable {
    private struct State {
        /// By the bytes of the image's id.
        var running: [[UInt8]: Task<Void, Never>] = [:]
        /// Slots that are taken, also by those that have not begun.
        var taken = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Takes a slot: `start` uses it up, `release` gives it back.
    func take() throws(Failure) {
        let isFree = state.withLock { state in
            guard !state.isClosed, state.taken < limit else { return false }
            state.taken += 1
            return true
        }
        guard isFree else {
            throw Failure(
                .unavailable, "Too many images are being copied.", retryAfter: "10", cause: "all \(limit) fetches run")
        }
    }

    func release() { state.withLock { $0.taken -= 1 } }

    /// Runs `work` on the loop; its slot is given back when it ends. False: a fetch for this image runs already.
    func start(_ id: String, on loop: EventLoop, _ work: @escaping @Sendable () async -> Void) -> Bool {
        let key = Array(id.utf8)
        return state.withLock { state in
            guard state.running[key] == nil else { return false }
            state.running[key] = loop.spawn { [self] in
                await work()
                end(key)
            }
            return true
        }
    }

    private func end(_ key: [UInt8]) {
        state.withLock {
            $0.running[key] = nil
            $0.taken -= 1
        }
    }

    func isRunning(_ id: String) -> Bool { state.withLock { $0.running[Array(id.utf8)] != nil } }

    /// Ends the fetch for an image that is not wanted any more.
    func cancel(_ id: String) { state.withLock { $0.running[Array(id.utf8)] }?.cancel() }

    /// Ends all of them, and waits until they have cleaned up; there are no new ones.
    func close() async {
        let tasks = state.withLock { state in
            state.isClosed = true
            return Array(state.running.values)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }
}
