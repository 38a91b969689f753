import Backends
import Bytes
import Dialects
import Images
import Testing
import Upstream

/// Operations as requests to a registry of the Image API v1.
@Suite struct GlanceV1PlanTests {
    private func creation(
        _ fields: [ImageField: FieldValue] = [:], tags: [String]? = nil, source: DataSource = .none
    ) -> Images.Operation {
        var image = Image()
        image[.id] = .text(V1.id)
        for (field, value) in fields { image[field] = value }
        image.tags = tags
        return .createImage(ImageCreation(image: image, source: source))
    }

    private let free = V1.step("HEAD", V1.path, .answer(404, [], []))

    // MARK: Creating

    @Test func `one POST carries metadata, marks and data`() async throws {
        let headers =
            V1.meta([
                "id": V1.id, "name": "café", "disk_format": "raw", "container_format": "bare", "size": "3",
                "property-gw_disk_format": "diskdump", "property-gw_tags": #"["a"]"#,
                "property-gw_visibility": "private", "is_public": "False",
            ]) + [("Content-Type", "application/octet-stream"), ("content-length", "3")]
        let kept = ["gw_disk_format": "diskdump", "gw_tags": #"["a"]"#, "gw_visibility": "private"]
        let operation = creation(
            [
                .name: .text("café"), .diskFormat: .text("diskdump"), .containerFormat: .text("bare"),
                .size: .integer(3), .visibility: .text("private"),
            ], tags: ["a"], source: .body(length: 3))
        let (result, complaints) = await V1.run(
            operation,
            [
                free,
                V1.step("POST", "/v1/images", headers, body: "abc", V1.document(201, V1.active, properties: kept)),
            ], data: BytesBody(Array("abc".utf8)))
        #expect(complaints == [])
        let image = try #require(result.image)
        #expect(image.text(.diskFormat) == "diskdump")
        #expect(image.tags == ["a"])
        #expect(image.visibility == .private)
        #expect(image.properties.isEmpty)
    }

    @Test(arguments: [
        (3, V1.md5OfABC, Failure.Kind?.none), (4, V1.md5OfABC, .badRequest),
        (3, "00000000000000000000000000000000", .badRequest),
    ])
    func `what the registry holds is compared with what was sent`(
        _ test: (size: Int, checksum: String, kind: Failure.Kind?)
    ) async throws {
        let answer = V1.document(201, ["status": "active", "size": "\(test.size)", "checksum": test.checksum])
        var steps = [free, V1.step("POST", "/v1/images", body: "abc", answer)]
        if test.kind != nil { steps.append(V1.step("DELETE", V1.path, .answer(200, [], []))) }
        let (result, complaints) = await V1.run(
            creation(source: .body(length: 3)), steps, data: BytesBody(Array("abc".utf8)))
        #expect(complaints == [])
        #expect(result.failure?.kind == test.kind)
    }

    @Test(arguments: [
        (ScriptedTransport.Reply.answer(400, [], []), Failure.Kind.badRequest),
        (.answer(413, [], []), .tooLarge), (.closed, .badGateway), (.answer(500, [], []), .badGateway),
    ])
    func `a creation that fails leaves no image behind`(
        _ reply: ScriptedTransport.Reply, _ kind: Failure.Kind
    ) async {
        let (result, complaints) = await V1.run(
            creation([.protected: .boolean(true)], source: .body(length: 3)),
            [
                free, V1.step("POST", "/v1/images", body: "abc", reply),
                V1.step(
                    "PUT", V1.path,
                    V1.meta(["protected": "False"]) + [("x-glance-registry-purge-props", "false")], V1.document()),
                V1.step("DELETE", V1.path, .answer(200, [], [])),
            ], data: BytesBody(Array("abc".utf8)))
        #expect(complaints == [])
        #expect(result.failure?.kind == kind)
    }

    @Test func `a registry that cannot be reached is asked nothing more`() async {
        let (result, complaints) = await V1.run(
            creation(), [free, V1.step("POST", "/v1/images", .fails(.connectFailed("refused")))])
        #expect(complaints == [])
        #expect(result.failure?.kind == .badGateway)
    }

    @Test func `an image that has the id already is left alone`() async {
        let (result, complaints) = await V1.run(creation(source: .body(length: 3)), [V1.head()])
        #expect(complaints == [])
        #expect(result.failure?.kind == .conflict)
        let (late, others) = await V1.run(
            creation(source: .body(length: 3)),
            [free, V1.step("POST", "/v1/images", body: "abc", .answer(409, [], []))],
            data: BytesBody(Array("abc".utf8)))
        #expect(others == [])
        #expect(late.failure?.kind == .conflict)
    }

    @Test func `no data at all are sent in chunks, since a length of 0 means that there are none`() async throws {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e"
        let sent = V1.step(
            "PUT", V1.path, [("Content-Type", "application/octet-stream"), ("content-length", "absent")], body: "",
            V1.document(200, ["status": "active", "checksum": md5]))
        let operation = Images.Operation.updateImage(
            ImageUpdate(id: V1.id, image: Image(), source: .body(length: 0)))
        let (result, complaints) = await V1.run(operation, [V1.head(), sent], data: BytesBody([]))
        #expect(complaints == ["PUT \(V1.path): content-length is absent, expected absent"])
        #expect(result.image?.status == .active)
    }

    @Test func `a location of Plankton is kept by a mark and the image is active`() async throws {
        let operation = creation(
            [.location: .text("pithos://u/c/o"), .checksum: .text(String(repeating: "a", count: 64))],
            source: .location)
        let kept = ["gw_location": "pithos://u/c/o", "gw_checksum": String(repeating: "a", count: 64)]
        let headers = V1.meta([
            "property-gw_location": "pithos://u/c/o", "property-gw_checksum": String(repeating: "a", count: 64),
        ])
        let (result, complaints) = await V1.run(
            operation, [free, V1.step("POST", "/v1/images", headers, V1.document(201, properties: kept))])
        #expect(complaints == [])
        let image = try #require(result.image)
        #expect(image.status == .active)
        #expect(image.text(.location) == "pithos://u/c/o")
        #expect(image.text(.checksum) == String(repeating: "a", count: 64))
    }

    // MARK: Changing

    private func update(
        _ fields: [ImageField: FieldValue] = [:], set: [Property] = [], removals: [String] = [],
        purges: Bool = false
    ) -> Images.Operation {
        var image = Image()
        for (field, value) in fields { image[field] = value }
        image.properties = Properties(set)
        return .updateImage(ImageUpdate(id: V1.id, image: image, removals: removals, purgesProperties: purges))
    }

    @Test func `a change sends what changes and purges nothing`() async throws {
        let sent = V1.step(
            "PUT", V1.path,
            V1.meta(["name": "m", "property-b": "2"]) + [("x-glance-registry-purge-props", "false")],
            V1.document(200, ["name": "m"], properties: ["a": "1", "b": "2"]))
        let (result, complaints) = await V1.run(
            update([.name: .text("m"), .minRAM: .integer(0)], set: [Property("a", "1"), Property("b", "2")]),
            [V1.head(properties: ["a": "1"]), sent])
        #expect(complaints == [])
        #expect(result.image?.properties == Properties([Property("a", "1"), Property("b", "2")]))
    }

    @Test func `a change that changes nothing sends nothing`() async throws {
        let (result, complaints) = await V1.run(
            update([.name: .text("n"), .isPublic: .boolean(false)], set: [Property("a", "1")]),
            [V1.head(properties: ["a": "1", "gw_tags": #"["t"]"#])])
        #expect(complaints == [])
        #expect(result.image?.tags == ["t"])
    }

    @Test func `removing one property names all others, also those that headers do not show`() async throws {
        let asked = V1.step(
            "PUT", V1.path, [("x-glance-registry-purge-props", "false")],
            V1.document(properties: ["a": "1", "b": "2", "null": "", "gw_tags": #"["t"]"#]))
        let sent = V1.step(
            "PUT", V1.path,
            V1.meta(["property-b": "2", "property-null": "", "property-gw_tags": #"["t"]"#])
                + [("x-glance-registry-purge-props", "true")],
            V1.document(properties: ["b": "2", "null": "", "gw_tags": #"["t"]"#]))
        let present = V1.head(properties: ["a": "1", "b": "2", "gw_tags": #"["t"]"#])
        let (result, complaints) = await V1.run(update(removals: ["a"]), [present, asked, sent])
        #expect(complaints == [])
        #expect(result.image?.properties == Properties([Property("b", "2"), Property("null", nil)]))
    }

    @Test func `a client that purges keeps the marks`() async throws {
        let sent = V1.step(
            "PUT", V1.path,
            V1.meta(["property-c": "3", "property-gw_disk_format": "diskdump"])
                + [("x-glance-registry-purge-props", "true")],
            V1.document(properties: ["c": "3", "gw_disk_format": "diskdump"]))
        let (result, complaints) = await V1.run(
            update(set: [Property("c", "3")], purges: true),
            [V1.head(properties: ["a": "1", "gw_disk_format": "diskdump"]), sent])
        #expect(complaints == [])
        #expect(result.image?.text(.diskFormat) == "diskdump")
    }

    @Test func `names and values that headers would change are escaped`() async throws {
        let names = [Property("Kernel-Id", " x "), Property("empty", ""), Property("owner", "me")]
        let stored = ["gw_x_%4bernel%2d%49d": "%20x%20", "gw_x_empty": "%", "owner": "me"]
        let sent = V1.step(
            "PUT", V1.path, stored.map { ("x-image-meta-property-" + $0.key, $0.value) },
            V1.document(properties: stored))
        let (result, complaints) = await V1.run(update(set: names), [V1.head(), sent])
        #expect(complaints == [])
        #expect(result.image?.properties == Properties(names))
    }

    @Test func `data are refused by an image that does not wait for them`() async {
        let operation = Images.Operation.updateImage(
            ImageUpdate(id: V1.id, image: Image(), source: .body(length: 3)))
        let (result, complaints) = await V1.run(
            operation, [V1.head(V1.active)], data: BytesBody(Array("abc".utf8)))
        #expect(complaints == [])
        #expect(result.failure?.kind == .conflict)
    }

    @Test func `what was announced is demanded of the data`() async throws {
        let operation = Images.Operation.updateImage(
            ImageUpdate(id: V1.id, image: Image(), source: .body(length: nil)))
        let (result, complaints) = await V1.run(
            operation, [V1.head(["size": "5"]), V1.step("PUT", V1.path, .hangs)],
            data: BrokenBody(Array("abc".utf8), length: nil, fault: .disconnected))
        #expect(complaints == [])
        #expect(result.failure?.kind == .clientDisconnected)
        let (short, others) = await V1.run(
            operation, [V1.head(["size": "5"])], data: BytesBody(Array("abc".utf8)))
        #expect(others == [])
        #expect(short.failure?.kind == .badRequest)
    }

    @Test func `tags and copies`() async throws {
        let tagged = V1.step(
            "PUT", V1.path, V1.meta(["property-gw_tags": #"["a","b"]"#]), V1.document())
        let (result, complaints) = await V1.run(
            .addTag(id: V1.id, tag: "b"), [V1.head(properties: ["gw_tags": #"["a"]"#]), tagged])
        #expect(complaints == [])
        #expect(result.failure == nil)
        let copied = V1.step(
            "PUT", V1.path,
            [("x-glance-api-copy-from", "http://x/y"), ("x-glance-registry-purge-props", "false")], V1.document())
        let (copy, others) = await V1.run(
            .importImage(ImageImport(id: V1.id, method: .webDownload(uri: "http://x/y"))), [V1.head(), copied])
        #expect(others == [])
        #expect(copy.failure == nil)
    }

    // MARK: Data

    private func download(_ range: DataRange? = nil, _ steps: [V1.Step]) async -> (String?, Failure?, [String]) {
        let (result, complaints) = await V1.run(.downloadImage(id: V1.id, range: range), steps)
        let body: any BodySource
        switch result {
        case .success(.data(_, let data)), .success(.part(_, let data, _)): body = data
        default: return (nil, result.failure, complaints)
        }
        var bytes: [UInt8] = []
        while let piece = try? await body.next() { bytes += piece }
        return (String(decoding: bytes, as: UTF8.self), nil, complaints)
    }

    private func data(_ text: String) -> V1.Step {
        V1.step(
            "GET", V1.path,
            .answer(200, V1.headers(["status": "active", "size": "\(text.utf8.count)"]), Array(text.utf8)))
    }

    @Test(arguments: [
        ("bytes=0-", "0123456789abcdef"), ("bytes=8-9", "89"), ("bytes=-3", "def"), ("bytes=15-99", "f"),
        ("bytes=3-12", "3456789abc"),
    ])
    func `a range is cut out of the whole`(_ range: String, _ wanted: String) async {
        let (text, _, complaints) = await download(DataRange(range), [data("0123456789abcdef")])
        #expect(complaints == [])
        #expect(text == wanted)
    }

    @Test func `data that cannot be had`() async {
        let (_, behind, _) = await download(DataRange("bytes=16-"), [data("0123456789abcdef")])
        #expect(behind?.kind == .rangeNotSatisfiable)
        let (_, queued, _) = await download(nil, [V1.step("GET", V1.path, .answer(404, [], [])), V1.head()])
        #expect(queued?.kind == .noData)
        let (_, withheld, _) = await download(
            nil, [V1.step("GET", V1.path, .answer(403, [], [])), V1.head(["status": "deactivated"])])
        #expect(withheld?.kind == .deactivated)
        let (_, unknown, _) = await download(
            nil,
            [V1.step("GET", V1.path, .answer(404, [], [])), V1.step("HEAD", V1.path, .answer(404, [], []))])
        #expect(unknown?.kind == .imageNotFound)
        let (_, wrong, _) = await download(
            nil, [V1.step("GET", V1.path, .answer(200, V1.headers(["size": "4"]), Array("abc".utf8)))])
        #expect(wrong?.kind == .badGateway)
    }

    // MARK: Members

    @Test func `members are set with can_share, as far as it is known`() async throws {
        let list = V1.step(
            "GET", V1.path + "/members",
            Fixture.answer(
                200, try JSONReader.parse(Array(#"{"members": [{"member_id": "b", "can_share": true}]}"#.utf8))))
        let added = V1.step(
            "PUT", V1.path + "/members/b", json: #"{"member": {"can_share": true}}"#, .answer(204, [], []))
        let (result, complaints) = await V1.run(
            .addMember(id: V1.id, member: Member(id: "b")), [list, V1.head(), added])
        #expect(complaints == [])
        #expect(result.failure == nil)
        let (gone, others) = await V1.run(
            .removeMember(id: V1.id, memberID: "b", absentIsDone: false),
            [V1.step("DELETE", V1.path + "/members/b", .answer(404, [], [])), V1.head()])
        #expect(others == [])
        #expect(gone.failure?.kind == .memberNotFound)
        let (status, more) = await V1.run(
            .setMemberStatus(id: V1.id, memberID: "b", status: "rejected"), [list, V1.head()])
        #expect(more == [])
        #expect(status.failure?.kind == .forbidden)
        let (accepted, _) = await V1.run(
            .setMemberStatus(id: V1.id, memberID: "b", status: "accepted"), [list, V1.head()])
        guard case .success(.member(let member, _)) = accepted else { throw Failure(.internal) }
        #expect(member.status == "accepted")
        #expect(member.createdAt != nil)
    }
}
