import Bytes
import HTTP
import Images
import Testing

@testable import Dialects

/// What the operations of a patch come to, and creations and lists beyond the vectors (image-v2 §5 to §7, §9a, §16).
@Suite struct ImageV2PatchTests {
    private static func patch(
        _ document: String, old: Bool = false, _ dialect: ImageV2 = ImageV2()
    ) throws -> ImageUpdate {
        let type = "application/openstack-images-v2.\(old ? 0 : 1)-json-patch"
        let request = Vectors.clientRequest(
            "PATCH", "/v2/images/i", Fields([("Content-Type", type)]), framing: .length(Int64(document.utf8.count)))
        guard case .updateImage(let update) = try ImageV2Fixture.decode(request, Array(document.utf8), dialect) else {
            throw Vectors.Fault(description: "no update")
        }
        return update
    }

    private static func status(_ document: String, old: Bool = false) throws -> Int {
        let failure = try #require(throws: Failure.self) { try patch(document, old: old) }
        return ImageV2().render(failure, for: Vectors.clientRequest("PATCH", "/v2/images/i")).head.status
    }

    struct Sequence: Sendable {
        var operations: String
        var isOld = false
        var set: [String] = []
        var removed: [String] = []
        var required: [String] = []
        var forbidden: [String] = []
    }

    static let sequences = [
        Sequence(operations: #"[["remove", "a"], ["add", "a"]]"#, set: ["a"], required: ["a"]),
        Sequence(operations: #"[["add", "a"], ["remove", "a"]]"#, removed: ["a"]),
        Sequence(operations: #"[["add", "a"], ["replace", "a"]]"#, set: ["a"]),
        Sequence(operations: #"[["replace", "a"], ["remove", "a"]]"#, removed: ["a"], required: ["a"]),
        Sequence(operations: #"[["add", "a"], ["add", "b"], ["add", "a"]]"#, set: ["a", "b"]),
        Sequence(operations: #"[["add", "a"]]"#, isOld: true, set: ["a"], forbidden: ["a"]),
        Sequence(operations: #"[["add", "a"], ["remove", "a"]]"#, isOld: true, removed: ["a"], forbidden: ["a"]),
        Sequence(operations: #"[["remove", "a"], ["add", "a"]]"#, isOld: true, set: ["a"], required: ["a"]),
    ]

    private static func document(_ operations: String, isOld: Bool) throws -> String {
        let list = try #require(try JSONReader.parse(Array(operations.utf8)).array)
        let entries = list.compactMap(\.array).map { pair in
            let word = pair.first?.text ?? ""
            let name = pair.last?.text ?? ""
            let what = isOld ? "\"\(word)\": \"/\(name)\"" : "\"op\": \"\(word)\", \"path\": \"/\(name)\""
            return "{\(what), \"value\": \"v\"}"
        }
        return "[" + entries.joined(separator: ", ") + "]"
    }

    @Test(arguments: sequences.indices)
    func `operations are worked out in their order`(index: Int) throws {
        let test = Self.sequences[index]
        let update = try Self.patch(try Self.document(test.operations, isOld: test.isOld), old: test.isOld)
        #expect(update.image.properties.list.map(\.name) == test.set)
        #expect(update.removals == test.removed)
        #expect(update.required == test.required)
        #expect(update.forbidden == test.forbidden)
    }

    @Test(arguments: [
        (#"[["remove", "a"], ["remove", "a"]]"#, false), (#"[["remove", "a"], ["replace", "a"]]"#, false),
        (#"[["add", "a"], ["add", "a"]]"#, true), (#"[["add", "name"]]"#, true),
    ])
    func `what cannot be in any order is a conflict`(operations: String, isOld: Bool) throws {
        #expect(try Self.status(try Self.document(operations, isOld: isOld), old: isOld) == 409)
    }

    static let refused: [(document: String, status: Int)] = [
        (#"[{"op": "add", "path": "/os_glance_x", "value": "1"}]"#, 403),
        (#"[{"op": "remove", "path": "/os_glance_x"}]"#, 403),
        (#"[{"op": "replace", "path": "/stores", "value": "a"}]"#, 403),
        (#"[{"op": "replace", "path": "/visibility", "value": null}]"#, 400),
        (#"[{"op": "replace", "path": "/tags", "value": [1]}]"#, 400),
        (#"[{"op": "replace", "path": "/min_ram", "value": true}]"#, 400),
        (#"[{"op": "add", "path": "/kernel_id", "value": "7"}]"#, 400),
        (#"[{"op": "add", "path": 7, "value": "7"}]"#, 400),
        (#"[{"op": "add", "path": "/a~2", "value": "7"}]"#, 400),
        (#"[{"op": "add", "path": "/a~", "value": "7"}]"#, 400),
        (#"[{"op": "add", "path": "//a", "value": "7"}]"#, 400),
        (#"[{"op": "add", "path": "/a/", "value": "7"}]"#, 400),
        (#"[{"op": "add", "path": "", "value": "7"}]"#, 400),
        (#"[{"op": "remove", "path": "/locations/0"}]"#, 403),
        (#"[{"op": "add", "path": "/locations", "value": []}]"#, 400),
        (#"[{"op": "add", "path": "/locations/-", "value": {"url": "http://h/x"}}]"#, 400),
        (
            #"[{"op": "replace", "path": "/locations", "value": [{"url": "u", "metadata": {}}, {"url": "v", "metadata": {}}]}]"#,
            400
        ),
        (#"[{"op": "add", "path": "/locations/-", "value": {"url": "u", "metadata": {"a": "b"}}}]"#, 400),
        (#"{}"#, 400), ("", 400), ("[", 400),
    ]

    @Test(arguments: refused.indices)
    func `what breaks a rule is refused`(index: Int) throws {
        #expect(try Self.status(Self.refused[index].document) == Self.refused[index].status)
    }

    @Test func `a location comes with its store and the checksum of its data`() throws {
        let update = try Self.patch(
            #"[{"op": "replace", "path": "/locations", "value": [{"url": "http://h/x", "metadata": {"store": "web"}, "validation_data": {"checksum": "900150983cd24fb0d6963f7d28e17f72", "os_hash_algo": "sha512", "os_hash_value": "x"}}]}]"#
        )
        #expect(update.source == .location)
        #expect(update.image.text(.location) == "http://h/x")
        #expect(update.image.text(.store) == "web")
        #expect(update.image.text(.checksum) == "900150983cd24fb0d6963f7d28e17f72")
    }

    @Test func `a change has as many operations as anything could need, and no more`() throws {
        let operation = #"{"op": "replace", "path": "/name", "value": "x"}"#
        func list(_ count: Int) -> String {
            "[" + Array(repeating: operation, count: count).joined(separator: ",") + "]"
        }
        #expect(try Self.patch(list(1024)).image.text(.name) == "x")
        #expect(try Self.status(list(1025)) == 413)
        let properties = (0...128).map { #"{"op": "add", "path": "/p\#($0)", "value": ""}"# }.joined(separator: ",")
        #expect(try Self.status("[" + properties + "]") == 413)
    }

    @Test func `formats may change only while there are no data`() throws {
        let update = try Self.patch(#"[{"op": "replace", "path": "/disk_format", "value": "raw"}]"#)
        var image = Image()
        image[.diskFormat] = .text("raw")
        image[.status] = .text("active")
        #expect(throws: Failure.self) { try update.changes(on: image, by: Caller()) }
        image[.status] = .text("queued")
        #expect(try update.changes(on: image, by: Caller()).fields.isEmpty)
    }

    @Test func `what is shown already changes nothing`() throws {
        let update = try Self.patch(#"[{"op": "replace", "path": "/visibility", "value": "shared"}]"#)
        var image = Image()
        image[.isPublic] = .boolean(false)
        #expect(try update.changes(on: image, by: Caller()).fields.isEmpty)
        image[.isPublic] = .boolean(true)
        #expect(try update.changes(on: image, by: Caller()).fields.map(\.field) == [.visibility])
    }

    @Test func `only administrators give images to others`() throws {
        func creation(_ owner: FieldValue) -> Images.Operation {
            var image = Image()
            image[.owner] = owner
            return .createImage(ImageCreation(image: image, source: .none))
        }
        let member = Caller(token: "t", user: "alice", tenant: "acme", roles: ["member"])
        let update = Images.Operation.updateImage(
            try Self.patch(#"[{"op": "replace", "path": "/owner", "value": "acme"}]"#))
        for refused in [creation(.text("beta")), creation(.null), update] {
            let failure = try #require(throws: Failure.self) { try ImageV2().check(refused, by: member) }
            #expect(failure.kind == .forbidden)
            #expect(throws: Never.self) {
                try ImageV2().check(refused, by: Caller(token: "t", user: "r", tenant: "adm", roles: ["Admin"]))
                // Only the registry knows who that is.
                try ImageV2().check(refused, by: Caller(token: "t"))
            }
        }
        for taken in [creation(.absent), creation(.text("acme"))] {
            #expect(throws: Never.self) { try ImageV2().check(taken, by: member) }
        }
    }

    // MARK: StarlingX

    @Test(arguments: [
        (#"{"cache_raw": true}"#, "cache_raw", "True"),
        (#"{"hw_wrs_live_migration_timeout": 400}"#, "hw_wrs_live_migration_timeout", "400"),
    ])
    func `JSON values of StarlingX's properties become text where that is switched on`(
        document: String, name: String, text: String
    ) throws {
        var dialect = ImageV2()
        dialect.settings.starlingx = true
        let request = Vectors.clientRequest("POST", "/v2/images", framing: .chunked)
        #expect(throws: Failure.self) { try ImageV2Fixture.decode(request, Array(document.utf8), dialect) }
        dialect.settings.starlingxLenient = true
        guard
            case .createImage(let creation) = try ImageV2Fixture.decode(request, Array(document.utf8), dialect)
        else {
            Issue.record("no creation")
            return
        }
        #expect(creation.image.properties[name] == .some(text))
    }

    // MARK: Lists

    private static func query(_ text: String) throws -> ImageQuery {
        guard
            case .listImages(let query) = try ImageV2Fixture.decode(
                Vectors.clientRequest("GET", "/v2/images?" + text), [])
        else { throw Vectors.Fault(description: "no list") }
        return query
    }

    @Test(arguments: [
        "limit=", "sort=", "sort_key=", "member_status=", "os_hidden=1", "os_hidden=", "protected=", "size_min=1.5",
        "created_at=x", "created_at=in:a", "updated_at=foo:2010-01-01T00:00:00Z", "name=in:%22a",
        "name=in:a%22b%22", "name=in:%22a%22b", "sort=name&sort_dir=asc", "marker=a%2Fb", "a=%ff",
        "sort_dir=asc&sort_dir=asc",
    ])
    func `queries that mean nothing are refused`(text: String) throws {
        let failure = try #require(throws: Failure.self) { try Self.query(text) }
        #expect(failure.kind == .badRequest)
    }

    @Test func `a spare parameter is a filter`() throws {
        let query = try Self.query("limit=3&limit=2")
        #expect(query.limit == 3)
        #expect(query.filters.contains(.property("limit", "2")))
    }

    @Test func `of equal filters the last counts, and empty visibilities say nothing`() throws {
        let query = try Self.query("k=1&k=2&visibility=&name=a&name=b")
        #expect(
            query.filters == [
                .property("k", "2"), .oneOf(.name, [.text("b")]), .oneOf(.hidden, [.boolean(false)]),
            ])
        #expect(query.scope == .reachable(.usual, memberStatus: "accepted"))
    }

    @Test func `an upload asks for its size and its store, in old ways too`() throws {
        let fields = Fields([("Content-Range", "bytes 1-3/*")])
        let request = Vectors.clientRequest("GET", "/v2/images/i/file", fields)
        guard case .downloadImage(_, let range) = try ImageV2Fixture.decode(request, []) else {
            Issue.record("no download")
            return
        }
        #expect(range == DataRange("bytes=1-3"))
    }

    // MARK: Answers

    @Test func `a part of the data says where it is from`() throws {
        var image = Image()
        image[.size] = .integer(10)
        image[.checksum] = .text("900150983cd24fb0d6963f7d28e17f72")
        let response = try ImageV2().render(
            .part(image, BytesBody([1, 2]), range: 8..<10),
            of: .downloadImage(id: "i", range: DataRange("bytes=-2")),
            for: Vectors.clientRequest("GET", "/v2/images/i/file"))
        #expect(response.head.status == 206)
        #expect(response.head.fields["content-range"] == "bytes 8-9/10")
        #expect(response.head.fields["content-md5"] == "900150983cd24fb0d6963f7d28e17f72")
    }

    @Test func `an added member is shown, whatever the registry answered`() throws {
        let response = try ImageV2().render(
            .done, of: .addMember(id: "i", member: Member(id: "m")),
            for: Vectors.clientRequest("POST", "/v2/images/i/members"))
        #expect(response.head.status == 200)
        #expect(try ImageV2Fixture.json(response).object?["member_id"]?.text == "m")
    }

    @Test func `properties that servers reserve are shown, for they are there`() throws {
        var image = Image()
        image[.id] = .text("i")
        image.properties = Properties([
            Property("location", "l"), Property("kernel_id", nil), Property("x", nil), Property("size", "no"),
        ])
        let response = try ImageV2().render(
            .image(image), of: .showImage(id: "i"), for: Vectors.clientRequest("GET", "/v2/images/i"))
        let shown = try ImageV2Fixture.json(response).object
        #expect(shown?["location"]?.text == "l")
        #expect(shown?["kernel_id"] == .null)
        #expect(shown?["x"]?.text == "")
        #expect(shown?["size"] == .null)
    }
}
