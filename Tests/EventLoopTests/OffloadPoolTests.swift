import EventLoop
import Glibc
import Synchronization
import Testing

@Suite struct OffloadPoolTests {
    /// Says when it is released.
    private final class Tracked: Sendable {
        static let released = Atomic(0)
        deinit { Self.released.add(1, ordering: .relaxed) }
    }

    private final class Begun: Sendable { let flag = Atomic(false) }

    @Test func `finished work is let go while other work still waits`() async throws {
        let pool = OffloadPool(threads: 1)
        let begun = Begun()
        let first = Self.hold(Tracked(), in: pool, begun)
        while !begun.flag.load(ordering: .acquiring) { await Task.yield() }
        // Queued behind the first, and one more behind it: the queue is not empty while it looks.
        async let sees = pool.run {
            for _ in 0..<2000 where Tracked.released.load(ordering: .acquiring) == 0 { usleep(1000) }
            return Tracked.released.load(ordering: .acquiring) == 1
        }
        async let last: Void = pool.run {}
        try await first.value
        #expect(try await sees)
        try await last
    }

    /// Work that holds the object and lasts long enough for more to queue behind it.
    private static func hold(
        _ tracked: Tracked, in pool: OffloadPool, _ begun: Begun
    ) -> Task<Void, any Error> {
        Task {
            try await pool.run {
                begun.flag.store(true, ordering: .releasing)
                withExtendedLifetime(tracked) { _ = usleep(100_000) }
            }
        }
    }

    @Test func `a wait on a loop ends by its end, its time or a cancellation`() async throws {
        try await onLoop { loop in
            let ended = LoopWait<Int>(loop)
            loop.execute { ended.end(7) }
            guard case .ended(7) = await ended.outcome(within: .seconds(5)) else {
                Issue.record("not ended")
                return
            }
            #expect(!ended.end(8))
            guard case .timedOut = await LoopWait<Int>(loop).outcome(within: .milliseconds(5)) else {
                Issue.record("not timed out")
                return
            }
            let task = loop.spawn { await LoopWait<Int>(loop).outcome(within: .seconds(5)) }
            task.cancel()
            guard case .cancelled = await task.value else {
                Issue.record("not cancelled")
                return
            }
        }
    }
}
