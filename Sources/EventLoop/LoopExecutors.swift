/// A job in a loop's ready list, with the executor it came through: run under another identity the runtime would
/// enqueue it again and again.
struct ReadyJob {
    let job: UnownedJob
    let task: UnownedTaskExecutor
    let serial: UnownedSerialExecutor?

    func run() {
        if let serial {
            job.runSynchronously(isolatedTo: serial, taskExecutor: task)
        } else {
            job.runSynchronously(on: task)
        }
    }
}

/// The loop as the preferred executor of tasks: they and their children run on its thread only.
public final class LoopTaskExecutor: TaskExecutor, @unchecked Sendable {
    private unowned let loop: EventLoop

    init(_ loop: EventLoop) { self.loop = loop }

    public func enqueue(_ job: consuming ExecutorJob) {
        loop.enqueue(ReadyJob(job: UnownedJob(job), task: asUnownedTaskExecutor(), serial: nil))
    }
}

/// The loop as the executor of an actor. A separate object from the task executor, because one object that is both
/// is enqueued again on every change of isolation.
public final class LoopSerialExecutor: SerialExecutor, @unchecked Sendable {
    private unowned let loop: EventLoop

    init(_ loop: EventLoop) { self.loop = loop }

    public func enqueue(_ job: consuming ExecutorJob) {
        loop.enqueue(
            ReadyJob(
                job: UnownedJob(job), task: loop.taskExecutor.asUnownedTaskExecutor(),
                serial: asUnownedSerialExecutor()))
    }

    public func isIsolatingCurrentContext() -> Bool? { loop.isCurrent }

    public func checkIsolated() { precondition(loop.isCurrent, "not on the actor's loop") }
}
