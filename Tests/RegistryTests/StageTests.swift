import Bytes
import Glibc
import Images
import Registry
import Testing

/// Data that wait for an import (image-v2 §7, §11).
@Suite struct StageTests {
    static func stage(_ bench: Bench, _ id: String, _ text: String = "data") async throws(Failure) {
        _ = try await bench.perform(.stageData(id: id, length: nil), data: BytesBody(Array(text.utf8)))
    }

    static func take(_ id: String, _ method: ImageImport.Method = .staged) -> Operation {
        .importImage(ImageImport(id: id, method: method))
    }

    static func files(_ bench: Bench, _ id: String) -> [Bool] {
        ["data", "staged"].map { Bench.exists("\(bench.directory)/state/images/\(id)/\($0)") }
    }

    @Test func `staged data wait over a restart and become the image's by an import`() async throws {
        let bench = try Bench()
        let id = try await bench.create(.of("a")).id
        #expect(await bench.kind(Self.take(id)) == .conflict, "nothing is staged")
        try await Self.stage(bench, id)
        let staged = try await bench.show(id)
        #expect(staged.status == .uploading && staged.text(.checksum) == nil && staged.text(.osHashValue) == nil)
        #expect(await bench.kind(.downloadImage(id: id)) == .noData)
        #expect(await bench.kind(.stageData(id: id, length: nil), data: BytesBody([1])) == .conflict)
        let upload = Operation.updateImage(ImageUpdate(id: id, image: Image(), source: .body(length: nil)))
        #expect(await bench.kind(upload, data: BytesBody([1])) == .conflict)
        _ = try await bench.perform(.addTag(id: id, tag: "t"))
        try bench.reopen()
        #expect(bench.registry.findings.isEmpty && Self.files(bench, id) == [false, true])
        #expect(try await bench.show(id).status == .uploading)
        _ = try await bench.perform(Self.take(id))
        let active = try await bench.show(id)
        #expect(active.status == .active && active.integer(.size) == 4 && active.tags == ["t"])
        #expect(active.text(.checksum) == "8d777f385d3dfec8815d20f7496026dc")
        #expect(active.text(.osHashValue) == Hex.encode(try Digest.hash(.sha512, Array("data".utf8))))
        #expect(await bench.kind(Self.take(id)) == .conflict)
        try bench.reopen()
        #expect(bench.registry.findings.isEmpty && Self.files(bench, id) == [true, false])
        #expect(try await bench.show(id) == active)
        #expect(try await bench.data(id) == "data")
    }

    @Test func `nothing else is imported, and nobody else imports`() async throws {
        let bench = try Bench()
        let id = try await bench.create(.of("a", [.diskFormat: .null])).id
        for method in [ImageImport.Method.webDownload(uri: "http://example.org/x"), .copyImage, .other("x")] {
            #expect(await bench.kind(Self.take(id, method)) == .badRequest)
        }
        #expect(await bench.kind(Self.take(id), .bob) == .imageNotFound)
        #expect(await bench.kind(.stageData(id: id, length: 1), .bob, data: BytesBody([1])) == .imageNotFound)
        try await Self.stage(bench, id)
        #expect(await bench.kind(.importImage(ImageImport(id: id, method: .staged, stores: ["x"]))) == .conflict)
        #expect(await bench.kind(Self.take(id)) == .conflict, "a format is missing")
        _ = try await bench.image(
            .updateImage(ImageUpdate(id: id, image: UpdateTests.fields([.diskFormat: .text("raw")]))))
        #expect(await bench.kind(Self.take(id)) == nil)
        #expect(try await bench.data(id) == "data")
    }

    @Test func `staging is bounded, and half of it is nothing`() async throws {
        let bench = try Bench { $0.maxImageBytes = 4 }
        let id = try await bench.create(.of("a")).id
        let stage = Operation.stageData(id: id, length: nil)
        #expect(await bench.kind(stage, data: BytesBody([1, 2, 3, 4, 5])) == .tooLarge)
        #expect(await bench.kind(stage, data: BrokenBody([[1]], .disconnected)) == .clientDisconnected)
        #expect(try await bench.show(id).status == .queued && Self.files(bench, id) == [false, false])
        var during: ImageStatus?
        let slow = SlowBody("data") {
            during = try? await bench.show(id).status
            _ = try? await bench.perform(.addTag(id: id, tag: "t"))
        }
        _ = try await bench.perform(stage, data: slow)
        #expect(during == .uploading)
        _ = try await bench.perform(Self.take(id))
        #expect(try await bench.data(id) == "data")
        #expect(try await bench.show(id).tags == ["t"])
    }

    @Test func `what is staged goes with its image`() async throws {
        let bench = try Bench()
        let id = try await bench.create(.of("a")).id
        let slow = SlowBody("data") { _ = try? await bench.perform(.deleteImage(id: id)) }
        #expect(await bench.kind(.stageData(id: id, length: nil), data: slow) == .imageGone)
        let other = try await bench.create(.of("b")).id
        try await Self.stage(bench, other)
        _ = try await bench.perform(.deleteImage(id: other))
        try bench.reopen()
        #expect(bench.registry.count == 0 && bench.registry.findings.isEmpty)
    }

    // MARK: kills

    @Test func `a kill while data is staged leaves a queued image`() async throws {
        let bench = try Bench()
        let id = try await bench.create(.of("a")).id
        let copy = "\(bench.directory)/copy"
        let body = SlowBody("data") {
            // What a change writes meanwhile must not say `uploading`.
            _ = try? await bench.perform(.addTag(id: id, tag: "t"))
            system("cp -a '\(bench.directory)/state' '\(copy)'")
        }
        _ = try await bench.perform(.stageData(id: id, length: nil), data: body)
        let killed = try FileRegistry(settings: RegistrySettings(directory: copy), workers: InlineWorkers())
        #expect(killed.findings.count == 1)
        guard
            case .image(let image) = try await killed.perform(
                BackendRequest(operation: .showImage(id: id), caller: .alice, requestID: ""))
        else { return }
        #expect(image.status == .queued && image.tags == ["t"])
    }

    /// The places at which a kill may come, as what it leaves on the disk.
    enum Kill: CaseIterable {
        /// The data have their name, the metadata still say `queued`.
        case beforeStaged
        /// An import has renamed the data, the metadata still say `staged`.
        case beforeImported
        /// The staged file was cut by something else.
        case damaged
    }

    @Test(arguments: Kill.allCases)
    func `a kill loses no acknowledged data and keeps no other`(kill: Kill) async throws {
        let bench = try Bench()
        let id = try await bench.create(.of("a")).id
        if kill != .beforeStaged { try await Self.stage(bench, id) }
        let before = try await bench.show(id)
        try bench.reopen { state in
            let path = "\(state)/images/\(id)"
            switch kill {
            case .beforeStaged: Bench.write("data", to: "\(path)/staged")
            case .beforeImported: rename("\(path)/staged", "\(path)/data")
            case .damaged: truncate("\(path)/staged", 2)
            }
        }
        #expect(bench.registry.findings.count == 1)
        #expect(try await bench.show(id).status == (kill == .damaged ? .queued : before.status))
        if kill != .beforeImported { try await Self.stage(bench, id) }
        _ = try await bench.perform(Self.take(id))
        #expect(try await bench.data(id) == "data")
        #expect(Self.files(bench, id) == [true, false])
    }

    @Test(arguments: 0..<4)
    func `a full disk stages and imports all or nothing`(call: Int) async throws {
        let write = CrashTests.Fault()
        let bench = try CrashTests.failing(write: write)
        let id = try await bench.create(.of("a")).id
        write.arm(call, ENOSPC)
        let staged = await bench.kind(.stageData(id: id, length: nil), data: BytesBody(Array("data".utf8)))
        #expect(staged == (call < 2 ? .tooLarge : nil))
        let imported = await bench.kind(Self.take(id))
        #expect(imported == (call < 2 ? .conflict : call == 2 ? .tooLarge : nil))
        write.arm(nil, 0)
        try bench.reopen()
        #expect(bench.registry.findings.allSatisfy { $0.contains("metadata.json.new") })
        let status = try await bench.show(id).status
        #expect(status == (call < 2 ? .queued : call == 2 ? .uploading : .active))
        if call < 2 { try await Self.stage(bench, id) }
        if call < 3 { _ = try await bench.perform(Self.take(id)) }
        #expect(try await bench.data(id) == "data")
    }

    @Test(arguments: 0..<7)
    func `a failed fsync keeps what was acknowledged`(call: Int) async throws {
        let fsync = CrashTests.Fault()
        let bench = try CrashTests.failing(fsync: fsync)
        let id = try await bench.create(.of("a")).id
        fsync.arm(call, EIO)
        let staged = await bench.kind(.stageData(id: id, length: nil), data: BytesBody(Array("data".utf8)))
        let imported = await bench.kind(Self.take(id))
        fsync.arm(nil, 0)
        // Staging: data, directory, metadata, directory; an import: directory, metadata, directory.
        #expect(staged == (call < 4 ? .unavailable : nil))
        #expect(imported == (call < 4 ? .storeReadOnly : .unavailable))
        try bench.reopen()
        let status = try await bench.show(id).status
        switch call {
        case 0, 1, 2: #expect(status == .queued)
        case 3: #expect(status == .uploading, "written, though not acknowledged")
        case 4, 5: #expect(status == .uploading)
        default: #expect(status == .active)
        }
        if status == .queued { try await Self.stage(bench, id) }
        if status != .active { _ = try await bench.perform(Self.take(id)) }
        #expect(try await bench.data(id) == "data")
    }
}
