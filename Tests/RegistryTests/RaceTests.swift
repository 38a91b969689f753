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

    static func run(_ registry: FileRegistry, _ operation: Operation, _ caller: Caller, _ text: String? = nil) async {
        let data = text.map { BytesBody(Array($0.utf8)) }
        _ = try? await registry.perform(
            BackendRequest(operation: operation, caller: caller, requestID: "", data: data))
    }

    /// Deletes the image, and lets somebody have a new one of the same id.
    static func takeOver(
        _ registry: FileRegistry, _ id: String, _ caller: Caller, source: DataSource = .none, _ text: String? = nil
    ) async {
        await run(registry, .deleteImage(id: id), .admin)
        let image = Image.of("second", [.id: .text(id), .isPublic: .boolean(true)])
        await run(registry, .createImage(ImageCreation(image: image, source: source)), caller, text)
    }

    @Test func `an upload does not begin on another owner's image of the same id`() async throws {
        let workers = SteppedWorkers()
        let bench = try Bench(workers: workers)
        let id = try await bench.create(.of("a")).id
        let registry = bench.registry
        workers.after(0) { await Self.takeOver(registry, id, .bob) }
        let upload = UpdateTests.update(id, Image(), source: Self.body)
        #expect(await bench.kind(upload, data: BytesBody([1])) == .forbidden)
        let image = try await bench.show(id, .bob)
        #expect(image.status == .queued && image.text(.owner) == "bob")
    }

    @Test func `an upload does not end on an image that was given away meanwhile`() async throws {
        let bench = try Bench()
        let id = try await bench.create(.of("a")).id
        let slow = SlowBody("hello") {
            _ = try? await bench.image(UpdateTests.update(id, UpdateTests.fields([.owner: .text("bob")])), .admin)
        }
        #expect(await bench.kind(UpdateTests.update(id, Image(), source: Self.body), data: slow) == .imageNotFound)
        #expect(try await bench.show(id, .bob).status == .queued)
        #expect(!Bench.exists("\(bench.directory)/state/images/\(id)/data"))
    }

    static func rewritten(_ bench: Bench) async throws -> String {
        let id = try await bench.image(ObjectTests.register("pithos://alice/pithos/a%20b.img")).id
        Bench.write("hello world", to: "\(bench.objects)/alice/pithos/a b.img")
        return id
    }

    @Test(arguments: 0..<4)
    func `a download of a rewritten object touches no new image of the same id`(turn: Int) async throws {
        let workers = SteppedWorkers()
        let bench = try ObjectTests.withObject(workers: workers)
        let id = try await Self.rewritten(bench)
        let registry = bench.registry
        workers.after(turn) { await Self.takeOver(registry, id, .bob, source: Self.body, "bobs data") }
        #expect(try await bench.data(id) == "hello world", "as it was when it was asked for")
        let image = try await bench.show(id, .bob)
        #expect(image.text(.name) == "second" && image.integer(.size) == 9 && image.text(.location) == nil)
        #expect(try await bench.data(id, .bob) == "bobs data")
    }

    @Test func `a registry that takes no writes gives a rewritten object, and one that is full does`() async throws {
        let fsync = CrashTests.Fault()
        let write = CrashTests.Fault()
        let bench = try ObjectTests.withObject { $0.calls = CrashTests.calls(fsync: fsync, write: write) }
        let id = try await Self.rewritten(bench)
        write.arm(0, ENOSPC)
        #expect(try await bench.data(id) == "hello world")
        #expect(try await bench.show(id).integer(.size) == 5)
        write.arm(nil, 0)
        fsync.arm(0, EIO)
        _ = await bench.kind(UpdateTests.update(id, UpdateTests.fields([.name: .text("b")])))
        #expect(bench.registry.readOnlyReason != nil)
        guard case .data(let image, let body) = try await bench.perform(.downloadImage(id: id)) else { return }
        #expect(image.integer(.size) == 11 && image.text(.checksum) == "5eb63bbbe01eeed093cb22bb8f5acdc3")
        #expect(try await body.next() == Array("hello world".utf8))
    }
}
