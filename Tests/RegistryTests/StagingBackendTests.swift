import Backends
import Bytes
import Glibc
import Images
import Registry
import Synchronization
import Testing

/// Staging for registries that have none (image-v2 §17).
@Suite struct StagingBackendTests {
    @Test func `staged data wait on the gateway's disk and go to the registry with the import`() async throws {
        let bench = try StagingBench()
        let id = try await bench.bench.create(.of("a")).id
        #expect(bench.backend.capabilities.importMethods == ["glance-direct"])
        #expect(await bench.take(id) == .conflict, "nothing is staged")
        #expect(await bench.stage(id) == nil)
        #expect(bench.files.count == 1 && bench.files.allSatisfy { $0.utf8.count == 64 && !$0.contains(id) })
        var file = stat()
        #expect(stat("\(bench.directory)/\(bench.files.first ?? "")", &file) == 0 && file.st_mode & 0o777 == 0o600)
        #expect(try await bench.status(id) == .uploading)
        #expect(try await bench.bench.show(id).status == .queued)
        #expect(await bench.stage(id, "other") == .conflict)
        _ = try await bench.perform(.addTag(id: id, tag: "t"))
        #expect(await bench.take(id) == nil)
        #expect(try await bench.status(id) == .active)
        #expect(try await bench.bench.data(id) == "data")
        #expect(bench.files.isEmpty && bench.spool.isEmpty && bench.inner.staged.withLock { $0 } == 0)
        #expect(await bench.stage(id) == .conflict && bench.files.isEmpty)
        #expect(await bench.take(id) == .conflict)
    }

    @Test func `lists say what is staged, and filter and count by it`() async throws {
        let bench = try StagingBench()
        var ids: [String] = []
        for name in ["a", "b", "c", "d"] { ids.append(try await bench.bench.create(.of(name)).id) }
        #expect(await bench.stage(ids[1]) == nil)
        var query = ImageQuery(isDetailed: true, sort: [ImageQuery.Sort(.name, ascending: true)])
        #expect(try await bench.names(query) == ["a: queued", "b: uploading", "c: queued", "d: queued"])
        query.filters = [.oneOf(.status, [.text("queued")])]
        query.limit = 2
        #expect(try await bench.names(query) == ["a: queued", "c: queued"])
        query.marker = ids[0]
        #expect(try await bench.names(query) == ["c: queued", "d: queued"])
        query.filters = [.oneOf(.status, [.text("uploading")])]
        #expect(try await bench.names(query) == ["b: uploading"])
    }

    @Test func `staging is bounded, and half of it is nothing`() async throws {
        let bench = try StagingBench(maxBytes: 4)
        let id = try await bench.bench.create(.of("a")).id
        let stage = Operation.stageData(id: id, length: nil)
        #expect(await bench.stage(id, "12345") == .tooLarge)
        #expect(await bench.kind(stage, data: SlowBody("12345") {}) == .tooLarge)
        #expect(await bench.kind(stage, data: BrokenBody([[1]], .disconnected)) == .clientDisconnected)
        #expect(bench.files.isEmpty && bench.spool.isEmpty)
        #expect(try await bench.status(id) == .queued)
        var during: (ImageStatus?, Failure.Kind?, Failure.Kind?)
        let slow = SlowBody("1234") {
            during = (try? await bench.status(id), await bench.stage(id), await bench.take(id))
        }
        #expect(await bench.kind(stage, data: slow) == nil)
        #expect(during == (.uploading, .conflict, .conflict))
        #expect(await bench.take(id) == nil)
        #expect(try await bench.bench.data(id) == "1234")
    }

    @Test func `a restart keeps whole data and drops half ones`() async throws {
        let bench = try StagingBench()
        let id = try await bench.bench.create(.of("a")).id
        #expect(await bench.stage(id) == nil)
        #expect(throws: DiskError.self, "two gateways in one directory") {
            try StagingSpool(directory: bench.directory, maxBytes: 1, workers: InlineWorkers())
        }
        let half = String(repeating: "0", count: 64) + ".part"
        try bench.reopen {
            Bench.write("da", to: "\($0)/\(half)")
            Bench.write("x", to: "\($0)/notes")
        }
        #expect(bench.spool.findings.count == 2 && bench.files.count == 2 && !bench.files.contains(half))
        #expect(try await bench.status(id) == .uploading)
        #expect(await bench.take(id) == nil)
        #expect(try await bench.bench.data(id) == "data")
        #expect(bench.files == ["notes"])
    }

    @Test func `a failed import keeps what is staged`() async throws {
        let bench = try StagingBench()
        let id = try await bench.bench.create(.of("a")).id
        #expect(await bench.stage(id) == nil)
        bench.inner.failsUploads.withLock { $0 = true }
        #expect(await bench.take(id) == .badGateway)
        #expect(try await bench.status(id) == .uploading)
        bench.inner.failsUploads.withLock { $0 = false }
        #expect(await bench.take(id) == nil)
        #expect(try await bench.bench.data(id) == "data")
    }

    @Test func `an import needs both formats, a known store and its own method`() async throws {
        let bench = try StagingBench()
        let id = try await bench.bench.create(.of("a", [.diskFormat: .null])).id
        #expect(await bench.stage(id) == nil)
        #expect(await bench.kind(.importImage(ImageImport(id: id, method: .staged, stores: ["x"]))) == .conflict)
        #expect(
            await bench.kind(.importImage(ImageImport(id: id, method: .webDownload(uri: "http://x/")))) == .conflict)
        #expect(await bench.kind(.addLocation(id: id, url: "http://x/")) == .conflict)
        #expect(await bench.take(id) == .conflict, "a format is missing")
        let update = ImageUpdate(id: id, image: UpdateTests.fields([.diskFormat: .text("raw")]))
        guard case .image(let image) = try await bench.perform(.updateImage(update)) else { return }
        #expect(image.status == .uploading)
        #expect(await bench.take(id) == nil)
    }

    @Test func `what is staged goes with the image, or when it is filled otherwise`() async throws {
        let bench = try StagingBench()
        let gone = try await bench.bench.create(.of("a")).id
        #expect(await bench.stage(gone) == nil)
        #expect(await bench.kind(.deleteImage(id: gone)) == nil)
        #expect(bench.files.isEmpty && bench.spool.isEmpty)
        let filled = try await bench.bench.create(.of("b")).id
        #expect(await bench.stage(filled) == nil)
        let upload = Operation.updateImage(ImageUpdate(id: filled, image: Image(), source: .body(length: nil)))
        #expect(await bench.kind(upload, data: BytesBody(Array("other".utf8))) == nil)
        #expect(try await bench.bench.data(filled) == "other")
        #expect(bench.files.isEmpty && bench.spool.isEmpty)
    }

    /// How an image can go while its data are staged.
    enum Loss: CaseIterable {
        case here, elsewhere, madeAnew, filled
    }

    @Test(arguments: Loss.allCases)
    func `data of an image that went meanwhile are not kept`(loss: Loss) async throws {
        let bench = try StagingBench()
        let image = Image.of("a", [.id: .text("11111111-1111-4111-8111-111111111111")])
        let id = try await bench.bench.create(image).id
        let upload = Operation.updateImage(ImageUpdate(id: id, image: Image(), source: .body(length: nil)))
        let slow = SlowBody("data") {
            switch loss {
            case .here: _ = await bench.kind(.deleteImage(id: id))
            case .elsewhere: _ = await bench.bench.kind(.deleteImage(id: id))
            case .madeAnew:
                _ = await bench.bench.kind(.deleteImage(id: id))
                // Known by its time of creation, in seconds.
                try? await Task.sleep(for: .seconds(1))
                _ = try? await bench.bench.create(image)
            case .filled: _ = await bench.bench.kind(upload, data: BytesBody([1]))
            }
        }
        let kind = await bench.kind(.stageData(id: id, length: nil), data: slow)
        #expect(kind == (loss == .filled ? .conflict : .imageGone))
        #expect(bench.files.isEmpty && bench.spool.isEmpty)
    }

    @Test func `nobody slips data under another's image`() async throws {
        let bench = try StagingBench()
        let id = try await bench.bench.create(.of("a", [.isPublic: .boolean(true)])).id
        #expect(await bench.stage(id, "evil", .bob) == .forbidden)
        #expect(await bench.stage(id, "evil", Caller(token: "bob")) == .forbidden)
        #expect(await bench.stage(id, "evil", Caller(token: "alice")) == .forbidden, "the gateway cannot know")
        #expect(bench.files.isEmpty)
        #expect(await bench.stage(id) == nil)
        #expect(await bench.take(id, .bob) == .forbidden)
        #expect(await bench.take(id, .admin) == nil)
        let own = try await bench.bench.create(.of("b")).id
        #expect(await bench.stage(own, "evil", Caller(token: "bob")) == .imageNotFound)
        _ = try await bench.bench.perform(.addMember(id: own, member: Member(id: "bob")))
        #expect(await bench.stage(own, "evil", Caller(token: "bob")) == .forbidden)
        _ = try await bench.bench.perform(.removeMember(id: own, memberID: "bob", absentIsDone: false))
        #expect(await bench.stage(own, "data", Caller(token: "alice")) == nil)
        #expect(await bench.take(own, Caller(token: "alice")) == nil)
        #expect(try await bench.bench.data(own) == "data")
    }

    @Test(arguments: 0..<3)
    func `a disk that fails acknowledges nothing and keeps nothing`(call: Int) async throws {
        let fault = CrashTests.Fault()
        let bench = try StagingBench(calls: call == 0 ? CrashTests.calls(write: fault) : CrashTests.calls(fsync: fault))
        let id = try await bench.bench.create(.of("a")).id
        // A full disk; an fsync of the data, of the directory.
        fault.arm(call == 0 ? 0 : call - 1, call == 0 ? ENOSPC : EIO)
        #expect(await bench.stage(id) == (call == 0 ? .tooLarge : .unavailable))
        fault.arm(nil, 0)
        #expect(bench.files.isEmpty && bench.spool.isEmpty)
        #expect(try await bench.status(id) == .queued)
        #expect(await bench.stage(id) == nil)
        #expect(await bench.take(id) == nil)
        #expect(try await bench.bench.data(id) == "data")
    }
}
