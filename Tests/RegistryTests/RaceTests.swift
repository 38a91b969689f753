import Bytes
import Glibc
import Images
import Registry
import Synchronization
import Testing

/// What one request does while another is between two of its steps.
@Suite struct RaceTests {
    static let body = DataSource.body(length: nil)

    @Test func `an upload that breaks off during another change leaves the image queued`() async throws {
        let isArmed = Atomic(false)
        let isInside = Atomic(false)
        let bench = try Bench(workers: PoolWorkers()) {
            var calls = DiskCalls()
            let real = calls.fsync
            calls.fsync = { descriptor in
                if isArmed.exchange(false, ordering: .relaxed) {
                    isInside.store(true, ordering: .relaxed)
                    usleep(200_000)
                }
                return real(descriptor)
            }
            $0.calls = calls
        }
        let id = try await bench.create(.of("a")).id
        let registry = bench.registry
        var change: Task<Void, any Error>?
        let broken = BrokenBody([[1]], .disconnected) {
            isArmed.store(true, ordering: .relaxed)
            change = Task {
                _ = try await registry.perform(
                    BackendRequest(
                        operation: .addMember(id: id, member: Member(id: "bob")), caller: .alice, requestID: ""))
            }
            while !isInside.load(ordering: .relaxed) { await Task.yield() }
        }
        let upload = UpdateTests.update(id, Image(), source: Self.body)
        #expect(await bench.kind(upload, data: broken) == .clientDisconnected)
        try await change?.value
        #expect(try await bench.show(id).status == .queued)
        #expect(try await bench.show(id).members?.count == 1)
        #expect(try await bench.image(upload, data: BytesBody([1])).status == .active)
    }
}
