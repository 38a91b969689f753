import EventLoop
import Images
import Synchronization
import Testing

@testable import Backends

/// How many run at once, and the most there ever were.
private final class Gauge: Sendable {
    private let counts = Mutex((now: 0, most: 0))

    var most: Int { counts.withLock { $0.most } }

    func change(by step: Int) {
        counts.withLock { state in
            state.now += step
            state.most = max(state.most, state.now)
        }
    }
}

@Suite struct UpdateLocksTests {
    @Test func `bodies of one key follow each other, others do not wait`() async throws {
        let locks = UpdateLocks(maxWaiting: 100)
        let running = Gauge()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try? await locks.withLock("a") { () async throws(Failure) in
                        running.change(by: 1)
                        await Task.yield()
                        running.change(by: -1)
                    }
                }
            }
        }
        #expect(running.most == 1)
        try await locks.withLock("a") { () async throws(Failure) in
            try await locks.withLock("b") { () async throws(Failure) in }
        }
    }

    @Test func `nobody waits for ever`() async throws {
        let locks = UpdateLocks(maxWaiting: 10, maxWait: .milliseconds(20))
        try await locks.withLock("a") { () async throws(Failure) in
            do throws(Failure) {
                try await locks.withLock("a") { () async throws(Failure) in }
                Issue.record("two at once")
            } catch {
                #expect(error.kind == .unavailable)
                #expect(error.retryAfter == "1")
            }
        }
        try await locks.withLock("a") { () async throws(Failure) in }
    }

    @Test func `nobody waits for ever on a loop either, and who is next in time goes on`() async throws {
        let group = try EventLoopGroup(loops: 1)
        let kinds = await group.next().spawn { () -> [Failure.Kind?] in
            let locks = UpdateLocks(maxWaiting: 10, maxWait: .milliseconds(20))
            func enter() async -> Failure.Kind? {
                do throws(Failure) {
                    try await locks.withLock("a") { () async throws(Failure) in }
                    return nil
                } catch {
                    return error.kind
                }
            }
            var kinds: [Failure.Kind?] = []
            try? await locks.withLock("a") { () async throws(Failure) in kinds.append(await enter()) }
            async let next = locks.withLock("a") { () async throws(Failure) in await Task.yield() }
            kinds.append(await enter())
            try? await next
            return kinds
        }.value
        group.stop()
        #expect(kinds == [.unavailable, nil])
    }

    @Test func `an image takes the data of one at a time and no changes meanwhile`() throws {
        let locks = UpdateLocks(maxWaiting: 1)
        try locks.beginUpload("a")
        #expect(throws: Failure.self) { try locks.beginUpload("a") }
        #expect(throws: Failure.self) { try locks.requireNoUpload("a") }
        try locks.requireNoUpload("b")
        locks.endUpload("a")
        try locks.requireNoUpload("a")
        try locks.beginUpload("a")
    }

    @Test func `a cancelled waiter leaves, too many are refused`() async throws {
        let locks = UpdateLocks(maxWaiting: 1)
        try await locks.withLock("a") { () async throws(Failure) in
            let waiter = Task { () -> Failure.Kind? in
                do throws(Failure) {
                    try await locks.withLock("a") { () async throws(Failure) in }
                    return nil
                } catch {
                    return error.kind
                }
            }
            // The second comer is refused as soon as the first one waits.
            while true {
                let probe = Task { () -> Failure.Kind? in
                    do throws(Failure) {
                        try await locks.withLock("a") { () async throws(Failure) in }
                        return nil
                    } catch {
                        return error.kind
                    }
                }
                for _ in 0..<100 { await Task.yield() }
                probe.cancel()
                if await probe.value == .unavailable { break }
            }
            waiter.cancel()
            #expect(await waiter.value == .clientDisconnected)
        }
        try await locks.withLock("a") { () async throws(Failure) in }
    }
}
