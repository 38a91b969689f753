import Backends
import Bytes
import Dialects
import Images
import Registry
import Testing

/// Copies of objects of a store, in the embedded registry.
@Suite(.timeLimit(.minutes(10))) struct LocatedImportTests {
    typealias B = LocatedBench

    static let md5 = "781e5e245d69b566979b86e28d23f2c7"
    static let other = String(repeating: "0", count: 64)

    @Test func `a copy is the registry's own, and says where it came from`() async throws {
        let bench = try B(.copy)
        let made = try await bench.image(B.registration([.size: .integer(10), .checksum: .text(FakeStore.hash)]))
        #expect(made.id == FakeStore.uuid && made.status == .active && made.integer(.size) == 10)
        #expect(made.text(.checksum) == Self.md5 && made.text(.location) == "pithos://alice/c/o")
        #expect(made.text(.osHashValue)?.utf8.count == 128)
        #expect(bench.store.log == ["find alice-token", "open alice-token"])
        bench.store.drop("pithos://alice/c/o")
        try await bench.reopen(.reference)
        #expect(bench.registry.findings == [])
        #expect(try await bench.data(made.id, "bytes=2-4", .alice) == "2-5/10 234")
        #expect(bench.store.log.count == 2)
    }

    @Test(arguments: [
        (PithosFault.damaged("another hash"), Failure.Kind.badGateway), (.badGateway("cut"), .badGateway),
        (.timedOut("GET"), .gatewayTimeout), (.unavailable("GET"), .unavailable), (.notFound, .noData),
    ])
    func `data that break off leave nothing`(fault: PithosFault, kind: Failure.Kind) async throws {
        let bench = try B(.copy)
        bench.store.keep("0123456789") { $0.breaks = fault }
        let failure = await bench.failure(B.registration())
        #expect(failure?.kind == (kind == .noData ? .locationNotFound : kind))
        #expect(bench.isEmpty)
    }

    @Test func `an MD5 that a client says is held against the data`() async throws {
        let bench = try B(.copy)
        let wrong = "900150983cd24fb0d6963f7d28e17f72"
        #expect(await bench.failure(B.creation([.checksum: .text(wrong)]))?.kind == .badRequest)
        #expect(bench.store.log.count == 2 && bench.isEmpty)
        #expect(await bench.failure(B.registration([.checksum: .text(Self.md5)]))?.kind == .badRequest, "no hash")
        let made = try await bench.image(B.creation([.checksum: .text(Self.md5), .size: .integer(0)]))
        #expect(made.text(.checksum) == Self.md5 && made.integer(.size) == 10)
    }

    @Test func `a queued image gets its data from the location that it is given`() async throws {
        let bench = try B(.copy) { $0.isBackground = true }
        var image = Image()
        for (field, value) in [ImageField.name: "n", .diskFormat: "raw", .containerFormat: "bare"] {
            image[field] = .text(value)
        }
        let id = try await bench.image(.createImage(ImageCreation(image: image, source: .none))).id
        bench.store.keep("0123456789") { $0.breaks = .damaged("cut") }
        #expect(await bench.failure(.addLocation(id: id, url: "pithos://alice/c/o"))?.kind == .badGateway)
        #expect(try await bench.show(id).status == .queued)
        bench.store.keep("0123456789")
        _ = try await bench.perform(.addLocation(id: id, url: "pithos://alice/c/o"))
        let filled = try await bench.show(id)
        #expect(filled.status == .active && filled.text(.location) == "pithos://alice/c/o")
        #expect(filled.text(.checksum) == Self.md5)
    }

    // MARK: Registering again

    @Test func `an object that did not change is not copied again`() async throws {
        let bench = try B(.copy)
        let first = try await bench.image(B.registration([:], ["a": "1"]))
        _ = try await bench.perform(.addMember(id: first.id, member: Member(id: "bob")))
        let second = try await bench.image(B.registration([.name: .text("m"), .isPublic: .boolean(true)], ["b": "2"]))
        #expect(second.id == first.id && second.text(.name) == "m" && second.isPublic)
        #expect(second.properties.list.map(\.name) == ["b"] && second.text(.checksum) == Self.md5)
        #expect(second.text(.location) == "pithos://alice/c/o")
        #expect(try await bench.show(first.id).members == [])
        #expect(bench.store.log.filter { $0.hasPrefix("open") }.count == 1)
        #expect(await bench.failure(B.registration(mustExist: true)) == nil)
        bench.store.keep("x", at: "pithos://alice/c/x")
        let absent = B.registration([.location: .text("pithos://alice/c/x")], mustExist: true)
        #expect(await bench.failure(absent)?.kind == .imageNotFound)
    }

    @Test(
        arguments: [
            ("9876543210", Timestamp(seconds: 1 << 40), "diskdump"), ("new", Timestamp(seconds: 1), "diskdump"),
            ("0123456789", nil, "diskdump"), ("0123456789", Timestamp(seconds: 1), "extdump"),
        ] as [(String, Timestamp?, String)])
    func `one that may have changed is, and its former copy goes`(
        text: String, changed: Timestamp?, format: String
    ) async throws {
        let bench = try B(.copy)
        let first = try await bench.image(B.registration())
        bench.store.keep(text, hash: Self.other) {
            $0.changed = changed
            $0.breaks = .damaged("cut")
        }
        let again = B.registration([.diskFormat: .text(format)])
        #expect(await bench.failure(again)?.kind == .badGateway)
        #expect(try await bench.data(first.id) == "0123456789")
        #expect(bench.registry.count == 1)
        bench.store.keep(text, hash: Self.other) { $0.changed = changed }
        let second = try await bench.image(again)
        #expect(second.id != first.id && bench.registry.count == 1)
        #expect(try await bench.data(second.id) == text)
    }

    @Test func `a protected copy stays`() async throws {
        let bench = try B(.copy)
        let first = try await bench.image(B.registration([.protected: .boolean(true)]))
        bench.store.keep("new")
        #expect(await bench.failure(B.registration())?.kind == .forbidden)
        #expect(try await bench.data(first.id) == "0123456789" && bench.registry.count == 1)
    }

    @Test func `a copy is not made a reference by registering it again`() async throws {
        let bench = try B(.copy)
        let first = try await bench.image(B.registration())
        try await bench.reopen(.reference)
        bench.store.keep("new")
        #expect(await bench.failure(B.registration())?.kind == .conflict)
        #expect(try await bench.data(first.id) == "0123456789")
        let reference = try B(.reference)
        _ = try await reference.image(B.registration())
        try await reference.reopen(.copy)
        let copy = try await reference.image(B.registration())
        #expect(copy.text(.checksum) == Self.md5 && reference.registry.count == 1)
    }

    // MARK: In the background

    /// Until a condition holds; the suite's time limit ends what never does.
    private func wait(_ condition: () async -> Bool) async {
        while await !condition() { try? await Task.sleep(for: .milliseconds(2)) }
    }

    @Test func `in the background an image is saving until its data are there`() async throws {
        let bench = try B(.copy) { $0.isBackground = true }
        bench.store.shut()
        let made = try await bench.image(B.registration([.checksum: .text(FakeStore.hash)]))
        #expect(made.id == FakeStore.uuid && made.status == .saving && made.text(.location) == "pithos://alice/c/o")
        #expect(await bench.failure(.downloadImage(id: made.id))?.kind == .noData)
        #expect(await bench.failure(B.registration())?.kind == .conflict, "it is being registered")
        let update = ImageUpdate(id: made.id, image: Image(), source: .body(length: 1))
        do throws(Failure) {
            _ = try await bench.perform(.updateImage(update), data: BytesBody([1]))
            Issue.record("a client's data were taken")
        } catch { #expect(error.kind == .conflict) }
        bench.store.open()
        await wait { (try? await bench.show(made.id).status) == .active }
        let image = try await bench.show(made.id)
        #expect(image.text(.checksum) == Self.md5 && image.text(.location) == "pithos://alice/c/o")
        #expect(try await bench.data(made.id) == "0123456789")
        await wait { await bench.failure(B.registration([.name: .text("m")])) == nil }
        #expect(try await bench.show(made.id).text(.name) == "m" && bench.reports.all == [])
    }

    @Test func `a copy in the background that fails is removed and told of`() async throws {
        let bench = try B(.copy) { $0.isBackground = true }
        bench.store.keep("0123456789") { $0.breaks = .damaged("another hash") }
        let made = try await bench.image(B.registration([.protected: .boolean(true)]))
        #expect(made.status == .saving)
        await wait { bench.isEmpty }
        #expect(bench.reports.all.count == 1)
        #expect(bench.reports.all.allSatisfy { $0.contains(made.id) && $0.contains("another hash") })
        #expect(bench.reports.all.allSatisfy { !$0.contains("alice-token") })
    }

    @Test func `a changed object's new copy takes the place of the former one when it is there`() async throws {
        let bench = try B(.copy) { $0.isBackground = true }
        let first = try await bench.image(B.registration())
        await wait { (try? await bench.show(first.id).status) == .active }
        bench.store.keep("new", hash: Self.other)
        bench.store.shut()
        var second: Image?
        // The first one's claim goes a moment after its data came.
        await wait {
            second = try? await bench.image(B.registration())
            return second != nil
        }
        #expect(second?.status == .saving && second?.id != first.id)
        #expect(try await bench.data(first.id) == "0123456789")
        bench.store.open()
        await wait { bench.registry.count == 1 }
        #expect(try await bench.data(second?.id ?? "") == "new")
    }

    @Test func `so many copies wait, and closing ends them and leaves nothing`() async throws {
        let bench = try B(.copy) {
            $0.isBackground = true
            $0.maxImports = 1
            $0.maxWaitingImports = 2
        }
        bench.store.shut()
        for name in ["a", "b", "c", "d"] {
            let location = "pithos://alice/c/\(name)"
            bench.store.keep(name, at: location, uuid: UUIDText.random())
            let failure = await bench.failure(B.registration([.location: .text(location)]))
            #expect(failure?.kind == (name == "d" ? .unavailable : nil))
        }
        #expect(bench.registry.count == 3)
        await wait { bench.store.log.filter { $0.hasPrefix("open") }.count == 1 }
        let store = bench.store
        // The store answers when it likes.
        async let opening: Void = {
            try? await Task.sleep(for: .milliseconds(20))
            store.open()
        }()
        await bench.located.close()
        await opening
        #expect(bench.registry.count == 0 && bench.reports.all.count == 3)
    }

    @Test func `a copy that a kill cut off is shown as killed`() async throws {
        let bench = try B(.copy) { $0.isBackground = true }
        bench.store.shut()
        let made = try await bench.image(B.registration())
        await wait { bench.store.log.contains { $0.hasPrefix("open") } }
        let store = bench.store
        try await bench.reopen(.reference)
        store.open()
        #expect(bench.registry.findings.count == 2)
        #expect(try await bench.show(made.id).status == .killed)
        let again = try await bench.image(B.registration())
        #expect(again.id == made.id && again.status == .active)
        #expect(try await bench.data(made.id) == "0123456789")
    }
}
