import Backends
import Bytes
import Dialects
import Images
import Testing

@testable import Upstream

/// Finding and reading objects of a scripted store (astakos-pithos §2.1, §2.2, §2.6).
@Suite struct PithosReadTests {
    // MARK: Finding

    @Test func `HEAD says what is there`() async throws {
        let transport = ScriptedTransport([PithosFixture.head()])
        let object = try await PithosClient(transport: transport).find(PithosFixture.location(), token: "t")
        var expected = try PithosFixture.object()
        expected.changed = Timestamp("1994-11-06T08:49:37Z")
        #expect(object == expected && transport.complaints == [])
    }

    @Test func `who is allowed is not the owner`() async throws {
        let transport = ScriptedTransport([
            PithosFixture.head(PithosFixture.described([("X-Object-Allowed-To", "read")]))
        ])
        #expect(try await !PithosClient(transport: transport).find(PithosFixture.location(), token: "t").isOwn)
    }

    @Test(arguments: [
        ("X-Object-Manifest", "images/part"), ("Available", "0"), ("Available", "-1"),
        ("Content-Type", "application/directory"), ("Content-Type", "Application/Directory; x=y"),
    ])
    func `what can be no image is not usable`(name: String, value: String) async throws {
        let transport = ScriptedTransport([PithosFixture.head(PithosFixture.described([(name, value)]))])
        let location = try PithosFixture.location()
        let (_, fault) = await pithosResult { () async throws(PithosFault) in
            try await PithosClient(transport: transport).find(location, token: "t")
        }
        guard case .unusable = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
        #expect(fault?.failure.kind == .badRequest)
    }

    @Test(arguments: ["Content-Length", "X-Object-UUID", "X-Object-Hash", "X-Object-Version"])
    func `an answer without what counts is none`(name: String) async throws {
        for value in [nil, ""] {
            let transport = ScriptedTransport([PithosFixture.head(PithosFixture.described([(name, value)]))])
            let location = try PithosFixture.location()
            let (_, fault) = await pithosResult { () async throws(PithosFault) in
                try await PithosClient(transport: transport).find(location, token: "t")
            }
            #expect(fault?.failure.kind == .badGateway)
        }
    }

    private static let faults: [(ScriptedTransport.Reply, PithosFault, Failure.Kind)] = [
        (PithosFixture.status(401), .tokenRejected, .tokenRejected),
        (PithosFixture.status(403), .forbidden, .locationNotFound),
        (PithosFixture.status(404), .notFound, .locationNotFound),
        (PithosFixture.status(413), .tooLarge, .tooLarge),
        (PithosFixture.status(500), .badGateway("status 500"), .badGateway),
        (PithosFixture.status(302), .badGateway("status 302"), .badGateway),
        (PithosFixture.status(503), .unavailable("status 503"), .unavailable),
        (PithosFixture.status(504), .timedOut("status 504"), .gatewayTimeout),
        (.fails(.timedOut(.head)), .timedOut("while head"), .gatewayTimeout),
        (.fails(.overloaded), .unavailable("too many calls wait for the store"), .unavailable),
        (.fails(.cancelled), .cancelled, .clientDisconnected),
    ]

    @Test(arguments: faults.indices)
    func `every refusal has its meaning`(index: Int) async throws {
        let (reply, expected, kind) = Self.faults[index]
        let transport = ScriptedTransport([PithosFixture.head(reply)])
        let location = try PithosFixture.location()
        let (_, fault) = await pithosResult { () async throws(PithosFault) in
            try await PithosClient(transport: transport).find(location, token: "t")
        }
        #expect(fault == expected && fault?.failure.kind == kind && transport.complaints == [])
        #expect(fault?.failure.kind != .unavailable || fault?.failure.retryAfter != nil)
    }

    @Test(arguments: [
        "pithos://../images/x", "pithos://alice/%2E%2E/x", "pithos://alice/images/a/../../../x", "pithos://a/b/.",
        "pithos://alice/" + String(repeating: "c", count: 257) + "/x",
        "pithos://alice/images/" + String(repeating: "x", count: 1025),
    ])
    func `names that lead elsewhere, or are too long, are not asked for`(text: String) async throws {
        let location = try PithosLocation(text)
        let transport = ScriptedTransport([])
        let (_, fault) = await pithosResult { () async throws(PithosFault) in
            try await PithosClient(transport: transport).find(location, token: "t")
        }
        #expect(fault?.failure.kind == .badRequest && transport.seen == [])
    }

    // MARK: Reading

    private static func read(
        _ steps: [ScriptedTransport.Step], _ object: PithosObject, range: Range<Int64>? = nil
    ) async -> (bytes: [UInt8], fault: PithosFault?, complaints: [String]) {
        let transport = ScriptedTransport(steps)
        let (opened, fault) = await pithosResult { () async throws(PithosFault) in
            try await PithosClient(transport: transport).open(object, range: range, token: "t")
        }
        guard let opened else { return ([], fault, transport.complaints) }
        let length = opened.length
        var bytes: [UInt8] = []
        do throws(BodyError) {
            while let piece = try await opened.next() { bytes += piece }
            #expect(length == Int64(bytes.count) && opened.length == 0)
        } catch {
            #expect(opened.fault != nil)
        }
        return (bytes, opened.fault, transport.complaints)
    }

    @Test func `a whole object is pinned and proven`() async throws {
        let result = await Self.read(
            [
                PithosFixture.head(container: PithosFixture.blocks),
                PithosFixture.get(.answer(200, [], PithosFixture.data)),
            ], try PithosFixture.object())
        #expect(result == (PithosFixture.data, nil, []))
    }

    @Test func `data of another hash never become complete`() async throws {
        let result = await Self.read(
            [
                PithosFixture.head(container: PithosFixture.blocks),
                PithosFixture.get(.answer(200, [], Array("abcdefghiX".utf8))),
            ], try PithosFixture.object())
        #expect(result.bytes.count < 10 && result.fault?.failure.kind == .badGateway && result.complaints == [])
    }

    @Test(arguments: ["5", "map-of-a-snapshot", String(repeating: "z", count: 64)])
    func `a hash that is none leaves the length to verify`(hash: String) async throws {
        let result = await Self.read(
            [
                PithosFixture.head(container: PithosFixture.blocks),
                PithosFixture.get(.answer(200, [], PithosFixture.data)),
            ], try PithosFixture.object(hash: hash))
        #expect(result == (PithosFixture.data, nil, []))
    }

    @Test func `a reader of another's object hashes by the object's own map`() async throws {
        let map = #"{"block_hash": "sha256", "block_size": 4, "bytes": 10, "hashes": []}"#
        let steps = [
            PithosFixture.head(container: PithosFixture.status(403)),
            PithosFixture.step("GET", PithosFixture.path + "?hashmap&format=json", .answer(200, [], Array(map.utf8))),
        ]
        let object = try PithosFixture.object(isOwn: false)
        let good = await Self.read(steps + [PithosFixture.get(.answer(200, [], PithosFixture.data))], object)
        #expect(good == (PithosFixture.data, nil, []))
        let wrong = await Self.read(steps + [PithosFixture.get(.answer(200, [], Array("0123456789".utf8)))], object)
        #expect(wrong.fault?.failure.kind == .badGateway)
    }

    @Test func `where nothing tells the block size the length is verified`() async throws {
        let result = await Self.read(
            [
                PithosFixture.head(container: PithosFixture.status(403)),
                PithosFixture.step("GET", PithosFixture.path + "?hashmap&format=json", PithosFixture.status(403)),
                PithosFixture.get(.answer(200, [], PithosFixture.data)),
            ], try PithosFixture.object(isOwn: false))
        #expect(result == (PithosFixture.data, nil, []))
    }

    @Test func `a reader who is refused the version asks for the same entity`() async throws {
        var plain = PithosFixture.step("GET", PithosFixture.path, .answer(200, [], PithosFixture.data))
        plain.headers.append(("If-Match", "\"\(PithosFixture.hash)\""))
        let result = await Self.read(
            [
                PithosFixture.head(container: PithosFixture.blocks), PithosFixture.get(PithosFixture.status(403)),
                PithosFixture.head(), plain,
            ], try PithosFixture.object(isOwn: false))
        #expect(result == (PithosFixture.data, nil, []))
    }

    @Test func `an object that changed meanwhile is not the one that was found`() async throws {
        let result = await Self.read(
            [
                PithosFixture.head(container: PithosFixture.blocks), PithosFixture.get(PithosFixture.status(403)),
                PithosFixture.head(PithosFixture.described([("X-Object-Version", "8")])),
            ], try PithosFixture.object(isOwn: false))
        #expect(result.fault?.failure.kind == .badGateway && result.complaints == [])
    }

    @Test(arguments: [0..<10, 2..<5, 9..<10, 4..<4])
    func `ranges have exact ends`(range: Range<Int>) async throws {
        let steps: [ScriptedTransport.Step] =
            switch range.count {
            case 10:
                [
                    PithosFixture.head(container: PithosFixture.blocks),
                    PithosFixture.get(.answer(200, [], PithosFixture.data)),
                ]
            case 0: []
            default:
                [
                    PithosFixture.get(
                        PithosFixture.part(range), range: "bytes=\(range.lowerBound)-\(range.upperBound - 1)")
                ]
            }
        let wanted = Int64(range.lowerBound)..<Int64(range.upperBound)
        let result = await Self.read(steps, try PithosFixture.object(), range: wanted)
        #expect(result == (Array(PithosFixture.data[range]), nil, []))
    }

    @Test func `a range beyond the object is never asked for`() async throws {
        let result = await Self.read([], try PithosFixture.object(), range: 5..<11)
        #expect(result.fault != nil && result.complaints == [])
    }

    private static let oddParts: [ScriptedTransport.Reply] = [
        .answer(200, [], PithosFixture.data), .answer(206, [], Array("cde".utf8)),
        .answer(206, [PithosFixture.contentRange(2..<6)], Array("cde".utf8)),
        .answer(206, [("Content-Range", "bytes 2-4/11")], Array("cde".utf8)),
        .answer(206, [PithosFixture.contentRange(2..<5)], Array("cd".utf8)),
    ]

    @Test(arguments: oddParts.indices)
    func `another range than asked for is refused`(index: Int) async throws {
        let result = await Self.read(
            [PithosFixture.get(Self.oddParts[index])], try PithosFixture.object(), range: 2..<5)
        #expect(result.bytes == [] && result.fault?.failure.kind == .badGateway && result.complaints == [])
    }

    // MARK: Resuming

    @Test(arguments: [BodyError.disconnected, .timedOut, nil])
    func `what breaks off is taken up again, within a block too`(fault: BodyError?) async throws {
        let result = await Self.read(
            [
                PithosFixture.head(container: PithosFixture.blocks),
                PithosFixture.get(.cut(200, [], Array("abc".utf8), of: 10, fault)),
                PithosFixture.get(
                    .cut(206, [PithosFixture.contentRange(3..<10)], Array("def".utf8), of: 7, fault),
                    range: "bytes=3-9"),
                PithosFixture.get(PithosFixture.part(6..<10), range: "bytes=6-9"),
            ], try PithosFixture.object())
        #expect(result == (PithosFixture.data, nil, []))
    }

    @Test func `a range is taken up again within itself`() async throws {
        let result = await Self.read(
            [
                PithosFixture.get(
                    .cut(206, [PithosFixture.contentRange(2..<8)], Array("cd".utf8), of: 6, .disconnected),
                    range: "bytes=2-7"),
                PithosFixture.get(PithosFixture.part(4..<8), range: "bytes=4-7"),
            ], try PithosFixture.object(), range: 2..<8)
        #expect(result == (Array("cdefgh".utf8), nil, []))
    }

    @Test func `after three resumptions it is damaged`() async throws {
        let again = PithosFixture.get(.closed, range: "bytes=3-9")
        let result = await Self.read(
            [
                PithosFixture.head(container: PithosFixture.blocks),
                PithosFixture.get(.cut(200, [], Array("abc".utf8), of: 10, .disconnected)), again, again, again,
            ], try PithosFixture.object())
        #expect(result.fault?.failure.kind == .badGateway && result.complaints == [])
        guard case .damaged = result.fault else {
            Issue.record("\(String(describing: result.fault))")
            return
        }
    }

    @Test(arguments: [(401, Failure.Kind.tokenRejected), (403, .locationNotFound), (404, .locationNotFound)])
    func `a refusal to go on is the end`(status: Int, kind: Failure.Kind) async throws {
        let result = await Self.read(
            [
                PithosFixture.head(container: PithosFixture.blocks),
                PithosFixture.get(.cut(200, [], Array("abc".utf8), of: 10, .disconnected)),
                PithosFixture.get(PithosFixture.status(status), range: "bytes=3-9"),
            ], try PithosFixture.object())
        #expect(result.fault?.failure.kind == kind && result.complaints == [])
    }

    @Test func `nothing is asked for again behind the last byte`() async throws {
        let result = await Self.read(
            [
                PithosFixture.head(container: PithosFixture.blocks),
                PithosFixture.get(.cut(200, [], PithosFixture.data, of: 10, .disconnected)),
            ], try PithosFixture.object())
        #expect(result == (PithosFixture.data, nil, []))
    }

    @Test(arguments: [9, 11])
    func `another length than found is refused`(length: Int64) async throws {
        let result = await Self.read(
            [
                PithosFixture.head(container: PithosFixture.blocks),
                PithosFixture.get(.cut(200, [], PithosFixture.data, of: length, nil)),
            ], try PithosFixture.object())
        #expect(result.bytes == [] && result.fault?.failure.kind == .badGateway && result.complaints == [])
    }

    @Test func `more data than announced are refused`() async throws {
        let result = await Self.read(
            [
                PithosFixture.head(container: PithosFixture.blocks),
                PithosFixture.get(.cut(200, [], PithosFixture.data + [1], of: nil, nil)),
            ], try PithosFixture.object())
        #expect(result.bytes.count < 10 && result.fault?.failure.kind == .badGateway)
    }
}
