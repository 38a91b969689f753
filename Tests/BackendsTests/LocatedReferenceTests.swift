import Backends
import Bytes
import Dialects
import Images
import Registry
import Testing

/// References to objects of a store, in the embedded registry (mapping §3.6, plankton §7.2).
@Suite struct LocatedReferenceTests {
    typealias B = LocatedBench

    @Test func `a registered object is an image with its size, hash and id, read where it is`() async throws {
        let bench = try B(.reference)
        let made = try await bench.image(
            B.registration([.size: .integer(10), .checksum: .text("ABAB" + FakeStore.hash.dropFirst(4))]))
        #expect(made.id == FakeStore.uuid && made.status == .active && made.integer(.size) == 10)
        #expect(made.text(.checksum) == FakeStore.hash && made.text(.location) == "pithos://alice/c/o")
        #expect(try await bench.data(made.id) == "0123456789")
        #expect(try await bench.data(made.id, "bytes=2-4") == "2-5/10 234")
        #expect(try await bench.data(made.id, "bytes=-3") == "7-10/10 789")
        let beyond = Operation.downloadImage(id: made.id, range: DataRange("bytes=10-"))
        #expect(await bench.failure(beyond)?.kind == .rangeNotSatisfiable)
        #expect(bench.store.log.suffix(2) == ["open alice-token 7..<10", "find alice-token"])
        try await bench.reopen()
        #expect(bench.registry.findings == [])
        #expect(try await bench.show(made.id) == made)
        #expect(try await bench.data(made.id) == "0123456789")
        _ = try await bench.perform(.deleteImage(id: made.id))
        #expect(bench.isEmpty)
    }

    static let big = String(repeating: "0", count: 64)

    @Test(
        arguments: [
            ([.location: .text("pithos://alice/c/none")], Caller.alice, .locationNotFound),
            ([.location: .text("pithos://bob/c/o")], .alice, .locationNotFound),
            ([.location: .text("pithos://alice/c")], .alice, .badRequest),
            ([.location: .text("PITHOS://alice/c/o")], .alice, .badRequest),
            ([.location: .text("pithos:alice")], .alice, .badRequest),
            ([.location: .text("pithos://alice/c/join")], .alice, .badRequest),
            ([.location: .text("pithos://alice/c/slow")], .alice, .gatewayTimeout),
            ([.location: .text("pithos://alice/c/down")], .alice, .unavailable),
            ([.size: .integer(9)], .alice, .badRequest), ([.size: .integer(0)], .alice, .badRequest),
            ([.checksum: .text(big)], .alice, .badRequest),
            ([.checksum: .text("900150983cd24fb0d6963f7d28e17f72")], .alice, .badRequest),
            ([:], .bob, .locationNotFound), ([:], Caller(token: "friend", user: "carol", system: .astakos), .forbidden),
            ([:], Caller(token: "friend", user: "alice"), .forbidden), ([:], .keystoneAlice, .forbidden),
            ([:], Caller(user: "alice", system: .astakos), .unauthorized),
        ] as [([ImageField: FieldValue], Caller, Failure.Kind)])
    func `what cannot be registered leaves nothing`(
        fields: [ImageField: FieldValue], caller: Caller, kind: Failure.Kind
    ) async throws {
        let bench = try B(.reference)
        bench.store.keep("", at: "pithos://alice/c/join") { $0.fault = .unusable("a join of other objects") }
        bench.store.keep("", at: "pithos://alice/c/slow") { $0.fault = .timedOut("HEAD") }
        bench.store.keep("", at: "pithos://alice/c/down") { $0.fault = .unavailable("503") }
        #expect(await bench.failure(B.registration(fields), caller)?.kind == kind)
        #expect(bench.isEmpty)
    }

    @Test func `the service's token finds objects for callers of other systems, their own only`() async throws {
        let bench = try B(.reference) { $0.serviceToken = { "service" } }
        #expect(await bench.failure(B.registration(), .keystoneBob)?.kind == .forbidden)
        #expect(bench.store.log == [], "what is there is nobody else's to know")
        let image = try await bench.image(B.registration(), .keystoneAlice)
        #expect(try await bench.data(image.id, nil, .keystoneAlice) == "0123456789")
        #expect(try await bench.data(image.id) == "0123456789")
        #expect(bench.store.log.allSatisfy { $0.hasSuffix(" service") })
    }

    @Test func `readers need a token that the store knows when the gateway has none`() async throws {
        let bench = try B(.reference)
        let id = try await bench.image(B.registration([.isPublic: .boolean(true)])).id
        let download = Operation.downloadImage(id: id)
        #expect(await bench.failure(download, .keystoneAlice)?.kind == .forbidden)
        #expect(await bench.failure(download, Caller(system: .unasked))?.kind == .unauthorized)
        #expect(await bench.failure(download, .bob)?.kind == .forbidden)
        #expect(try await bench.data(id, nil, Caller(token: "friend", user: "carol", system: .astakos)) == "0123456789")
    }

    @Test func `an object that is not what was registered is not sent`() async throws {
        let bench = try B(.reference)
        let id = try await bench.image(B.registration()).id
        let download = Operation.downloadImage(id: id)
        bench.store.keep("0123456789", hash: Self.big)
        #expect(await bench.failure(download)?.kind == .badGateway)
        bench.store.keep("012345678")
        #expect(await bench.failure(download)?.kind == .badGateway)
        bench.store.drop("pithos://alice/c/o")
        #expect(await bench.failure(download)?.kind == .noData)
        #expect(try await bench.show(id).status == .active)
    }

    @Test func `registering again takes over what the object is now`() async throws {
        let bench = try B(.reference)
        let first = try await bench.image(B.registration([:], ["a": "1"]))
        _ = try await bench.perform(.addMember(id: first.id, member: Member(id: "bob")))
        bench.store.keep("new", hash: Self.big)
        let second = try await bench.image(B.registration([.name: .text("m")], ["b": "2"]))
        #expect(second.id == first.id && second.text(.name) == "m" && second.integer(.size) == 3)
        #expect(second.text(.checksum) == Self.big && second.properties.list.map(\.name) == ["b"])
        #expect(second.members == [])
        #expect(try await bench.data(second.id) == "new")
        #expect(bench.registry.count == 1)
        #expect(
            await bench.failure(B.registration([.location: .text("pithos://alice/c/x")], mustExist: true))?.kind
                == .locationNotFound)
        bench.store.keep("x", at: "pithos://alice/c/x")
        #expect(
            await bench.failure(B.registration([.location: .text("pithos://alice/c/x")], mustExist: true))?.kind
                == .imageNotFound)
    }

    @Test func `an id that is taken is no reason to refuse`() async throws {
        let bench = try B(.reference)
        bench.store.keep("x", at: "pithos://alice/c/moved")
        let first = try await bench.image(B.registration())
        let moved = try await bench.image(B.registration([.location: .text("pithos://alice/c/moved")]))
        #expect(first.id == FakeStore.uuid && moved.id != first.id && UUIDText.isCanonical(moved.id))
        let chosen = try await bench.image(B.creation([.id: .text("mine")]))
        #expect(chosen.id == "mine")
    }

    @Test func `a queued image gets its location later`() async throws {
        let bench = try B(.reference)
        var image = Image()
        image[.name] = .text("n")
        image[.diskFormat] = .text("raw")
        image[.containerFormat] = .text("bare")
        let id = try await bench.image(.createImage(ImageCreation(image: image, source: .none))).id
        var said = Image()
        said[.location] = .text("pithos://alice/c/o")
        said[.size] = .integer(4)
        let update = ImageUpdate(
            id: id, image: said, source: .location,
            guards: [FieldGuard(.size, .whileActive, Failure(.forbidden))])
        #expect(await bench.failure(.updateImage(update))?.kind == .badRequest)
        #expect(try await bench.show(id).status == .queued)
        #expect(await bench.failure(.addLocation(id: id, url: "pithos://alice/c/none"))?.kind == .locationNotFound)
        _ = try await bench.perform(.addLocation(id: id, url: "pithos://alice/c/o"))
        let located = try await bench.show(id)
        #expect(located.status == .active && located.integer(.size) == 10 && located.text(.checksum) == FakeStore.hash)
        #expect(try await bench.data(id, "bytes=0-0") == "0-1/10 0")
        #expect(await bench.failure(.addLocation(id: id, url: "pithos://alice/c/o"))?.kind == .badRequest)
    }

    @Test func `locations are refused where they are to be, others are the registry's`() async throws {
        let bench = try B(.reject)
        #expect(await bench.failure(B.registration())?.kind == .badRequest)
        #expect(await bench.failure(B.registration([.location: .text("pithos:x")]))?.kind == .badRequest)
        #expect(bench.store.log == [] && bench.isEmpty)
        #expect(bench.located.capabilities.hasLocationCalls == false)
        let other = try B(.reference)
        #expect(await other.failure(B.creation([.location: .text("http://example.org/x")]))?.kind == .badRequest)
        #expect(other.store.log == [])
        #expect(other.located.translates(.showImage(id: "x")) && !bench.located.translates(.showImage(id: "x")))
        #expect(!other.located.translates(.deleteImage(id: "x")))
    }
}
