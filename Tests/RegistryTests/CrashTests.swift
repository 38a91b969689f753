import Bytes
import EventLoop
import Glibc
import Images
import Registry
import Synchronization
import Testing

@Suite struct CrashTests {
    @Test func `what a kill leaves behind is swept, what was acknowledged stays`() async throws {
        let bench = try Bench()
        let kept = try await bench.upload("data", .of("kept"))
        let queued = try await bench.create(.of("queued"))
        try bench.reopen { state in
            // A creation with data, cut off; one that was about to be renamed; an upload to a queued image, before and
            // after its rename; a change before its rename; a deletion after its rename; a directory without metadata.
            mkdir("\(state)/staging/t1", 0o755)
            Bench.write("half", to: "\(state)/staging/t1/data")
            mkdir("\(state)/staging/t2", 0o755)
            Bench.write("{}", to: "\(state)/staging/t2/metadata.json")
            Bench.write("half", to: "\(state)/staging/t4")
            Bench.write("whole", to: "\(state)/images/\(queued.id)/data")
            Bench.write("{\"ver", to: "\(state)/images/\(kept.id)/metadata.json.new")
            mkdir("\(state)/trash/t3", 0o755)
            Bench.write("old", to: "\(state)/trash/t3/data")
            mkdir("\(state)/images/empty", 0o755)
        }
        #expect(bench.registry.count == 2)
        #expect(try await bench.show(kept.id) == kept)
        #expect(try await bench.data(kept.id) == "data")
        #expect(try await bench.show(queued.id) == queued)
        for path in [
            "staging/t1", "staging/t2", "trash/t3", "images/empty", "images/\(queued.id)/data", "staging/t4",
            "images/\(kept.id)/metadata.json.new",
        ] {
            #expect(!Bench.exists("\(bench.directory)/state/\(path)"), "\(path)")
        }
        #expect(bench.registry.findings.count == 7)
        let active = try await bench.image(
            .updateImage(ImageUpdate(id: queued.id, image: Image(), source: .body(length: nil))), data: BytesBody([1]))
        #expect(active.status == .active)
    }

    @Test func `damage is shown, not swept`() async throws {
        let bench = try Bench()
        let first = try await bench.upload("data", .of("a", [.id: .text("first")]))
        try await bench.upload("data", .of("b", [.id: .text("second")]))
        try await bench.upload("data", .of("c", [.id: .text("third")]))
        try bench.reopen { state in
            truncate("\(state)/images/first/data", 2)
            Bench.write("{", to: "\(state)/images/second/metadata.json")
            rename("\(state)/images/third", "\(state)/images/other")
        }
        #expect(bench.registry.count == 1)
        #expect(try await bench.show(first.id).status == .killed)
        #expect(bench.registry.findings.count == 3)
        #expect(Bench.exists("\(bench.directory)/state/images/second/data"))
        #expect(
            await bench.kind(.createImage(ImageCreation(image: .of("x", [.id: .text("second")]), source: .none)))
                == .conflict)
    }

    @Test func `one process at a time`() async throws {
        let bench = try Bench()
        #expect { try FileRegistry(settings: bench.settings, workers: InlineWorkers()) } throws: {
            "\($0)" == "the registry directory \(bench.directory)/state is in use by another process"
        }
    }

    @Test func `every field survives a restart`() async throws {
        let bench = try Bench()
        var image = Image.of(
            "é\u{301}😀\u{0}", [.minDisk: .integer(3), .protected: .boolean(true), .hidden: .boolean(true)],
            ["A": "", "a": "\n\"\\"])
        image.properties.set("null", nil)
        image.tags = ["x", "é"]
        image.members = [Member(id: "bob", canShare: true)]
        let created = try await bench.create(image)
        try bench.reopen()
        let read = try await bench.show(created.id)
        #expect(read == created)
        #expect(read.properties["null"] == .some(nil))
    }

    @Test func `records of before member times, second digests and staged data are read as they are`() async throws {
        let bench = try Bench()
        let records = [
            "old": """
            {"version": 1, "image": {"id": "old", "name": "a", "status": "active", "disk_format": "raw", \
            "container_format": "bare", "size": 4, "checksum": "8d777f385d3dfec8815d20f7496026dc", "store": "file", \
            "owner": "alice", "visibility": "shared", "is_public": false, "min_ram": 0, "min_disk": 3, \
            "protected": true, "os_hidden": false, "created_at": "2026-11-21T07:43:49.153965Z", \
            "updated_at": "2026-11-21T07:43:49.153965Z"}, "properties": {"a": "1", "n": null}, "tags": [], \
            "members": [{"id": "carol", "can_share": false, "status": "pending"}], "data": {"kind": "file"}}

            """,
            "queued": """
            {"version": 1, "image": {"id": "queued", "name": null, "status": "queued", "disk_format": "raw", \
            "container_format": "bare", "size": 0, "checksum": null, "store": "file", "owner": "alice", \
            "visibility": "shared", "is_public": false, "min_ram": 0, "min_disk": 0, "protected": false, \
            "os_hidden": false, "created_at": "2026-11-21T07:43:48.817472Z", \
            "updated_at": "2026-11-21T07:43:48.817472Z"}, "properties": {}, "tags": [], "members": [], \
            "data": {"kind": "none"}}

            """,
        ]
        try bench.reopen { state in
            for (id, text) in records {
                mkdir("\(state)/images/\(id)", 0o755)
                Bench.write(text, to: "\(state)/images/\(id)/metadata.json")
            }
            Bench.write("data", to: "\(state)/images/old/data")
        }
        #expect(bench.registry.findings.isEmpty && bench.registry.count == 2)
        let old = try await bench.show("old", .carol)
        #expect(old.members == [Member(id: "carol", canShare: false, status: "pending")])
        #expect(old[.osHashAlgo].isAbsent && old.integer(.minDisk) == 3 && old.properties["n"] == .some(nil))
        #expect(try await bench.data("old") == "data")
        _ = try await bench.perform(.setMemberStatus(id: "old", memberID: "carol", status: "accepted"), .carol)
        try await StageTests.stage(bench, "queued")
        try bench.reopen()
        #expect(bench.registry.findings.isEmpty)
        let changed = try await bench.show("old")
        #expect(changed.members?.first?.status == "accepted" && changed.members?.first?.createdAt == nil)
        #expect(changed.time(.createdAt) == old.time(.createdAt))
        _ = try await bench.perform(StageTests.take("queued"))
        #expect(try await bench.data("queued") == "data")
    }

    /// Counts down to the call that fails.
    final class Fault: Sendable {
        let left: Mutex<Int?>
        let code: Mutex<Int32>

        init() {
            left = Mutex(nil)
            code = Mutex(ENOSPC)
        }

        func arm(_ calls: Int?, _ code: Int32) {
            left.withLock { $0 = calls }
            self.code.withLock { $0 = code }
        }

        func fails() -> Bool {
            let now = left.withLock { left -> Bool in
                guard let count = left else { return false }
                left = max(0, count - 1)
                return count == 0
            }
            if now { errno = code.withLock { $0 } }
            return now
        }
    }

    static func calls(fsync: Fault = Fault(), write: Fault = Fault()) -> DiskCalls {
        var calls = DiskCalls()
        let (realSync, realWrite) = (calls.fsync, calls.write)
        calls.fsync = { fsync.fails() ? -1 : realSync($0) }
        calls.write = { write.fails() ? -1 : realWrite($0, $1, $2) }
        return calls
    }

    static func failing(fsync: Fault = Fault(), write: Fault = Fault()) throws -> Bench {
        try Bench { $0.calls = calls(fsync: fsync, write: write) }
    }

    @Test(arguments: 0..<4)
    func `a full disk stores nothing half, stops nothing else, and heals by itself`(call: Int) async throws {
        let write = Fault()
        let bench = try Self.failing(write: write)
        let before = try await bench.upload("data", .of("a"))
        let queued = try await bench.create(.of("queued"))
        write.arm(call, ENOSPC)
        let create = Operation.createImage(ImageCreation(image: .of("b"), source: .body(length: nil)))
        let upload = Operation.updateImage(ImageUpdate(id: queued.id, image: Image(), source: .body(length: nil)))
        let outcomes = [
            await bench.kind(create, data: BytesBody([1])), await bench.kind(upload, data: BytesBody([1])),
            await bench.kind(.addMember(id: before.id, member: Member(id: "bob"))),
        ]
        #expect(outcomes.allSatisfy { $0 == nil || $0 == .tooLarge } && outcomes.last == .tooLarge)
        #expect(bench.registry.readOnlyReason == nil)
        #expect(try await bench.data(before.id) == "data")
        #expect(try await bench.show(queued.id).status == (outcomes[1] == nil ? .active : .queued))
        #expect(bench.registry.count == (outcomes[0] == nil ? 3 : 2))
        _ = try await bench.perform(.deleteImage(id: before.id))
        write.arm(nil, 0)
        try await bench.upload("more", .of("c"))
        let count = bench.registry.count
        try bench.reopen()
        #expect(
            bench.registry.count == count && bench.registry.findings.allSatisfy { $0.contains("metadata.json.new") })
    }

    @Test(arguments: 0..<5)
    func `a failed fsync is never acknowledged and ends all writing`(call: Int) async throws {
        let fsync = Fault()
        let bench = try Self.failing(fsync: fsync)
        let before = try await bench.upload("data", .of("a"))
        fsync.arm(call, EIO)
        let create = Operation.createImage(ImageCreation(image: .of("b"), source: .body(length: nil)))
        let outcome = await bench.failure(create, data: BytesBody([1]))
        fsync.arm(nil, 0)
        guard let outcome else {
            #expect(call == 4, "a creation with data takes four")
            return
        }
        #expect(outcome.kind == .unavailable)
        #expect(bench.registry.readOnlyReason != nil)
        #expect(bench.registry.count == 1)
        #expect(try await bench.data(before.id) == "data")
        #expect(await bench.kind(create, data: BytesBody([1])) == .storeReadOnly)
        #expect(await bench.kind(.deleteImage(id: before.id)) == .storeReadOnly)
        try bench.reopen()
        #expect(bench.registry.count == 1)
        #expect(try await bench.data(before.id) == "data")
    }

    @Test(arguments: 0..<12)
    func `a directory that cannot be read to its end is not taken for a short one`(call: Int) async throws {
        let fault = Fault()
        let bench = try Bench {
            var calls = DiskCalls()
            let real = calls.readdir
            calls.readdir = { fault.fails() ? nil : real($0) }
            $0.calls = calls
        }
        let image = try await bench.create(.of("a"))
        // Three directories: two empty ones and that of the images, each with `.`, `..` and its end.
        fault.arm(call, EIO)
        let isRead = (try? bench.reopen()) != nil
        #expect(isRead == (call >= 10))
        fault.arm(nil, 0)
        try bench.reopen()
        #expect(try await bench.show(image.id) == image)
    }

    @Test func `ten thousand images are read at start within a second`() async throws {
        let bench = try Bench()
        let seed = try await bench.create(.of("seed", [.id: .text("seed")], ["os": "linux"]))
        #expect(seed.id == "seed")
        try bench.reopen { state in
            let path = "\(state)/images/seed/metadata.json"
            guard let file = fopen(path, "r") else { return }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = fread(&buffer, 1, 4096, file)
            let text = String(decoding: buffer.prefix(count), as: UTF8.self)
            fclose(file)
            for number in 0..<10_000 {
                mkdir("\(state)/images/n\(number)", 0o755)
                let parts = text.split(separator: "\"seed\"", maxSplits: 1)
                Bench.write(
                    "\(parts.first ?? "")\"n\(number)\"\(parts.last ?? "")",
                    to: "\(state)/images/n\(number)/metadata.json")
            }
        }
        #expect(bench.registry.count == 10_001)
        let page = try await bench.ids(ImageQuery(isDetailed: true, sort: [.init(.id, ascending: false)], limit: 25))
        #expect(page.count == 25)
    }

    @Test func `many writers on real threads keep every acknowledged change`() async throws {
        let bench = try Bench()
        let settings = RegistrySettings(directory: "\(bench.directory)/threads")
        do {
            let registry = try FileRegistry(settings: settings, workers: PoolWorkers())
            @Sendable func run(_ operation: Operation, _ body: BytesBody? = nil) async throws {
                _ = try await registry.perform(
                    BackendRequest(operation: operation, caller: .alice, requestID: "", data: body))
            }
            try await run(.createImage(ImageCreation(image: .of("one", [.id: .text("one")]), source: .none)))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        try await run(.addMember(id: "one", member: Member(id: "m\(number)")))
                        let image = Image.of("x", [.id: .text("x\(number)")])
                        try await run(
                            .createImage(ImageCreation(image: image, source: .body(length: nil))),
                            BytesBody([UInt8](repeating: 7, count: 300_000)))
                    }
                }
                try await group.waitForAll()
            }
            #expect(registry.count == 21)
            await registry.close()
            await #expect(throws: Failure.self) { try await run(.deleteImage(id: "one")) }
        }
        let again = try FileRegistry(settings: settings, workers: PoolWorkers())
        #expect(again.findings.isEmpty && again.count == 21)
        guard
            case .members(let list) = try await again.perform(
                BackendRequest(operation: .listMembers(id: "one"), caller: .alice, requestID: ""))
        else { return }
        #expect(list.members.count == 20)
    }
}
