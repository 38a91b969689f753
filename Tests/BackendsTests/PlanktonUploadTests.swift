import Backends
import Bytes
import Dialects
import Images
import Testing

@testable import Upstream

/// Data of clients for a Plankton server: put into its store, then registered (mapping §6.4, §7).
@Suite struct PlanktonUploadTests {
    private static let id = PithosFixture.uuid
    private static let path = "/v1.0/images/" + id
    private static let container = "gateway images"
    private static let object = "n-0b6c6f5e-7c1d-4a52-9d0e-0d4b4a1f7f10"
    private static let location = "pithos://alice/gateway%20images/" + object
    private static let data = Array("data".utf8)
    private static let checksum = "8d777f385d3dfec8815d20f7496026dc"
    private static let waiting = [("property-gw-status", "queued"), ("property-gw-uploaded", "True"), ("size", "0")]

    private static func meta(_ changes: [(String, String)] = []) -> ScriptedTransport.Reply {
        var fields = [
            ("id", id), ("name", "n"), ("disk-format", "diskdump"), ("container-format", "bare"), ("size", "4"),
            ("location", location), ("status", "AVAILABLE"), ("is-public", "False"), ("owner", "alice"),
            ("is-snapshot", "False"), ("checksum", PithosFixture.hash),
        ]
        for (name, value) in changes {
            fields.removeAll { $0.0 == name }
            fields.append((name, value))
        }
        return .answer(200, fields.map { ("x-image-meta-" + $0.0, $0.1) }, [])
    }

    private static func status(_ status: Int) -> ScriptedTransport.Reply {
        .answer(status, [], Array(#"{"fault": {"code": \#(status), "message": "no", "details": ""}}"#.utf8))
    }

    private static func step(
        _ method: String, _ target: String, _ reply: ScriptedTransport.Reply, _ headers: [(String, String)] = []
    ) -> ScriptedTransport.Step {
        ScriptedTransport.Step(
            method: method, target: target, headers: headers.map { ("x-image-meta-" + $0.0, $0.1) }, reply: reply)
    }

    private static func head(_ changes: [(String, String)] = []) -> ScriptedTransport.Step {
        step("HEAD", path, meta(changes))
    }

    private static func post(
        _ reply: ScriptedTransport.Reply, _ headers: [(String, String)] = [("property-gw-uploaded", "True")]
    ) -> ScriptedTransport.Step { step("POST", "/v1.0/images/", reply, headers) }

    private static let unregister = step("DELETE", path, .answer(204, [], []))

    private static func run(
        _ operation: Operation, _ store: FakePithos, _ steps: [ScriptedTransport.Step],
        data: (any BodySource)? = nil, user: String? = "alice", marks: String? = "gw_", takesData: Bool = true
    ) async -> (result: Result<Outcome, Failure>, complaints: [String]) {
        let transport = ScriptedTransport(steps)
        var settings = PlanktonRegistrySettings()
        settings.markPrefix = marks
        let backend = PlanktonBackend(
            transport: transport, settings: settings, pithos: store, uploadContainer: takesData ? container : nil
        ).underContract()
        let request = BackendRequest(
            operation: operation, caller: Caller(token: "t", user: user), requestID: "req-1", data: data)
        do throws(Failure) {
            return (.success(try await backend.perform(request)), transport.complaints)
        } catch {
            return (.failure(error), transport.complaints)
        }
    }

    private static func creation(
        _ fields: [ImageField: FieldValue] = [:], source: DataSource = .body(length: 4), isActive: Bool = false
    ) -> Operation {
        var image = Image()
        image[.name] = .text("n")
        for (field, value) in fields { image[field] = value }
        return .createImage(ImageCreation(image: image, source: source, isActiveWhenEmpty: isActive))
    }

    private static func upload(_ fields: [ImageField: FieldValue] = [:]) -> Operation {
        var image = Image()
        for (field, value) in fields { image[field] = value }
        return .updateImage(ImageUpdate(id: id, image: image, source: .body(length: nil)))
    }

    // MARK: Creating with data

    @Test func `data are put into the caller's account and registered`() async throws {
        let store = FakePithos()
        let (result, complaints) = await Self.run(
            Self.creation([.size: .integer(4), .checksum: .text(Self.checksum)]), store,
            [Self.post(Self.meta([("property-gw-uploaded", "True")]))], data: BytesBody(Self.data))
        #expect(result.image?.status == .active && result.image?.integer(.size) == 4 && complaints == [])
        #expect(result.image?.properties == Properties())
        #expect(store.log == ["put alice/gateway images t", "find alice/gateway images t"])
        let (location, stored) = try #require(store.objects.first)
        #expect(stored.data == Self.data && location.hasPrefix("pithos://alice/gateway%20images/n-"))
    }

    @Test(arguments: [
        ("a b/ü", "a_b___-"), ("..", "..-"),
        (String(repeating: "x", count: 300), String(repeating: "x", count: 64) + "-"),
    ])
    func `objects have fresh and plain names`(name: String, start: String) async throws {
        // The longest name is over the server's limit, which is found out before anything is put.
        let store = FakePithos()
        let (result, _) = await Self.run(
            Self.creation([.name: .text(name)]), store, [Self.post(Self.meta([("name", name)]))],
            data: BytesBody(Self.data))
        guard name.utf8.count < 256 else {
            #expect(result.failure?.kind == .badRequest && store.log == [])
            return
        }
        let location = try PithosLocation(#require(store.objects.keys.first))
        #expect(location.object.hasPrefix(start) && UUIDText.isCanonical(String(location.object.suffix(36))))
    }

    @Test(arguments: [
        [ImageField.size: FieldValue.integer(5)], [.checksum: .text("00000000000000000000000000000000")],
    ])
    func `data that are not what was announced leave nothing behind`(demand: [ImageField: FieldValue]) async {
        let store = FakePithos()
        let (result, complaints) = await Self.run(
            Self.creation(demand, source: .body(length: nil)), store, [],
            data: Pieces(Self.data, length: nil, fault: nil))
        #expect(result.failure?.kind == .badRequest && complaints == [] && store.objects.isEmpty)
    }

    @Test(arguments: [
        (BodyError.disconnected, Failure.Kind.clientDisconnected), (.timedOut, .clientTimedOut),
        (.tooLarge("limit"), .tooLarge),
    ])
    func `an upload that breaks off leaves nothing behind`(fault: BodyError, kind: Failure.Kind) async {
        let store = FakePithos()
        let (result, complaints) = await Self.run(
            Self.creation(), store, [], data: BrokenBody([1, 2], length: 4, fault: fault))
        #expect(result.failure?.kind == kind && complaints == [] && store.objects.isEmpty)
        #expect(store.log.last == "remove alice/gateway images t")
    }

    @Test(arguments: [
        (PithosFault.forbidden, Failure.Kind.forbidden), (.tokenRejected, .tokenRejected), (.tooLarge, .tooLarge),
        (.unavailable("x"), .unavailable), (.damaged("x"), .badGateway), (.timedOut("x"), .gatewayTimeout),
    ])
    func `a store that refuses registers nothing`(fault: PithosFault, kind: Failure.Kind) async {
        let store = FakePithos()
        store.fail("put", with: fault)
        let (result, complaints) = await Self.run(Self.creation(), store, [], data: BytesBody(Self.data))
        #expect(result.failure?.kind == kind && complaints == [])
    }

    @Test func `an object that cannot be registered is removed`() async {
        let store = FakePithos()
        let (result, complaints) = await Self.run(
            Self.creation(), store, [Self.post(Self.status(400))], data: BytesBody(Self.data))
        #expect(result.failure?.kind == .badRequest && complaints == [] && store.objects.isEmpty)
    }

    @Test func `what a lost answer registered is taken back by the object's id`() async {
        let store = FakePithos()
        let (result, complaints) = await Self.run(
            Self.creation(), store, [Self.post(.closed), Self.unregister], data: BytesBody(Self.data))
        #expect(result.failure?.kind == .badGateway && complaints == [] && store.objects.isEmpty)
    }

    @Test func `another size at the server than at the store is taken back`() async {
        let store = FakePithos()
        let (result, complaints) = await Self.run(
            Self.creation(), store, [Self.post(Self.meta([("size", "3")])), Self.unregister],
            data: BytesBody(Self.data))
        #expect(result.failure?.kind == .badGateway && complaints == [] && store.objects.isEmpty)
    }

    @Test func `data of somebody unknown have no account to go to`() async {
        let store = FakePithos()
        let (result, complaints) = await Self.run(
            Self.creation(), store, [], data: BytesBody(Self.data), user: nil)
        #expect(result.failure?.kind == .forbidden && complaints == [] && store.log == [])
    }

    @Test func `what the server cannot hold is refused before data are put`() async {
        let store = FakePithos()
        for field in [[ImageField.id: FieldValue.text(Self.id)], [.checksum: .text("no-md5")]] {
            let (result, complaints) = await Self.run(Self.creation(field), store, [], data: BytesBody(Self.data))
            #expect(result.failure?.kind == .badRequest && complaints == [] && store.log == [])
        }
    }

    @Test func `without a container data are refused, and the store still read`() async {
        let store = FakePithos()
        store.add(Self.location, Self.data)
        let (refused, _) = await Self.run(
            Self.creation(), store, [], data: BytesBody(Self.data), takesData: false)
        #expect(refused.failure?.kind == .notImplemented && store.log == [])
        let (read, complaints) = await Self.run(
            .downloadImage(id: Self.id), store, [Self.head()], takesData: false)
        guard case .success(.data) = read else {
            Issue.record("\(read)")
            return
        }
        #expect(complaints == [])
    }

    @Test func `capabilities tell whether data are taken`() {
        let transport = ScriptedTransport([])
        #expect(!PlanktonBackend(transport: transport).capabilities.takesData)
        #expect(!PlanktonBackend(transport: transport, pithos: FakePithos()).capabilities.takesData)
        let taking = PlanktonBackend(transport: transport, pithos: FakePithos(), uploadContainer: "c")
        #expect(taking.capabilities.takesData)
    }

    // MARK: Waiting for data

    @Test func `an image without data waits with an empty object`() async {
        let store = FakePithos()
        let marks = [
            ("property-gw-status", "queued"), ("property-gw-uploaded", "True"), ("property-gw-size", "4"),
            ("property-gw-checksum", Self.checksum),
        ]
        let (result, complaints) = await Self.run(
            Self.creation([.size: .integer(4), .checksum: .text(Self.checksum)], source: .none), store,
            [Self.post(Self.meta(marks + [("size", "0")]), marks)])
        #expect(result.image?.status == .queued && result.image?.integer(.size) == 4)
        #expect(result.image?.text(.checksum) == Self.checksum && complaints == [])
        #expect(store.objects.values.map(\.data) == [[]])
    }

    @Test func `nothing announced is nothing shown of the empty object`() async {
        let (result, complaints) = await Self.run(.showImage(id: Self.id), FakePithos(), [Self.head(Self.waiting)])
        #expect(result.image?.status == .queued && result.image?.integer(.size) == nil)
        #expect(result.image?.text(.checksum) == nil && complaints == [])
    }

    @Test func `an empty image that is complete does not wait`() async {
        let store = FakePithos()
        let (result, complaints) = await Self.run(
            Self.creation([.size: .integer(0)], source: .none, isActive: true), store,
            [Self.post(Self.meta([("size", "0"), ("property-gw-uploaded", "True")]))])
        #expect(result.image?.status == .active && result.image?.integer(.size) == 0 && complaints == [])
    }

    @Test func `without marks nothing can wait`() async {
        let store = FakePithos()
        let (result, complaints) = await Self.run(Self.creation(source: .none), store, [], marks: nil)
        #expect(result.failure?.kind == .forbidden && complaints == [] && store.log == [])
    }

    private static func filled(_ announced: [(String, String)] = []) -> [ScriptedTransport.Step] {
        [
            head(waiting + announced), head(waiting + announced + [("size", "4")]),
            step(
                "PUT", path, meta([("property-gw-uploaded", "True")]),
                [("property-gw-status", "")] + announced.map { ($0.0, "") }),
        ]
    }

    @Test func `data take the place of the empty object, then the mark goes`() async {
        let store = FakePithos()
        store.add(Self.location, [])
        let announced = [("property-gw-size", "4"), ("property-gw-checksum", Self.checksum)]
        let (result, complaints) = await Self.run(
            Self.upload(), store, Self.filled(announced), data: BytesBody(Self.data))
        #expect(result.image?.status == .active && result.image?.integer(.size) == 4 && complaints == [])
        #expect(store.objects[Self.location]?.data == Self.data)
    }

    @Test func `what is changed with the data is changed before`() async {
        let store = FakePithos()
        store.add(Self.location, [])
        var steps = Self.filled()
        steps.insert(Self.step("PUT", Self.path, Self.meta(Self.waiting), [("name", "other")]), at: 1)
        let (result, complaints) = await Self.run(
            Self.upload([.name: .text("other")]), store, steps, data: BytesBody(Self.data))
        #expect(result.image?.status == .active && complaints == [])
    }

    @Test func `data are demanded as they were announced`() async {
        let store = FakePithos()
        store.add(Self.location, [])
        let head = Self.head(Self.waiting + [("property-gw-checksum", String(repeating: "0", count: 32))])
        let (result, complaints) = await Self.run(
            Self.upload(), store, [head, head], data: Pieces(Self.data, length: nil, fault: nil))
        #expect(result.failure?.kind == .badRequest && complaints == [])
        #expect(store.objects[Self.location]?.data == [])
    }

    @Test func `an upload that breaks off leaves the image waiting`() async {
        let store = FakePithos()
        store.add(Self.location, [])
        let (result, complaints) = await Self.run(
            Self.upload(), store, [Self.head(Self.waiting), Self.head(Self.waiting)],
            data: BrokenBody([1, 2], length: nil))
        #expect(result.failure?.kind == .clientDisconnected && complaints == [])
        #expect(store.objects[Self.location]?.data == [])
    }

    @Test func `a mark that stays keeps the image waiting with an empty object`() async {
        let store = FakePithos()
        store.add(Self.location, [])
        let present = Self.head(Self.waiting + [("size", "4")])
        let (result, complaints) = await Self.run(
            Self.upload(), store,
            [
                Self.head(Self.waiting), present, Self.step("PUT", Self.path, Self.status(403)), present, present,
            ], data: BytesBody(Self.data))
        #expect(result.failure?.kind == .forbidden && complaints == [])
        #expect(store.objects[Self.location]?.data == [])
    }

    @Test func `a lost answer to the last call is no failure`() async {
        let store = FakePithos()
        store.add(Self.location, [])
        let (result, complaints) = await Self.run(
            Self.upload(), store,
            [
                Self.head(Self.waiting), Self.head(Self.waiting + [("size", "4")]),
                Self.step("PUT", Self.path, .closed), Self.head([("property-gw-uploaded", "True")]),
            ], data: BytesBody(Self.data))
        #expect(result.image?.status == .active && complaints == [])
        #expect(store.objects[Self.location]?.data == Self.data)
    }

    @Test func `data of an image that was deleted meanwhile are removed`() async {
        let store = FakePithos()
        store.add(Self.location, [])
        let gone = Self.step("HEAD", Self.path, Self.status(404))
        let (result, complaints) = await Self.run(
            Self.upload(), store, [Self.head(Self.waiting), gone, gone], data: BytesBody(Self.data))
        #expect(result.failure?.kind == .imageGone && complaints == [] && store.objects.isEmpty)
    }

    @Test func `an image that has its data takes no others`() async {
        let store = FakePithos()
        let (result, complaints) = await Self.run(
            Self.upload(), store, [Self.head()], data: BytesBody(Self.data))
        #expect(result.failure?.kind == .conflict && complaints == [] && store.log == [])
    }

    // MARK: Reading

    private static func bytes(_ body: any BodySource) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await body.next() { bytes += piece }
        return bytes
    }

    @Test func `data come from the store, as the caller`() async throws {
        let store = FakePithos()
        store.add(Self.location, Self.data)
        let (result, complaints) = await Self.run(.downloadImage(id: Self.id), store, [Self.head()])
        guard case .success(.data(let image, let body)) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(try await Self.bytes(body) == Self.data && image.integer(.size) == 4 && complaints == [])
        #expect(store.log == ["find alice/gateway images t", "open alice/gateway images t"])
    }

    @Test(arguments: [("bytes=1-2", 1..<3), ("bytes=2-", 2..<4), ("bytes=-9", 0..<4), ("bytes=3-99", 3..<4)])
    func `ranges come from the store`(text: String, range: Range<Int>) async throws {
        let store = FakePithos()
        store.add(Self.location, Self.data)
        let (result, complaints) = await Self.run(
            .downloadImage(id: Self.id, range: DataRange(text)), store, [Self.head()])
        guard case .success(.part(_, let body, let part)) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(try await Self.bytes(body) == Array(Self.data[range]) && complaints == [])
        #expect(part == Int64(range.lowerBound)..<Int64(range.upperBound))
    }

    @Test func `a range outside is never asked of the store`() async {
        let store = FakePithos()
        store.add(Self.location, Self.data)
        let (result, _) = await Self.run(
            .downloadImage(id: Self.id, range: DataRange("bytes=4-")), store, [Self.head()])
        #expect(result.failure?.kind == .rangeNotSatisfiable && store.log == ["find alice/gateway images t"])
    }

    @Test(arguments: [
        (PithosFault.notFound, Failure.Kind.noData), (.forbidden, .forbidden), (.tokenRejected, .tokenRejected),
        (.unavailable("x"), .unavailable), (.damaged("x"), .badGateway),
    ])
    func `a store that gives no data says why`(fault: PithosFault, kind: Failure.Kind) async {
        for call in ["find", "open"] {
            let store = FakePithos()
            store.add(Self.location, Self.data)
            store.fail(call, with: fault)
            let (result, complaints) = await Self.run(.downloadImage(id: Self.id), store, [Self.head()])
            #expect(result.failure?.kind == kind && complaints == [])
        }
    }

    @Test func `an image that waits has no data`() async {
        let store = FakePithos()
        let (result, complaints) = await Self.run(.downloadImage(id: Self.id), store, [Self.head(Self.waiting)])
        #expect(result.failure?.kind == .noData && complaints == [] && store.log == [])
    }

    // MARK: Deleting

    @Test(arguments: [
        ([("property-gw-uploaded", "True")], true), (waiting, true), ([], false),
        ([("property-gw-uploaded", "True"), ("location", "pithos://alice/images/" + object)], false),
        ([("property-gw-uploaded", "True"), ("location", "pithos://alice/gateway%20images/mine.img")], false),
    ])
    func `only objects of the gateway's own go with their images`(
        fields: [(String, String)], goes: Bool
    ) async {
        let store = FakePithos()
        let location = fields.last { $0.0 == "location" }?.1 ?? Self.location
        store.add(location, Self.data)
        let (result, complaints) = await Self.run(
            .deleteImage(id: Self.id), store, [Self.head(fields), Self.unregister])
        #expect(result.failure == nil && complaints == [] && store.objects.isEmpty == goes)
    }

    @Test func `an object stays when its image does`() async {
        let store = FakePithos()
        store.add(Self.location, Self.data)
        let (result, complaints) = await Self.run(
            .deleteImage(id: Self.id), store,
            [Self.head([("property-gw-uploaded", "True")]), Self.step("DELETE", Self.path, Self.status(403))])
        #expect(result.failure?.kind == .forbidden && complaints == [] && store.log == [])
    }
}
