import CLinux
import Glibc

/// A few plain threads for calls that block: name look-ups, fsync, disk. Never for computing.
///
/// Work starts in order; a cancelled task still waits for its work, since a system call can't be taken back. The
/// caller resumes on its own loop.
public final class OffloadPool: @unchecked Sendable {
    /// For the whole process.
    public static let shared = OffloadPool(threads: 4)

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// Nil: taken already.
    private var queue: [(@Sendable () -> Void)?] = []
    private var head = 0
    /// Taken places are given back when there are so many.
    private static let compactionCount = 256
    private var idle = 0
    private var started = 0
    private let limit: Int

    /// Threads start when work finds none idle, up to the given number; they live as long as the process.
    public init(threads: Int) {
        limit = max(1, threads)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    /// Runs `body` on a pool thread and gives its result back on the caller's executor.
    public func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withUnsafeThrowingContinuation { continuation in
            post { continuation.resume(with: Result(catching: body)) }
        }
    }

    /// Runs `work` on a pool thread some time.
    public func post(_ work: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(mutex)
        queue.append(work)
        let needsThread = idle < queue.count - head && started < limit
        if needsThread { started += 1 }
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
        if needsThread { startThread() }
    }

    private func startThread() {
        var thread = pthread_t()
        let failure = pthread_create(&thread, nil, offloadThreadMain, Unmanaged.passRetained(self).toOpaque())
        guard failure != 0 else {
            pthread_detach(thread)
            return
        }
        pthread_mutex_lock(mutex)
        started -= 1
        let isAlone = started == 0
        pthread_mutex_unlock(mutex)
        precondition(!isAlone, "not one thread can be started")
    }

    fileprivate func serve() {
        clinux_name_thread("offload")
        while true { take()?() }
    }

    private func take() -> (@Sendable () -> Void)? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        idle += 1
        while head == queue.count { pthread_cond_wait(condition, mutex) }
        idle -= 1
        let work = queue[head]
        // What the work holds on to must not outlive it, however long the queue stays busy.
        queue[head] = nil
        head += 1
        if head == queue.count || head == Self.compactionCount {
            queue.removeFirst(head)
            head = 0
        }
        return work
    }
}

private func offloadThreadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<OffloadPool>.fromOpaque(argument).takeUnretainedValue().serve()
    return nil
}
