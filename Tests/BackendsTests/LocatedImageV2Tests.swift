import Backends
import Bytes
import Dialects
import Images
import Testing

/// Locations of a store on a registry of the Image API v2, call by call (mapping §3.6).
@Suite struct LocatedImageV2Tests {
    typealias F = Fixture

    private static let location = "pithos://alice/c/o"
    private static let id = FakeStore.uuid
    private static let path = "/v2/images/" + id
    private static let caller = Caller(token: "alice-token", user: "alice")
    private static let fields = #""name": "n", "disk_format": "raw", "container_format": "bare""#

    /// The image in the registry with its marks.
    private static func image(_ changes: KeyValuePairs<String, JSONValue>) -> JSONValue { F.image(changes, id: id) }

    private static let reference = image([
        "gw_location": .string(location), "gw_size": .string("3"), "gw_checksum": .string(FakeStore.hash),
    ])
    private static let awaiting = image(["gw_location": .string(location), "gw_status": .string("saving")])
    private static let filled = image([
        "gw_location": .string(location), "gw_status": .string("saving"), "status": .string("active"),
        "size": .integer(3), "checksum": .string(F.md5OfABC),
    ])
    private static let done = image([
        "gw_location": .string(location), "status": .string("active"), "size": .integer(3),
        "checksum": .string(F.md5OfABC),
    ])

    private static func run(
        _ operation: Operation, _ steps: [ScriptedTransport.Step], _ mode: LocatedBackend.Mode = .reference,
        store: FakeStore = store(), _ configure: (inout LocatedBackend.Settings) -> Void = { _ in }
    ) async -> (Result<Outcome, Failure>, [String]) {
        let transport = ScriptedTransport(steps)
        var registry = F.settings
        registry.pithosBase = "http://objects.example/"
        var settings = LocatedBackend.Settings(mode: mode)
        settings.keepsObjectIDs = true
        configure(&settings)
        let located = LocatedBackend(
            ImageV2Backend(transport: transport, settings: registry), objects: store, settings: settings)
        let request = BackendRequest(operation: operation, caller: caller, requestID: "req-1")
        do throws(Failure) {
            return (.success(try await located.underContract().perform(request)), transport.complaints)
        } catch {
            return (.failure(error), transport.complaints)
        }
    }

    private static func store() -> FakeStore {
        let store = FakeStore()
        store.keep("abc")
        return store
    }

    private static func bytes(_ outcome: Result<Outcome, Failure>) async throws -> String {
        var bytes: [UInt8] = []
        switch outcome {
        case .success(.data(_, let body)): while let piece = try await body.next() { bytes += piece }
        case .success(.part(_, let body, let range)):
            bytes += Array("\(range): ".utf8)
            while let piece = try await body.next() { bytes += piece }
        default: return "?"
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let kept = #""id": "\#(id)", "gw_location": "\#(location)""#

    @Test func `a reference is a record with marks, whatever fetches other locations`() async {
        let (result, complaints) = await Self.run(
            LocatedBench.creation(),
            [
                F.post(
                    #"{\#(Self.fields), \#(Self.kept), "gw_size": "3", "gw_checksum": "\#(FakeStore.hash)"}"#,
                    F.answer(201, Self.reference))
            ])
        #expect(complaints == [])
        #expect(result.image?.status == .active && result.image?.integer(.size) == 3)
        #expect(result.image?.text(.checksum) == FakeStore.hash && result.image?.text(.location) == Self.location)
    }

    @Test func `an id that is taken is not insisted on`() async {
        let size = #""gw_location": "\#(Self.location)", "gw_size": "3", "gw_checksum": "\#(FakeStore.hash)""#
        let (result, complaints) = await Self.run(
            LocatedBench.creation(),
            [
                F.post(#"{\#(Self.fields), "id": "\#(Self.id)", \#(size)}"#, F.refusal(409)),
                F.post(#"{\#(Self.fields), \#(size)}"#, F.answer(201, Self.reference)),
            ])
        #expect(complaints == [] && result.failure == nil)
    }

    @Test func `data of a reference come from the store, ranges of others from the registry`() async throws {
        let show = F.step("GET", Self.path, F.answer(200, Self.reference))
        let download = Operation.downloadImage(id: Self.id, range: DataRange("bytes=1-"))
        let (result, complaints) = await Self.run(download, [show, show])
        #expect(complaints == [])
        #expect(try await Self.bytes(result) == "1..<3: bc")
        var part = F.step(
            "GET", Self.path + "/file", .answer(206, [("Content-Range", "bytes 1-2/3")], Array("bc".utf8)))
        part.headers = [("Range", "bytes=1-2")]
        let (held, complaints2) = await Self.run(
            download, [F.step("GET", Self.path, F.answer(200, Self.done)), part])
        #expect(complaints2 == [])
        #expect(try await Self.bytes(held) == "1..<3: bc")
        let whole = F.step("GET", Self.path + "/file", .answer(200, [], Array("abc".utf8)))
        let (cut, _) = await Self.run(download, [F.step("GET", Self.path, F.answer(200, Self.done)), whole])
        #expect(try await Self.bytes(cut) == "1..<3: bc")
    }

    @Test func `a reference takes no data from clients`() async {
        let (result, complaints) = await F.run(
            F.update(source: .body(length: 3)),
            [F.step("GET", F.path, F.answer(200, F.image(["gw_location": .string(Self.location)])))],
            data: BytesBody(Array("abc".utf8)))
        #expect(result.failure?.kind == .conflict && complaints == [])
    }

    @Test func `an image whose data the gateway brings is saving, to clients and lists`() async throws {
        let show = F.step("GET", Self.path, F.answer(200, Self.awaiting))
        let (shown, complaints) = await Self.run(.showImage(id: Self.id), [show])
        #expect(shown.image?.status == .saving && complaints == [])
        let (data, complaints2) = await Self.run(.downloadImage(id: Self.id), [show, show])
        #expect(data.failure?.kind == .noData && complaints2 == [])
        let (upload, complaints3) = await F.run(
            F.update(source: .body(length: 3)),
            [F.step("GET", F.path, F.answer(200, F.image(["gw_status": .string("saving")])))],
            data: BytesBody(Array("abc".utf8)))
        #expect(upload.failure?.kind == .conflict && complaints3 == [])
        var query = ImageQuery(isDetailed: true)
        query.filters = [.oneOf(.status, [.text("saving")])]
        let list = F.step(
            "GET", "/v2/images?member_status=all&limit=1000&status=in%3Asaving%2Cuploading%2Cimporting%2Cqueued",
            F.answer(200, F.page([Self.awaiting, F.image()], next: false)))
        guard case (.success(.images(let images)), _) = await Self.run(.listImages(query), [list]) else {
            Issue.record("no list")
            return
        }
        #expect(try await images.next()?.id == Self.id)
        #expect(try await images.next() == nil)
    }

    private static let post = F.post(
        #"{\#(fields), \#(kept), "gw_status": "saving"}"#, F.answer(201, awaiting))
    private static let put = F.step("PUT", path + "/file", F.empty(204), body: "abc")
    private static let show = F.step("GET", path, F.answer(200, filled))
    private static let clean = F.step(
        "PATCH", path, F.answer(200, done),
        json: try? JSONReader.parse(Array(#"[{"op": "remove", "path": "/gw_status"}]"#.utf8)))

    @Test func `a copy is an image with data, and says where they came from`() async {
        let (result, complaints) = await Self.run(
            LocatedBench.creation([.checksum: .text(F.md5OfABC)]), [Self.post, Self.put, Self.show, Self.clean], .copy)
        #expect(complaints == [])
        #expect(result.image?.status == .active && result.image?.text(.location) == Self.location)
        #expect(result.image?.text(.checksum) == F.md5OfABC)
    }

    @Test(arguments: [
        (PithosFault.damaged("cut"), Failure.Kind.badGateway), (.timedOut("GET"), .gatewayTimeout),
        (.tokenRejected, .tokenRejected),
    ])
    func `a copy whose data break off leaves no image`(fault: PithosFault, kind: Failure.Kind) async {
        let store = Self.store()
        store.keep("abcd") { $0.breaks = fault }
        let (result, complaints) = await Self.run(
            LocatedBench.creation(), [Self.post, Self.put, F.step("DELETE", Self.path, F.empty(204))], .copy,
            store: store)
        #expect(result.failure?.kind == kind && complaints == [])
    }

    @Test func `what a registry holds otherwise is not left there`() async {
        let wrong = Self.image([
            "status": .string("active"), "size": .integer(3), "checksum": .string(F.md5OfABC),
            "os_hash_algo": .string("sha512"), "os_hash_value": .string(String(repeating: "0", count: 128)),
        ])
        let (result, complaints) = await Self.run(
            LocatedBench.creation(),
            [
                Self.post, Self.put, F.step("GET", Self.path, F.answer(200, wrong)),
                F.step("DELETE", Self.path, F.empty(204)),
            ], .copy)
        #expect(result.failure?.kind == .badGateway && complaints == [])
    }

    @Test func `a client's own dialect is spoken to v2's registries, but for what a reference would belie`() {
        let located = LocatedBackend(
            ImageV2Backend(transport: ScriptedTransport([])), objects: FakeStore(), settings: .init(mode: .reference))
        #expect(located.relays == "image-v2")
        for operation: Operation in [
            .listImages(ImageQuery(isDetailed: true)), .showImage(id: "x"), .downloadImage(id: "x"), F.update(),
        ] { #expect(located.translates(operation)) }
        for operation: Operation in [.addTag(id: "x", tag: "t"), .stageData(id: "x", length: nil)] {
            #expect(!located.translates(operation))
        }
    }

    @Test func `v2's own words for a list reach the registry`() async throws {
        let scope = ImageQuery.Scope.reachable(.only(.community), memberStatus: "accepted")
        let list = F.step(
            "GET", "/v2/images?member_status=accepted&visibility=community&limit=1000&os_hidden=true",
            F.answer(200, F.page([], next: false)))
        let query = ImageQuery(isDetailed: true, scope: scope, filters: [.oneOf(.hidden, [.boolean(true)])])
        let (result, complaints) = await Self.run(.listImages(query), [list])
        #expect(result.failure == nil && complaints == [])
    }
}
