import Bytes
import Dialects
import Images
import Testing

@testable import Backends

/// Locations of a store on registries of the first two Glance APIs, call by call.
@Suite struct LocatedGlanceTests {
    typealias G = Glance2010BackendTests

    private static let location = "pithos://alice/c/o"
    private static let caller = Caller(token: "alice-token", user: "alice")

    private static func run(
        _ operation: Operation, _ backend: any Backend, _ mode: LocatedBackend.Mode
    ) async -> Result<Outcome, Failure> {
        let store = FakeStore()
        store.keep("abc")
        let located = LocatedBackend(backend, objects: store, settings: .init(mode: mode))
        do throws(Failure) {
            return .success(
                try await located.underContract().perform(
                    BackendRequest(operation: operation, caller: caller, requestID: "req-1")))
        } catch {
            return .failure(error)
        }
    }

    private static func v1(
        _ operation: Operation, _ mode: LocatedBackend.Mode, _ steps: [ScriptedTransport.Step]
    ) async -> (Result<Outcome, Failure>, [String]) {
        let transport = ScriptedTransport(steps)
        return (await run(operation, GlanceV1Backend(transport: transport), mode), transport.complaints)
    }

    private static func first(
        _ operation: Operation, _ mode: LocatedBackend.Mode, _ steps: [ScriptedTransport.Step]
    ) async -> (Result<Outcome, Failure>, [String]) {
        let transport = ScriptedTransport(steps)
        return (await run(operation, Glance2010Backend(transport: transport), mode), transport.complaints)
    }

    private static let kept = ["gw_location": location, "gw_checksum": FakeStore.hash]
    private static let creation = LocatedBench.creation([.id: .text(V1.id)])
    private static let free = V1.step("HEAD", V1.path, Fixture.empty(404))

    // MARK: The Image API v1

    @Test func `v1 keeps a reference in its properties, and is read at the store`() async throws {
        let (made, complaints) = await Self.v1(
            Self.creation, .reference,
            [
                Self.free,
                V1.step(
                    "POST", "/v1/images",
                    V1.meta([
                        "size": "3", "property-gw_location": Self.location, "property-gw_checksum": FakeStore.hash,
                    ]), V1.document(201, ["size": "3"], properties: Self.kept)),
            ])
        #expect(complaints == [])
        #expect(made.image?.status == .active && made.image?.text(.checksum) == FakeStore.hash)
        let head = V1.head(["size": "3"], properties: Self.kept)
        let (read, complaints2) = await Self.v1(
            .downloadImage(id: V1.id, range: DataRange("bytes=0-1")), .reference,
            [V1.step("GET", V1.path, Fixture.empty(404)), head, head])
        #expect(complaints2 == [])
        guard case .success(.part(_, let body, range: 0..<2)) = read else {
            Issue.record("no part")
            return
        }
        #expect(try await body.next() == Array("ab".utf8))
    }

    @Test func `v1 gets record, data and location in one call`() async {
        let (made, complaints) = await Self.v1(
            Self.creation, .copy,
            [
                Self.free,
                V1.step(
                    "POST", "/v1/images", V1.meta(["size": "3", "property-gw_location": Self.location]), body: "abc",
                    V1.document(201, V1.active, properties: ["gw_location": Self.location])),
            ])
        #expect(complaints == [])
        #expect(made.image?.status == .active && made.image?.text(.location) == Self.location)
    }

    @Test func `v1's image that waits for data of the gateway is saving, then rid of its mark`() async {
        var image = Image()
        image[.location] = .text(Self.location)
        image[.size] = .integer(3)
        let verified = VerifiedObject(size: 3, hash: FakeStore.hash, uuid: FakeStore.uuid)
        var creation = ImageCreation(image: image, source: .none, verified: verified)
        creation.image[.id] = .text(V1.id)
        let awaiting = ["gw_location": Self.location, "gw_status": "saving"]
        let (made, complaints) = await V1.run(
            .createImage(creation),
            [
                Self.free,
                V1.step(
                    "POST", "/v1/images",
                    V1.meta(["property-gw_location": Self.location, "property-gw_status": "saving"]),
                    V1.document(201, ["size": "3"], properties: awaiting)),
            ])
        #expect(complaints == [] && made.image?.status == .saving)
        let head = V1.head(["size": "3"], properties: awaiting)
        let (client, complaints2) = await V1.run(
            .updateImage(ImageUpdate(id: V1.id, image: Image(), source: .body(length: 3))), [head],
            data: BytesBody(Array("abc".utf8)))
        #expect(client.failure?.kind == .conflict && complaints2 == [])
        let filled = V1.document(200, V1.active, properties: awaiting)
        let (own, complaints3) = await V1.run(
            .updateImage(ImageUpdate(id: V1.id, image: image, source: .body(length: 3), verified: verified)),
            [
                head, V1.step("PUT", V1.path, body: "abc", filled),
                V1.step("PUT", V1.path, [("x-glance-registry-purge-props", "false")], filled),
                V1.step(
                    "PUT", V1.path,
                    [("x-glance-registry-purge-props", "true"), ("x-image-meta-property-gw_location", Self.location)],
                    V1.document(200, V1.active, properties: ["gw_location": Self.location])),
            ], data: BytesBody(Array("abc".utf8)))
        #expect(own.image?.status == .active && complaints3 == [])
    }

    @Test func `a location given to v1's queued image makes it a reference`() async {
        var image = Image()
        image[.location] = .text(Self.location)
        let update = ImageUpdate(
            id: V1.id, image: image, source: .location,
            guards: [FieldGuard(.size, .whileActive, Failure(.forbidden))])
        let (result, complaints) = await Self.v1(
            .updateImage(update), .reference,
            [
                V1.head(), V1.head(),
                V1.step(
                    "PUT", V1.path,
                    V1.meta([
                        "size": "3", "property-gw_location": Self.location, "property-gw_checksum": FakeStore.hash,
                    ]), V1.document(200, ["size": "3"], properties: Self.kept)),
            ])
        #expect(complaints == [] && result.image?.status == .active)
    }

    // MARK: The first Glance API

    @Test func `a reference of the first API is a record that never heard of the location`() async {
        let marks: [(String, String)] = [
            ("x-image-meta-property-gw_location", Self.location),
            ("x-image-meta-property-gw_checksum", FakeStore.hash),
        ]
        let properties: KeyValuePairs<String, JSONValue> = [
            "gw_location": .string(Self.location), "gw_checksum": .string(FakeStore.hash),
        ]
        let (made, complaints) = await Self.first(
            LocatedBench.creation(), .reference,
            [G.post(marks, G.answer(G.entry(["status": .string("pending")], properties: properties)))])
        #expect(complaints == [])
        #expect(made.image?.status == .active && made.image?.integer(.size) == 3)
        let head = G.head(G.headers(marks, status: "pending"))
        let (read, complaints2) = await Self.first(
            .downloadImage(id: "7"), .reference, [Fixture.step("GET", "/images/7", Fixture.empty(404)), head, head])
        #expect(complaints2 == [])
        if case .success(.data) = read {} else { Issue.record("no data") }
    }

    @Test func `the first API gets record, data and location in one call`() async {
        let marks = [("x-image-meta-property-gw_location", Self.location)]
        let stored: KeyValuePairs<String, JSONValue> = ["gw_location": .string(Self.location)]
        let (made, complaints) = await Self.first(
            LocatedBench.creation(), .copy,
            [
                G.post(marks, G.answer(G.entry(properties: stored)), body: "abc"),
                G.put(
                    [("x-image-meta-property-gw_checksum", Fixture.md5OfABC)],
                    G.answer(
                        G.entry(properties: [
                            "gw_location": .string(Self.location), "gw_checksum": .string(Fixture.md5OfABC),
                        ]))),
            ])
        #expect(complaints == [])
        #expect(made.image?.text(.checksum) == Fixture.md5OfABC && made.image?.text(.location) == Self.location)
    }

    @Test func `data that the gateway brings take the first API's mark with them`() async {
        var image = Image()
        image[.location] = .text(Self.location)
        image[.size] = .integer(3)
        let verified = VerifiedObject(size: 3, hash: FakeStore.hash, uuid: FakeStore.uuid)
        let marks = [
            ("x-image-meta-property-gw_location", Self.location), ("x-image-meta-property-gw_status", "saving"),
        ]
        let stored: KeyValuePairs<String, JSONValue> = [
            "gw_location": .string(Self.location), "gw_status": .string("saving"),
        ]
        let (made, complaints) = await G.run(
            .createImage(ImageCreation(image: image, source: .none, verified: verified)),
            [G.post(marks, G.answer(G.entry(["status": .string("pending")], properties: stored)))])
        #expect(complaints == [] && made.image?.status == .saving)
        let head = G.head(G.headers(marks, status: "pending"))
        let filled: KeyValuePairs<String, JSONValue> = [
            "gw_location": .string(Self.location), "gw_status": .string(""),
        ]
        let (own, complaints2) = await G.run(
            .updateImage(ImageUpdate(id: "7", image: image, source: .body(length: 3), verified: verified)),
            [
                head,
                G.put([("x-image-meta-property-gw_status", "")], G.answer(G.entry(properties: filled)), body: "abc"),
                G.put([], G.answer(G.entry(properties: filled))),
            ], data: BytesBody(Array("abc".utf8)))
        #expect(own.image?.status == .active && complaints2 == [])
    }
}
