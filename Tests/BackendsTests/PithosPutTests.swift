import Backends
import Bytes
import Dialects
import HTTP
import Images
import Synchronization
import Testing

@testable import Upstream

/// Putting objects into a scripted store (astakos-pithos §2.7).
@Suite struct PithosPutTests {
    /// Of unknown length, in pieces of three bytes.
    private final class Stream: BodySource {
        private var rest: ArraySlice<UInt8>
        private let fault: BodyError?
        var length: Int64? { nil }

        init(_ bytes: [UInt8], fault: BodyError? = nil) {
            rest = bytes[...]
            self.fault = fault
        }

        func next() async throws(BodyError) -> [UInt8]? {
            let piece = Array(rest.prefix(3))
            rest = rest.dropFirst(3)
            if piece.isEmpty, let fault { throw fault }
            return piece.isEmpty ? nil : piece
        }
    }

    private static func put(
        _ data: any BodySource, _ steps: [ScriptedTransport.Step], overwrites: Bool = false,
        settings: PithosClientSettings = PithosClientSettings()
    ) async throws -> (object: PithosObject?, fault: PithosFault?, complaints: [String]) {
        let transport = ScriptedTransport(steps)
        let location = try PithosFixture.location()
        let (object, fault) = await pithosResult { () async throws(PithosFault) in
            try await PithosClient(transport: transport, settings: settings)
                .put(data, at: location, overwrites: overwrites, token: "t")
        }
        return (object, fault, transport.complaints)
    }

    private static let known = PithosFixture.head(container: PithosFixture.blocks)

    private static func whole(
        _ text: String, _ reply: ScriptedTransport.Reply = .answer(201, [], []), overwrites: Bool = false,
        length: Int? = nil
    ) -> ScriptedTransport.Step {
        var step = PithosFixture.step("PUT", PithosFixture.path, reply)
        step.headers.append(("Content-Type", "application/octet-stream"))
        step.headers.append(("Content-Length", "\(length ?? text.utf8.count)"))
        if !overwrites { step.headers.append(("If-None-Match", "*")) }
        step.body = text
        return step
    }

    @Test func `data of known length are one call`() async throws {
        let result = try await Self.put(
            BytesBody(PithosFixture.data), [Self.known, Self.whole("abcdefghij"), PithosFixture.head()])
        #expect(result.object?.content.uuid == PithosFixture.uuid && result.complaints == [])
    }

    @Test func `overwriting asks for no condition`() async throws {
        let transport = RecordingTransport(
            ScriptedTransport([
                Self.known, Self.whole("abcdefghij", overwrites: true), PithosFixture.head(),
            ]))
        _ = try await PithosClient(transport: transport)
            .put(BytesBody(PithosFixture.data), at: PithosFixture.location(), overwrites: true, token: "t")
        #expect(transport.inner.complaints == [] && !transport.sawCondition)
    }

    @Test(arguments: [201, 202])
    func `a missing container is made first`(status: Int) async throws {
        let result = try await Self.put(
            BytesBody(PithosFixture.data),
            [
                PithosFixture.head(container: PithosFixture.status(404)),
                PithosFixture.step("PUT", PithosFixture.container, .answer(status, [], [])), Self.known,
                Self.whole("abcdefghij"), PithosFixture.head(),
            ])
        #expect(result.object != nil && result.complaints == [])
    }

    @Test(arguments: [
        (412, PithosFault.exists), (413, .tooLarge), (401, .tokenRejected), (403, .forbidden),
        (422, .damaged("the store received other data than were sent")), (500, .badGateway("status 500")),
        (200, .badGateway("status 200")),
    ])
    func `a refused object is no object`(status: Int, expected: PithosFault) async throws {
        let result = try await Self.put(
            BytesBody(PithosFixture.data), [Self.known, Self.whole("abcdefghij", PithosFixture.status(status))])
        #expect(result.fault == expected && result.complaints == [])
    }

    @Test(arguments: [
        ("Content-Length", "9"), ("X-Object-Hash", String(repeating: "0", count: 64)),
    ])
    func `what the store has must be what was put`(name: String, value: String) async throws {
        let result = try await Self.put(
            BytesBody(PithosFixture.data),
            [Self.known, Self.whole("abcdefghij"), PithosFixture.head(PithosFixture.described([(name, value)]))])
        #expect(result.fault?.failure.kind == .badGateway && result.complaints == [])
    }

    @Test func `data that fail are their sender's fault`() async throws {
        let step = PithosFixture.step("PUT", PithosFixture.path, .answer(201, [], []))
        let result = try await Self.put(
            BrokenBody(Array("abc".utf8), length: 10, fault: .timedOut), [Self.known, step])
        #expect(result.fault == .data(.timedOut) && result.fault?.failure.kind == .clientTimedOut)
    }

    // MARK: Blocks

    private static func leaf(_ text: String) throws -> String {
        Hex.encode(try PithosHash.leaf(Array(text.utf8), .sha256))
    }

    private static func block(_ text: String, _ reply: ScriptedTransport.Reply? = nil) throws -> ScriptedTransport.Step
    {
        let answer = ScriptedTransport.Reply.answer(202, [], Array("[\"\(try leaf(text))\"]".utf8))
        var step = PithosFixture.step("POST", PithosFixture.container + "?update&format=json", reply ?? answer)
        step.headers.append(("Content-Type", "application/octet-stream"))
        step.headers.append(("Content-Length", "\(text.utf8.count)"))
        step.body = text
        return step
    }

    private static func map(_ reply: ScriptedTransport.Reply = .answer(201, [], [])) throws -> ScriptedTransport.Step {
        var step = PithosFixture.step("PUT", PithosFixture.path + "?hashmap&format=json", reply)
        step.headers.append(("If-None-Match", "*"))
        let leaves = try ["abcd", "efgh", "ij"].map { JSONValue.string(try leaf($0)) }
        step.json = .object(JSONObject(["bytes": .integer(10), "hashes": .array(leaves)]))
        return step
    }

    @Test func `data of unknown length go block by block`() async throws {
        let result = try await Self.put(
            Stream(PithosFixture.data),
            [
                Self.known, try Self.block("abcd"), try Self.block("efgh"), try Self.block("ij"), try Self.map(),
                PithosFixture.head(),
            ])
        #expect(result.object != nil && result.complaints == [])
    }

    @Test func `data over the limit of one call go block by block`() async throws {
        var settings = PithosClientSettings()
        settings.maxWholeBytes = 9
        let result = try await Self.put(
            BytesBody(PithosFixture.data),
            [
                Self.known, try Self.block("abcd"), try Self.block("efgh"), try Self.block("ij"), try Self.map(),
                PithosFixture.head(),
            ], settings: settings)
        #expect(result.object != nil && result.complaints == [])
    }

    @Test(arguments: ["", "abc"])
    func `what fits into a block is one call after all`(text: String) async throws {
        let hash = try Self.leaf(text)
        let described = PithosFixture.described([
            ("Content-Length", "\(text.utf8.count)"), ("X-Object-Hash", hash), ("ETag", hash),
        ])
        let result = try await Self.put(
            Stream(Array(text.utf8)), [Self.known, Self.whole(text), PithosFixture.head(described)])
        #expect(result.object?.content.size == Int64(text.utf8.count) && result.complaints == [])
    }

    @Test func `a block whose answer was lost is sent again`() async throws {
        let result = try await Self.put(
            Stream(PithosFixture.data),
            [
                Self.known, try Self.block("abcd", .closed), try Self.block("abcd"), try Self.block("efgh"),
                try Self.block("ij"), try Self.map(), PithosFixture.head(),
            ])
        #expect(result.object != nil && result.complaints == [])
    }

    @Test func `a block received as another one is damaged`() async throws {
        let other = ScriptedTransport.Reply.answer(202, [], Array("[\"\(try Self.leaf("abcX"))\"]".utf8))
        let result = try await Self.put(Stream(PithosFixture.data), [Self.known, try Self.block("abcd", other)])
        #expect(result.fault?.failure.kind == .badGateway && result.complaints == [])
    }

    @Test func `blocks that the store lost are damage`() async throws {
        let result = try await Self.put(
            Stream(PithosFixture.data),
            [
                Self.known, try Self.block("abcd"), try Self.block("efgh"), try Self.block("ij"),
                try Self.map(.answer(409, [], Array("[]".utf8))),
            ])
        #expect(result.fault?.failure.kind == .badGateway && result.complaints == [])
    }

    @Test func `data of too many blocks are too large`() async throws {
        var settings = PithosClientSettings()
        settings.maxBlocks = 2
        let result = try await Self.put(
            Stream(PithosFixture.data), [Self.known, try Self.block("abcd"), try Self.block("efgh")],
            settings: settings)
        #expect(result.fault == .tooLarge && result.complaints == [])
    }

    // MARK: Removing

    @Test(arguments: [204, 404])
    func `an object that is not there is removed`(status: Int) async throws {
        let transport = ScriptedTransport([PithosFixture.step("DELETE", PithosFixture.path, .answer(status, [], []))])
        try await PithosClient(transport: transport).remove(PithosFixture.location(), token: "t")
        #expect(transport.complaints == [])
    }
}

/// Sees whether any call had a condition.
private final class RecordingTransport: Transport {
    let inner: ScriptedTransport
    private let seen = Mutex(false)

    init(_ inner: ScriptedTransport) { self.inner = inner }

    var sawCondition: Bool { seen.withLock { $0 } }

    func send(_ call: UpstreamCall) async throws(TransportError) -> UpstreamReply {
        if call.fields.contains("If-None-Match") { seen.withLock { $0 = true } }
        return try await inner.send(call)
    }
}
