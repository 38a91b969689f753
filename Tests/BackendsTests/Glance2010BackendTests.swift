import Bytes
import Dialects
import Images
import Testing

@testable import Backends

/// Plans on a registry of the first Glance API, call by call (mapping §6.5).
@Suite struct Glance2010BackendTests {
    typealias Step = ScriptedTransport.Step

    static let abc = Array("abc".utf8)
    static let md5OfABC = Fixture.md5OfABC

    // MARK: The registry's words

    /// Headers of an image, as the seed has them.
    static func headers(_ changes: [(String, String)] = [], status: String = "available") -> [(String, String)] {
        let names = changes.map { $0.0.lowercased() }
        let standard = [
            ("x-image-meta-uri", "http://registry/images/7"), ("x-image-meta-id", "7"), ("x-image-meta-name", "n"),
            ("x-image-meta-type", "raw"), ("x-image-meta-size", "3"), ("x-image-meta-store", "file"),
            ("x-image-meta-created_at", "2010-02-03 09:34:01"), ("x-image-meta-updated_at", ""),
            ("x-image-meta-deleted_at", ""), ("x-image-meta-status", status), ("x-image-meta-is_public", "False"),
        ]
        return standard.filter { !names.contains($0.0) } + changes
    }

    static func entry(
        _ changes: KeyValuePairs<String, JSONValue> = [:], properties: KeyValuePairs<String, JSONValue> = [:]
    ) -> JSONValue {
        var object = JSONObject([
            "uri": .string("http://registry/images/7"), "id": .integer(7), "name": .string("n"),
            "type": .string("raw"), "size": .string("3"), "store": .string("file"),
            "created_at": .string("2010-02-03 09:34:01"), "updated_at": .string(""), "deleted_at": .string(""),
            "status": .string("available"), "is_public": .boolean(false),
        ])
        for (key, value) in changes { object[key] = value }
        object["properties"] = .object(JSONObject(properties))
        return .object(object)
    }

    static func answer(_ image: JSONValue) -> ScriptedTransport.Reply {
        Fixture.answer(200, .object(JSONObject(["image": image])))
    }

    static func head(_ headers: [(String, String)] = headers()) -> Step {
        Fixture.step("HEAD", "/images/7", .answer(200, headers, []))
    }

    static func put(_ headers: [(String, String)], _ reply: ScriptedTransport.Reply, body: String? = nil) -> Step {
        Step(method: "PUT", target: "/images/7", headers: headers, body: body, reply: reply)
    }

    static func post(_ headers: [(String, String)], _ reply: ScriptedTransport.Reply, body: String? = nil) -> Step {
        Step(method: "POST", target: "/images", headers: headers, body: body, reply: reply)
    }

    static func run(
        _ operation: Operation, _ steps: [Step], data: (any BodySource)? = nil,
        settings: Glance2010BackendSettings = .init()
    ) async -> (result: Result<Outcome, Failure>, complaints: [String]) {
        let transport = ScriptedTransport(steps)
        let backend = Glance2010Backend(transport: transport, settings: settings).underContract()
        let request = BackendRequest(operation: operation, caller: Caller(token: "t"), requestID: "req-1", data: data)
        do throws(Failure) {
            return (.success(try await backend.perform(request)), transport.complaints)
        } catch {
            return (.failure(error), transport.complaints)
        }
    }

    static func update(
        _ fields: [ImageField: FieldValue] = [:], properties: [Property] = [], removals: [String] = [],
        source: DataSource = .none
    ) -> Operation {
        var image = Image()
        for (field, value) in fields { image[field] = value }
        image.properties = Properties(properties)
        return .updateImage(ImageUpdate(id: "7", image: image, removals: removals, source: source))
    }

    // MARK: Creating

    @Test func `data come with the record, their checksum with a call behind them`() async throws {
        let operation = Fixture.creation([.diskFormat: .text("qcow2"), .isPublic: .boolean(true), .minRAM: .integer(5)])
        let (result, complaints) = await Self.run(
            operation,
            [
                Self.post(
                    [
                        ("x-image-meta-name", "n"), ("x-image-meta-type", "raw"), ("x-image-meta-size", "3"),
                        ("x-image-meta-is_public", "True"), ("x-image-meta-property-gw_disk_format", "qcow2"),
                        ("x-image-meta-property-gw_min_ram", "5"), ("content-type", "application/octet-stream"),
                        ("content-length", "3"),
                    ],
                    Self.answer(
                        Self.entry(
                            ["is_public": .boolean(true)],
                            properties: ["gw_disk_format": .string("qcow2"), "gw_min_ram": .string("5")])),
                    body: "abc"),
                Self.put(
                    [("x-image-meta-property-gw_checksum", Self.md5OfABC), ("x-image-meta-is_public", "True")],
                    Self.answer(
                        Self.entry(
                            ["is_public": .boolean(true)],
                            properties: [
                                "gw_disk_format": .string("qcow2"), "gw_min_ram": .string("5"),
                                "gw_checksum": .string(Self.md5OfABC),
                            ]))),
            ], data: BytesBody(Self.abc))
        #expect(complaints == [])
        let image = try #require(result.image)
        #expect(image.id == "7")
        #expect(image.text(.diskFormat) == "qcow2")
        #expect(image.text(.checksum) == Self.md5OfABC)
        #expect(image.integer(.minRAM) == 5)
        #expect(image.status == .active)
        #expect(image.properties.isEmpty)
    }

    @Test func `an announced checksum saves a call`() async throws {
        let (result, complaints) = await Self.run(
            Fixture.creation([.checksum: .text(Self.md5OfABC)]),
            [
                Self.post(
                    [("x-image-meta-property-gw_checksum", Self.md5OfABC)],
                    Self.answer(Self.entry(properties: ["gw_checksum": .string(Self.md5OfABC)])), body: "abc")
            ], data: BytesBody(Self.abc))
        #expect(complaints == [])
        #expect(result.image?.text(.checksum) == Self.md5OfABC)
    }

    @Test func `wrong data never become whole at the registry`() async throws {
        let transport = ScriptedTransport([Self.post([], .closed)])
        let backend = Glance2010Backend(transport: transport).underContract()
        let operation = Fixture.creation([.checksum: .text("00000000000000000000000000000000")])
        let failure = await #expect(throws: Failure.self) {
            _ = try await backend.perform(
                BackendRequest(
                    operation: operation, caller: Caller(), requestID: "r", data: BytesBody(Self.abc)))
        }
        #expect(failure?.kind == .badRequest)
    }

    @Test func `a checksum that cannot be written leaves the image without one`() async throws {
        let (result, complaints) = await Self.run(
            Fixture.creation(),
            [Self.post([], Self.answer(Self.entry()), body: "abc"), Self.put([], Fixture.refusal(500))],
            data: BytesBody(Self.abc))
        #expect(complaints == [])
        let image = try #require(result.image)
        #expect(image[.checksum].text == nil)
        #expect(image.status == .active)
    }

    @Test(
        arguments: [
            ["size": JSONValue.string("2")], ["status": .string("pending")], ["status": .string("disabled")],
        ] as [[String: JSONValue]])
    func `data that did not arrive are undone`(changes: [String: JSONValue]) async throws {
        guard var object = Self.entry().object else { return }
        for (key, value) in changes { object[key] = value }
        let (result, complaints) = await Self.run(
            Fixture.creation(),
            [
                Self.post([], Self.answer(.object(object)), body: "abc"),
                Fixture.step("DELETE", "/images/7", Fixture.empty(200)),
            ], data: BytesBody(Self.abc))
        #expect(complaints == [])
        #expect(result.failure != nil)
    }

    @Test func `an id that the registry does not take is not exchanged for another`() async throws {
        let (result, complaints) = await Self.run(
            Fixture.creation([.id: .text("mine")], source: .none),
            [
                Self.post([("x-image-meta-id", "mine")], Self.answer(Self.entry())),
                Fixture.step("DELETE", "/images/7", Fixture.empty(200)),
            ])
        #expect(complaints == [])
        #expect(result.failure?.kind == .badRequest)
    }

    @Test func `what a lost creation left behind under a chosen id is removed`() async throws {
        let mine = Self.headers([("x-image-meta-created_at", "2999-01-01 00:00:00")])
        let (result, complaints) = await Self.run(
            Fixture.creation([.id: .text("7")], source: .none),
            [
                Self.post([], .closed), Self.head(mine), Fixture.step("DELETE", "/images/7", Fixture.empty(200)),
            ])
        #expect(complaints == [])
        #expect(result.failure?.kind == .badGateway)
        // Somebody else's older image stays.
        let (_, others) = await Self.run(
            Fixture.creation([.id: .text("7")], source: .none), [Self.post([], .closed), Self.head()])
        #expect(others == [])
    }

    @Test func `a location goes to the registry, and one that it refuses into a mark`() async throws {
        let operation = Fixture.creation([.location: .text("pithos://u/c/o")], source: .location)
        let mark = ("x-image-meta-property-gw_location", "pithos://u/c/o")
        let (result, complaints) = await Self.run(
            operation,
            [
                Self.post([mark, ("x-image-meta-location", "pithos://u/c/o")], Fixture.refusal(400)),
                Self.post(
                    [mark],
                    Self.answer(
                        Self.entry(
                            ["status": .string("pending")], properties: ["gw_location": .string("pithos://u/c/o")]))),
            ])
        #expect(complaints == [])
        let image = try #require(result.image)
        #expect(image.status == .active)
        #expect(image.text(.location) == "pithos://u/c/o")
        let (refused, _) = await Self.run(
            Fixture.creation([.location: .text("http://h/o")], source: .location),
            [Self.post([("x-image-meta-location", "http://h/o")], Fixture.refusal(400))])
        #expect(refused.failure?.kind == .badRequest)
    }

    // MARK: Changing

    @Test func `only changes are sent, and what is public is said again`() async throws {
        let shown = Self.headers([("x-image-meta-is_public", "True"), ("x-image-meta-property-a", "1")])
        let (result, complaints) = await Self.run(
            Self.update([.name: .text("m"), .isPublic: .boolean(true)], properties: [Property("a", "1")]),
            [
                Self.head(shown),
                Self.put(
                    [("x-image-meta-name", "m"), ("x-image-meta-is_public", "True")],
                    Self.answer(
                        Self.entry(
                            ["name": .string("m"), "is_public": .boolean(true)], properties: ["a": .string("1")]))),
            ])
        #expect(complaints == [])
        #expect(result.image?.text(.name) == "m")
        let (same, quiet) = await Self.run(Self.update([.name: .text("n")]), [Self.head(shown)])
        #expect(quiet == [])
        #expect(same.image != nil)
    }

    @Test func `a removed property is emptied and stays away`() async throws {
        let (_, complaints) = await Self.run(
            Self.update(removals: ["a"]),
            [
                Self.head(Self.headers([("x-image-meta-property-a", "1")])),
                Self.put(
                    [("x-image-meta-property-a", ""), ("x-image-meta-property-gw_removed", #"["a"]"#)],
                    Self.answer(Self.entry(properties: ["a": .string(""), "gw_removed": .string(#"["a"]"#)]))),
            ])
        #expect(complaints == [])
        let (result, _) = await Self.run(
            .showImage(id: "7"),
            [
                Self.head(
                    Self.headers([
                        ("x-image-meta-property-a", ""), ("x-image-meta-property-gw_removed", #"["a"]"#),
                        ("x-image-meta-property-b", ""),
                    ]))
            ])
        #expect(result.image?.properties == Properties([Property("b", nil)]))
    }

    @Test func `a kept connection that died is no reason to fail a change`() async throws {
        let (result, complaints) = await Self.run(
            Self.update([.name: .text("m")]),
            [Self.head(), Self.put([], .closed), Self.put([], Self.answer(Self.entry(["name": .string("m")])))])
        #expect(complaints == [])
        #expect(result.image?.text(.name) == "m")
    }

    @Test func `data go to a queued image with its name, type and size`() async throws {
        let queued = Self.headers([("x-image-meta-size", "0")], status: "pending")
        let (result, complaints) = await Self.run(
            Self.update(source: .body(length: 3)),
            [
                Self.head(queued),
                Self.put(
                    [
                        ("content-type", "application/octet-stream"), ("x-image-meta-name", "n"),
                        ("x-image-meta-type", "raw"), ("x-image-meta-size", "3"),
                    ], Self.answer(Self.entry()), body: "abc"),
                Self.put(
                    [("x-image-meta-property-gw_checksum", Self.md5OfABC)],
                    Self.answer(Self.entry(properties: ["gw_checksum": .string(Self.md5OfABC)]))),
            ], data: BytesBody(Self.abc))
        #expect(complaints == [])
        #expect(result.image?.text(.checksum) == Self.md5OfABC)
        let (late, _) = await Self.run(
            Self.update(source: .body(length: 3)), [Self.head()], data: BytesBody(Self.abc))
        #expect(late.failure?.kind == .conflict)
    }

    // MARK: Reading

    private static func bytes(_ outcome: Result<Outcome, Failure>) async throws -> (String, Range<Int64>?) {
        let body: any BodySource
        var range: Range<Int64>?
        switch try outcome.get() {
        case .data(_, let data): body = data
        case .part(_, let data, let part): (body, range) = (data, part)
        default: throw Failure(.internal)
        }
        var bytes: [UInt8] = []
        while let piece = try await body.next() { bytes += piece }
        return (String(decoding: bytes, as: UTF8.self), range)
    }

    @Test(
        arguments: [
            ("bytes=0-0", "0", 0..<1), ("bytes=6-8", "678", 6..<9), ("bytes=15-", "fghij", 15..<20),
            ("bytes=-3", "hij", 17..<20), ("bytes=0-", "0123456789abcdefghij", 0..<20),
        ] as [(String, String, Range<Int64>)])
    func `ranges are cut by the gateway`(text: String, expected: String, range: Range<Int64>) async throws {
        let reply = ScriptedTransport.Reply.answer(
            200, Self.headers([("x-image-meta-size", "20")]), Array("0123456789abcdefghij".utf8))
        let (result, _) = await Self.run(
            .downloadImage(id: "7", range: DataRange(text)), [Fixture.step("GET", "/images/7", reply)])
        let (bytes, part) = try await Self.bytes(result)
        #expect(bytes == expected)
        #expect(part == range)
        let (whole, _) = await Self.run(.downloadImage(id: "7"), [Fixture.step("GET", "/images/7", reply)])
        #expect(try await Self.bytes(whole).0 == "0123456789abcdefghij")
        let (none, _) = await Self.run(
            .downloadImage(id: "7", range: DataRange("bytes=20-")), [Fixture.step("GET", "/images/7", reply)])
        #expect(none.failure?.kind == .rangeNotSatisfiable)
    }

    @Test(arguments: [ScriptedTransport.Reply.closed, Fixture.empty(404)])
    func `an image without data is told from one that is not there`(reply: ScriptedTransport.Reply) async throws {
        let isClosed = if case .closed = reply { true } else { false }
        let asked = Array(repeating: Fixture.step("GET", "/images/7", reply), count: isClosed ? 2 : 1)
        let (none, complaints) = await Self.run(
            .downloadImage(id: "7"), asked + [Self.head(Self.headers(status: "pending"))])
        #expect(complaints == [])
        #expect(none.failure?.kind == .noData)
        let (absent, _) = await Self.run(
            .downloadImage(id: "7"), asked + [Fixture.step("HEAD", "/images/7", Fixture.empty(404))])
        #expect(absent.failure?.kind == (isClosed ? .badGateway : .imageNotFound))
    }

    private static func list(_ entries: [JSONValue]) -> Step {
        Fixture.step(
            "GET", "/images/detail", Fixture.answer(200, .object(JSONObject(["images": .array(entries)]))))
    }

    @Test func `the gateway filters, sorts and cuts the one list there is`() async throws {
        let entries = (1...6).map { number in
            Self.entry(
                [
                    "id": .integer(Int64(number)), "created_at": .string("2010-02-03 09:34:0\(number)"),
                    "is_public": .boolean(true), "name": .string(number == 4 ? "other" : "n"),
                ], properties: ["gw_tags": .string(#"["t\#(number % 2)"]"#)])
        }
        let newest = [ImageQuery.Sort(.createdAt, ascending: false)]
        for (query, steps, expected) in [
            (ImageQuery(isDetailed: false), [], ["1", "2", "3", "4", "5", "6"]),
            (ImageQuery(isDetailed: true, filters: [.tag("t0")], sort: newest), [], ["6", "4", "2"]),
            (
                ImageQuery(isDetailed: true, filters: [.oneOf(.name, [.text("n")])], sort: newest, limit: 2), [],
                ["6", "5"]
            ),
            (
                ImageQuery(isDetailed: true, sort: newest, limit: 2, marker: "7"),
                [Self.head(Self.headers([("x-image-meta-created_at", "2010-02-03 09:34:05")]))], ["5", "4"]
            ),
            (ImageQuery(isDetailed: true, limit: 2, marker: "3"), [], ["4", "5"]),
            (ImageQuery(isDetailed: true, scope: .notPublic), [], []),
            (ImageQuery(isDetailed: true, scope: .reachable(.only(.shared), memberStatus: nil)), [], []),
        ] as [(ImageQuery, [Step], [String])] {
            let (result, complaints) = await Self.run(.listImages(query), steps + [Self.list(entries)])
            #expect(complaints == [])
            guard case .images(let source) = try result.get() else { throw Failure(.internal) }
            var ids: [String] = []
            while let image = try await source.next() { ids.append(image.id) }
            #expect(ids == expected)
        }
    }

    @Test func `an unknown marker is the client's mistake`() async throws {
        let query = ImageQuery(
            isDetailed: true, sort: [ImageQuery.Sort(.createdAt, ascending: true)], limit: 2, marker: "8")
        let (result, complaints) = await Self.run(
            .listImages(query), [Fixture.step("HEAD", "/images/8", Fixture.empty(404)), Self.list([Self.entry()])])
        #expect(complaints == [])
        guard case .images(let source) = try result.get() else { throw Failure(.internal) }
        let failure = await #expect(throws: Failure.self) { try await source.next() }
        #expect(failure?.kind == .badRequest)
    }

    @Test(arguments: [#"{"images": [{"id": 1}, "#, #"{"image": []}"#, #"{"images": [7]}"#, "[]", "crash"])
    func `a list that breaks is the registry's fault`(text: String) async throws {
        let (result, _) = await Self.run(
            .listImages(ImageQuery(isDetailed: true)),
            [Fixture.step("GET", "/images/detail", .answer(200, [], Array(text.utf8)))])
        guard case .images(let source) = try result.get() else { throw Failure(.internal) }
        let failure = await #expect(throws: Failure.self) { while try await source.next() != nil {} }
        #expect(failure?.kind == .badGateway)
    }

    // MARK: Deleting, and what there is not

    @Test func `the gateway heeds the protection that the registry does not know`() async throws {
        let (kept, complaints) = await Self.run(
            .deleteImage(id: "7"), [Self.head(Self.headers([("x-image-meta-property-gw_protected", "True")]))])
        #expect(complaints == [])
        #expect(kept.failure?.kind == .forbidden)
        let (gone, others) = await Self.run(
            .deleteImage(id: "7"), [Self.head(), Fixture.step("DELETE", "/images/7", Fixture.empty(200))])
        #expect(others == [])
        guard case .done = try gone.get() else { throw Failure(.internal) }
    }

    @Test(arguments: [
        (Operation.listMembers(id: "7"), Failure.Kind.membershipForbidden),
        (.addMember(id: "7", member: Member(id: "m")), .membershipForbidden),
        (.replaceMembers(id: "7", members: []), .membershipForbidden),
        (.removeMember(id: "7", memberID: "m", absentIsDone: true), .membershipForbidden),
        (.showMember(id: "7", memberID: "m"), .membershipForbidden),
        (.setMemberStatus(id: "7", memberID: "m", status: "accepted"), .membershipForbidden),
        (.deactivateImage(id: "7"), .forbidden), (.reactivateImage(id: "7"), .forbidden),
        (.stageData(id: "7", length: nil), .notImplemented),
        (.importImage(ImageImport(id: "7", method: .staged)), .notImplemented),
        (.addLocation(id: "7", url: "http://h/"), .notImplemented),
        (.deleteFromStore(id: "7", store: "s"), .notImplemented),
    ])
    func `what the dialect lacks is refused without a call`(operation: Operation, kind: Failure.Kind) async {
        let (result, complaints) = await Self.run(operation, [])
        #expect(complaints == [])
        #expect(result.failure?.kind == kind)
        let copy = await Self.run(Fixture.creation(source: .copyFrom("http://h/")), [])
        #expect(copy.result.failure?.kind == .notImplemented)
    }

    @Test func `tags live in a mark`() async throws {
        let (_, complaints) = await Self.run(
            .addTag(id: "7", tag: "b"),
            [
                Self.head(Self.headers([("x-image-meta-property-gw_tags", #"["a"]"#)])),
                Self.put(
                    [("x-image-meta-property-gw_tags", #"["a","b"]"#)],
                    Self.answer(Self.entry(properties: ["gw_tags": .string(#"["a","b"]"#)]))),
            ])
        #expect(complaints == [])
        let (absent, _) = await Self.run(.removeTag(id: "7", tag: "b"), [Self.head()])
        #expect(absent.failure?.kind == .imageNotFound)
    }

    @Test func `a refusal tells its message without the sentence of its status`() async throws {
        let text = """
            400 Bad Request

            The server could not comply with the request since it is either malformed or otherwise incorrect.

             Requested store x not available  
            """
        let (result, _) = await Self.run(
            Fixture.creation(source: .none),
            [Self.post([], .answer(400, [("Content-Type", "text/plain; charset=UTF-8")], Array(text.utf8)))])
        #expect(result.failure?.kind == .badRequest)
        #expect(result.failure?.message == "Requested store x not available")
        let (crash, _) = await Self.run(
            Fixture.creation(source: .none),
            [Self.post([], .answer(500, [("Content-Type", "text/plain")], Array("Traceback".utf8)))])
        #expect(crash.failure?.kind == .badGateway)
        #expect(crash.failure?.message == "")
    }
}
