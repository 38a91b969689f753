import CLinux
import Glibc
public import Posix
import Synchronization

/// One thread that waits for descriptors, timers and jobs, and runs whatever became possible.
///
/// Everything that belongs to a connection lives on one loop; only `spawn`, `execute` and the executors may be called
/// from elsewhere. The runtime keeps no executor alive for unstructured tasks, so a loop must outlive the tasks it
/// runs: in the product it lives as long as the process, tests stop it when their tasks are done.
public final class EventLoop: @unchecked Sendable {
    /// Position of this loop in its group; names its thread and its metrics.
    public let index: Int
    /// Task executor of this loop: `Task(executorPreference: loop.taskExecutor)`.
    public private(set) lazy var taskExecutor = LoopTaskExecutor(self)
    /// For an actor that shall live on this loop (nothing on the request path does).
    public private(set) lazy var serialExecutor = LoopSerialExecutor(self)
    /// The clock as of this turn of the loop; on the loop's thread only.
    public internal(set) var now = MonotonicTime.now()

    let poller: Poller
    var timers = TimerHeap()
    var locals: [AnyObject?] = []
    /// Where small reads land first, so that a short message needs no large buffer of its own.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: EventLoop.scratchBytes, alignment: 64)

    private var ready: [ReadyJob] = []
    private var running: [ReadyJob] = []
    private var deferred: [@Sendable () -> Void] = []
    private var isStopping = false
    private let inbox = Mutex(Inbox())
    private let isWakePending = Atomic(false)
    private var thread = pthread_t()

    static let scratchBytes = 64 << 10
    /// Jobs run between two looks at the descriptors, so that a busy task cannot starve the others' sockets.
    private static let jobsPerTurn = 512

    private struct Inbox {
        var jobs: [ReadyJob] = []
        var work: [@Sendable () -> Void] = []
    }

    /// A loop without its thread; `start` gives it one.
    init(index: Int) throws(Errno) {
        self.index = index
        poller = try Poller()
        _ = taskExecutor
        _ = serialExecutor
    }

    deinit { scratch.deallocate() }

    /// The loop whose thread this is.
    public static var current: EventLoop? {
        guard let pointer = clinux_current_loop() else { return nil }
        return Unmanaged<EventLoop>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Whether the caller runs on this loop's thread.
    public var isCurrent: Bool { clinux_current_loop() == Unmanaged.passUnretained(self).toOpaque() }

    /// Starts a task that runs on this loop, and on no other thread, from its first line.
    @discardableResult
    public func spawn<Success: Sendable>(
        _ body: sending @escaping @isolated(any) () async -> Success
    ) -> Task<Success, Never> {
        Task(executorPreference: taskExecutor, operation: body)
    }

    /// Runs `work` on the loop's thread in a later step, never inside this call.
    public func execute(_ work: @escaping @Sendable () -> Void) {
        if isCurrent {
            deferred.append(work)
        } else {
            inbox.withLock { $0.work.append(work) }
            wake()
        }
    }

    func enqueue(_ job: ReadyJob) {
        if isCurrent {
            ready.append(job)
        } else {
            inbox.withLock { $0.jobs.append(job) }
            wake()
        }
    }

    private func wake() {
        if !isWakePending.exchange(true, ordering: .acquiringAndReleasing) { poller.wake() }
    }

    // MARK: The thread

    func start() throws(Errno) {
        let failure = pthread_create(&thread, nil, loopThreadMain, Unmanaged.passRetained(self).toOpaque())
        guard failure == 0 else { throw Errno(failure, "pthread_create") }
    }

    /// Ends the loop after its current turn and waits for its thread; jobs left over never run.
    func stop() {
        execute { self.isStopping = true }
        pthread_join(thread, nil)
    }

    fileprivate func run() {
        clinux_set_current_loop(Unmanaged.passUnretained(self).toOpaque())
        clinux_name_thread("loop-\(index)")
        while !isStopping {
            let isIdle = ready.isEmpty && deferred.isEmpty
            let wasWoken = poller.poll(until: isIdle ? timers.earliest : now, now: now) { now = MonotonicTime.now() }
            if wasWoken { takeInbox() }
            while let timer = timers.popExpired(now) { timer.fire() }
            runDeferred()
            runJobs()
        }
        clinux_set_current_loop(nil)
    }

    private func takeInbox() {
        isWakePending.store(false, ordering: .sequentiallyConsistent)
        let (jobs, work) = inbox.withLock { inbox in
            defer { inbox = Inbox() }
            return (inbox.jobs, inbox.work)
        }
        ready.append(contentsOf: jobs)
        deferred.append(contentsOf: work)
    }

    private func runDeferred() {
        guard !deferred.isEmpty else { return }
        var batch: [@Sendable () -> Void] = []
        swap(&batch, &deferred)
        for work in batch { work() }
    }

    private func runJobs() {
        var count = 0
        while !ready.isEmpty, count < Self.jobsPerTurn {
            swap(&ready, &running)
            count += running.count
            for index in running.indices { running[index].run() }
            running.removeAll(keepingCapacity: true)
        }
    }
}

private func loopThreadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().run()
    return nil
}
