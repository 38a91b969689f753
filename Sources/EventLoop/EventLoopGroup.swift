import Glibc
public import Posix
import Synchronization

/// The loops of a process, each on its own thread.
public final class EventLoopGroup: Sendable {
    public let loops: [EventLoop]
    private let turn = Atomic(0)

    /// Starts `loops` threads; nil: one per core that this process may use.
    public init(loops count: Int? = nil) throws(Errno) {
        let count = max(1, count ?? Int(clamping: sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        var started: [EventLoop] = []
        do {
            for index in 0..<count {
                let loop = try EventLoop(index: index)
                try loop.start()
                started.append(loop)
            }
        } catch {
            for loop in started { loop.stop() }
            throw error
        }
        loops = started
    }

    /// The loops in turn, from any thread.
    public func next() -> EventLoop {
        let (_, count) = turn.add(1, ordering: .relaxed)
        return loops[Int(UInt(bitPattern: count) % UInt(loops.count))]
    }

    /// Ends all threads and waits for them; tasks that are still parked never resume. Not from a loop.
    public func stop() {
        for loop in loops { loop.stop() }
    }
}
