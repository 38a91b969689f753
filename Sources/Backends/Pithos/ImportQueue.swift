import EventLoop
import Images
import Synchronization

/// Work that outlives its request: so much of it at once, so much that waits, and an end to all of it.
final class ImportQueue: Sendable {
    typealias Work = @Sendable () async -> Void

    private struct Entry: Sendable {
        var work: Work
        /// Where its request was: connections to registries live on loops.
        var executor: any TaskExecutor
    }

    private struct State {
        var reserved = 0
        var waiting: [Entry] = []
        var running: [UInt64: Task<Void, Never>] = [:]
        var next: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let maxRunning: Int
    private let maxWaiting: Int

    init(maxRunning: Int, maxWaiting: Int) {
        self.maxRunning = max(1, maxRunning)
        self.maxWaiting = max(0, maxWaiting)
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Keeps a place for work that `start` brings, or `release` says will not come.
    ///
    /// - Throws: `unavailable` when there is none.
    func reserve() throws(Failure) {
        let isTaken = state.withLock { state in
            let count = state.reserved + state.waiting.count + state.running.count
            guard !state.isClosed, count < maxRunning + maxWaiting else { return false }
            state.reserved += 1
            return true
        }
        guard isTaken else { throw Failure(.unavailable, "Too many images are being imported. Try again later.") }
    }

    func release() { state.withLock { $0.reserved -= 1 } }

    func start(_ work: @escaping Work) {
        let entry = Entry(work: work, executor: EventLoop.current?.taskExecutor ?? globalConcurrentExecutor)
        state.withLock { state in
            state.reserved -= 1
            if state.running.count < maxRunning || state.isClosed {
                launch(entry, &state)
            } else {
                state.waiting.append(entry)
            }
        }
    }

    private func launch(_ entry: Entry, _ state: inout sending State) {
        let number = state.next
        state.next += 1
        let task = Task(executorPreference: entry.executor) { [self] in
            await entry.work()
            end(number)
        }
        if state.isClosed { task.cancel() }
        state.running[number] = task
    }

    private func end(_ number: UInt64) {
        state.withLock { state in
            state.running[number] = nil
            guard !state.waiting.isEmpty, state.running.count < maxRunning else { return }
            launch(state.waiting.removeFirst(), &state)
        }
    }

    /// Cancels everything and waits for its end; what waited runs, cancelled, so that it can take back what it began.
    func close() async {
        let tasks = state.withLock { state in
            state.isClosed = true
            for entry in state.waiting { launch(entry, &state) }
            state.waiting = []
            for task in state.running.values { task.cancel() }
            return Array(state.running.values)
        }
        for task in tasks { await task.value }
    }
}

/// Locations at which something is being registered: of two at once each would find nothing there.
final class LocationClaims: Sendable {
    private let claimed = Mutex(Set<String>())

    /// - Throws: `conflict` when somebody else has claimed it.
    func claim(_ location: String) throws(Failure) {
        guard claimed.withLock({ $0.insert(location).inserted }) else {
            throw Failure(.conflict, "The location is being registered by another request.")
        }
    }

    func release(_ location: String) { _ = claimed.withLock { $0.remove(location) } }
}
