import EventLoop
import Posix
import Testing

@Suite struct EventLoopTests {
    @Test func `a spawned task stays on its loop through awaits and children`() async throws {
        try await withLoops(2) { group in
            for loop in group.loops {
                let stayed = await loop.spawn {
                    var stayed = loop.isCurrent
                    for _ in 0..<100 {
                        await Task.yield()
                        async let child = loop.isCurrent
                        let there = await child
                        stayed = stayed && loop.isCurrent && there
                    }
                    return stayed
                }.value
                #expect(stayed)
            }
        }
    }

    @Test func `work from other threads wakes a sleeping loop`() async throws {
        try await withLoops(2) { group in
            for _ in 0..<2000 {
                let sum = await group.loops[0].spawn { await group.loops[1].spawn { 1 }.value }.value
                #expect(sum == 1)
            }
        }
    }

    @Test func `timers fire in order, once, and not when disarmed`() async throws {
        let fired = try await onLoop { loop in
            var fired: [Int] = []
            var timers: [LoopTimer] = []
            for (name, delay) in [(3, 30), (1, 10), (2, 20), (9, 15)] {
                let timer = LoopTimer(loop) { fired.append(name) }
                timer.arm(after: .milliseconds(delay))
                timers.append(timer)
            }
            timers[3].disarm()
            let moved = LoopTimer(loop) { fired.append(4) }
            moved.arm(after: .milliseconds(5))
            moved.arm(after: .milliseconds(40))
            await pause(loop, .milliseconds(60))
            return fired
        }
        #expect(fired == [1, 2, 3, 4])
    }

    @Test func `an actor with the serial executor runs on the loop`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let probe = Probe(loop)
            #expect(await probe.isOnLoop())
            #expect(await loop.spawn { await probe.isOnLoop() }.value)
        }
    }

    @Test func `blocking work resumes its caller on the loop`() async throws {
        let result = try await onLoop { loop in
            let value = try await OffloadPool.shared.run { EventLoop.current == nil ? 42 : 0 }
            return (value, loop.isCurrent)
        }
        #expect(result == (42, true))
    }

    @Test func `a loop-local value is made once per loop and goes with its key`() async throws {
        try await withLoops(2) { group in
            final class Value {}
            let local = LoopLocal<Value> { _ in Value() }
            var seen: Set<ObjectIdentifier> = []
            for loop in group.loops {
                seen.insert(await loop.spawn { ObjectIdentifier(local.value(on: loop)) }.value)
                seen.insert(await loop.spawn { ObjectIdentifier(local.value(on: loop)) }.value)
            }
            #expect(seen.count == 2)
        }
    }

    private actor Probe {
        let loop: EventLoop
        init(_ loop: EventLoop) { self.loop = loop }
        nonisolated var unownedExecutor: UnownedSerialExecutor { loop.serialExecutor.asUnownedSerialExecutor() }
        func isOnLoop() -> Bool { loop.isCurrent }
    }
}
