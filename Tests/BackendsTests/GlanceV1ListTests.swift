import Backends
import Bytes
import Dialects
import Images
import Testing

/// Lists of a registry of the Image API v1: what it filters and sorts, what the gateway must, and its pages.
@Suite struct GlanceV1ListTests {
    private static func image(_ number: Int, _ changes: [String: String] = [:], tags: String? = nil) -> JSONValue {
        let second = 59 - number % 60
        var fields = [
            "id": V1.number(number), "created_at": "2026-11-21T02:45:\(second < 10 ? "0" : "")\(second).000000",
        ]
        fields.merge(changes) { $1 }
        return V1.object(fields, properties: tags.map { ["gw_tags": $0] } ?? [:])
    }

    private static func page(_ numbers: some Sequence<Int>) -> ScriptedTransport.Reply {
        V1.list(numbers.map { image($0) })
    }

    private static let newest = [ImageQuery.Sort(.createdAt, ascending: false)]
    private static let newestQuery = "sort_key=created_at&sort_dir=desc"

    private static func registry(_ pageSize: Int) -> GlanceV1Registry {
        var registry = GlanceV1Registry()
        registry.pageSize = pageSize
        return registry
    }

    @Test func `pages are walked until a short one`() async throws {
        let target = "/v1/images/detail?\(Self.newestQuery)&limit=30"
        let (ids, complaints) = try await V1.ids(
            ImageQuery(isDetailed: true, sort: Self.newest),
            [
                V1.step("GET", target, Self.page(1...30)),
                // Cut by the registry's own setting.
                V1.step("GET", target + "&marker=" + V1.number(30), Self.page(31...55)),
                V1.step("GET", target + "&marker=" + V1.number(55), Self.page(56...59)),
            ], registry: Self.registry(30))
        #expect(complaints == [])
        #expect(ids == (1...59).map(V1.number))
    }

    @Test func `a registry that knows no pages is not asked for ever`() async throws {
        let target = "/v1/images/detail?limit=30"
        let (ids, complaints) = try await V1.ids(
            ImageQuery(isDetailed: true),
            [
                V1.step("GET", target, Self.page(1...40)),
                V1.step("GET", target + "&marker=" + V1.number(40), Self.page(1...40)),
            ], registry: Self.registry(30))
        #expect(complaints == [])
        #expect(ids == (1...40).map(V1.number))
    }

    @Test func `a limit is filled from further pages when the gateway drops images`() async throws {
        var query = ImageQuery(isDetailed: true, filters: [.tag("t")], sort: Self.newest, limit: 2)
        query.marker = V1.number(100)
        let first = (1...30).map { Self.image($0, tags: $0 == 7 ? #"["t"]"# : nil) }
        let second = (31...32).map { Self.image($0, tags: #"["x","t"]"#) }
        let target = "/v1/images/detail?\(Self.newestQuery)&limit=30&marker="
        let (ids, complaints) = try await V1.ids(
            query,
            [
                V1.step("GET", target + V1.number(100), V1.list(first)),
                V1.step("GET", target + V1.number(30), V1.list(second)),
            ], registry: Self.registry(30))
        #expect(complaints == [])
        #expect(ids == [V1.number(7), V1.number(31)])
    }

    @Test(arguments: [
        (ImageQuery.Filter.oneOf(.name, [.text("a b")]), "&name=a%20b"),
        (.oneOf(.name, [.text("a:b")]), ""), (.oneOf(.name, [.text("é")]), ""),
        (.oneOf(.diskFormat, [.text("qcow2")]), "&disk_format=qcow2"),
        (.oneOf(.diskFormat, [.text("diskdump")]), "&disk_format=raw"),
        (.oneOf(.containerFormat, [.text("ovf")]), "&container_format=ovf"),
        (.oneOf(.containerFormat, [.text("bare")]), ""), (.oneOf(.status, [.text("active")]), ""),
        (.oneOf(.status, [.text("saving")]), "&status=saving"), (.atLeast(.size, 3), "&size_min=3"),
        (.atMost(.size, 3), "&size_max=3"), (.oneOf(.minRAM, [.integer(5)]), "&min_ram=5"),
        (.oneOf(.protected, [.boolean(true)]), "&protected=True"), (.property("os", "x:y"), "&property-os=x%3Ay"),
        (.property("Os", "x"), ""), (.property("os", ""), ""), (.oneOf(.owner, [.text("acme")]), ""),
        (.changedSince(Timestamp(seconds: 0)), "&changes-since=1970-01-01T00%3A00%3A00Z"),
        (.deleted(true), "&deleted=True"), (.tag("x"), ""),
        (.time(.createdAt, .greater, Timestamp(seconds: 0)), ""), (.oneOf(.hidden, [.boolean(false)]), ""),
    ])
    func `a filter goes to the registry where it means the same there`(
        _ filter: ImageQuery.Filter, _ parameters: String
    ) async throws {
        let (_, complaints) = try await V1.ids(
            ImageQuery(isDetailed: true, filters: [filter]),
            [V1.step("GET", "/v1/images/detail?limit=1000" + parameters, V1.list([]))])
        #expect(complaints == [])
    }

    @Test(arguments: [
        (ImageQuery.Scope.visible, ""), (.notPublic, "&is_public=False"), (.everything, "&is_public=None"),
        (.publicOnly, "&is_public=True"), (.reachable(.usual, memberStatus: "accepted"), "&is_public=None"),
    ])
    func `a scope is what administrators are asked for`(_ scope: ImageQuery.Scope, _ parameters: String) async throws {
        let mine = Self.image(1, ["is_public": "False"])
        let all = Self.image(2, ["is_public": "True"])
        let (ids, complaints) = try await V1.ids(
            ImageQuery(isDetailed: true, scope: scope),
            [V1.step("GET", "/v1/images/detail?limit=1000" + parameters, V1.list([mine, all]))])
        #expect(complaints == [])
        #expect(ids == (scope == .publicOnly ? [V1.number(2)] : [V1.number(1), V1.number(2)]))
    }

    @Test func `community images and members who have not accepted are for those who ask`() async throws {
        let mine = V1.object(["id": V1.number(1)], properties: ["gw_visibility": "community"])
        let other = V1.object(["id": V1.number(2), "owner": "beta"], properties: ["gw_visibility": "community"])
        let shared = V1.object(["id": V1.number(3), "owner": "beta"])
        let caller = Caller(token: "t", tenant: "acme", roles: ["member"])
        let cases: [(ImageQuery.VisibilityChoice, String?, [Int])] = [
            (.usual, "accepted", [1, 3]), (.all, "accepted", [1, 2, 3]), (.usual, "pending", [1]),
            (.only(.community), nil, [1, 2]), (.only(.shared), nil, [3]),
        ]
        for (choice, status, wanted) in cases {
            let query = ImageQuery(isDetailed: true, scope: .reachable(choice, memberStatus: status))
            let (ids, _) = try await V1.ids(
                query,
                [V1.step("GET", "/v1/images/detail?limit=1000&is_public=None", V1.list([mine, other, shared]))],
                caller: caller)
            #expect(ids == wanted.map(V1.number))
        }
    }

    @Test func `keys whose order marks change are sorted here`() async throws {
        let marked = V1.object(["id": V1.number(1)], properties: ["gw_disk_format": "extdump"])
        let plain = V1.object(["id": V1.number(2), "disk_format": "qcow2"])
        let (ids, complaints) = try await V1.ids(
            ImageQuery(isDetailed: true, sort: [.init(.diskFormat, ascending: false)], limit: 1, marker: V1.number(2)),
            [V1.step("GET", "/v1/images/detail?limit=1000", V1.list([marked, plain]))])
        #expect(complaints == [])
        #expect(ids == [V1.number(1)])
    }

    @Test func `text that came in headers is mended where the registry reads them as Latin-1`() async throws {
        let garbled = [V1.id, V1.number(2)].map { V1.object(["id": $0, "name": "caf\u{C3}\u{A9}"]) }
        for (name, wanted) in [("café", "café"), ("caf\u{C3}\u{A9}", "caf\u{C3}\u{A9}")] {
            let transport = ScriptedTransport([
                V1.step("GET", "/v1/images/detail?limit=1000", V1.list(garbled)), V1.head(["name": name]),
            ])
            let backend = GlanceV1Backend(transport: transport).underContract()
            guard
                case .images(let images) = try await backend.perform(
                    BackendRequest(
                        operation: .listImages(ImageQuery(isDetailed: true)), caller: Caller(), requestID: "r"))
            else { throw Failure(.internal) }
            #expect(try await images.next()?.text(.name) == wanted)
            #expect(try await images.next()?.text(.name) == wanted)
            #expect(transport.complaints == [])
        }
    }

    @Test func `an id that is no UUID is shown and found again`() async throws {
        let remote = GlanceV1Image.remoteID("my-image")
        let target = "/v1/images/" + remote
        let headers = V1.headers(["id": remote], properties: ["gw_id": "my-image"])
        let (result, complaints) = await V1.run(
            .showImage(id: "my-image"), [V1.step("HEAD", target, .answer(200, headers, []))])
        #expect(complaints == [])
        #expect(result.image?.id == "my-image")
        // The copy of another image's mark is none.
        let copied = V1.headers(properties: ["gw_id": "my-image"])
        let (other, _) = await V1.run(
            .showImage(id: V1.id), [V1.step("HEAD", V1.path, .answer(200, copied, []))])
        #expect(other.image?.id == V1.id)
    }

    @Test func `a registry of 2011 counts its images`() async throws {
        let remote = GlanceV1Image.remoteID("52")
        let missing = V1.step("HEAD", "/v1/images/" + remote, .answer(404, [], []))
        let found = V1.step("HEAD", "/v1/images/52", .answer(200, V1.headers(["id": "52"]), []))
        let (result, complaints) = await V1.run(.showImage(id: "52"), [missing, found, found])
        #expect(complaints == [])
        #expect(result.image?.id == "52")
    }

    @Test func `shared images have the ids that clients know`() async throws {
        let remote = GlanceV1Image.remoteID("17")
        let document = try JSONReader.parse(
            Array(
                #"{"shared_images": [{"image_id": "\#(remote)", "can_share": true}, {"image_id": "\#(V1.id)"}]}"#.utf8))
        let headers = V1.headers(["id": remote], properties: ["gw_id": "17"])
        let (result, complaints) = await V1.run(
            .listSharedImages(.sharedWith("b")),
            [
                V1.step("GET", "/v1/shared-images/b", Fixture.answer(200, document)),
                V1.step("HEAD", "/v1/images/" + remote, .answer(200, headers, [])),
            ])
        #expect(complaints == [])
        guard case .success(.sharedImages(let images)) = result else { throw Failure(.internal) }
        #expect(images == [SharedImage(imageID: "17", canShare: true), SharedImage(imageID: V1.id, canShare: false)])
    }
}
