import Bytes
import Images
import Testing

@testable import Gateway

@Suite struct DocumentReaderTests {
    @Test func `a document is read whole up to its limit`() async throws {
        #expect(try await DocumentReader.read(BytesBody([]), limit: 0) == [])
        #expect(try await DocumentReader.read(ScriptedBody(["abc", "de"]), limit: 5) == Array("abcde".utf8))
        #expect(try await DocumentReader.read(ScriptedBody(["abcde"], length: 5), limit: 5) == Array("abcde".utf8))
    }

    @Test func `an announced length over the limit is refused unread`() async {
        let body = ScriptedBody(["abcdef"], length: 6)
        let failure = await #expect(throws: Failure.self) { try await DocumentReader.read(body, limit: 5) }
        #expect(failure?.kind == .tooLarge)
        #expect(failure?.message == "The request document is larger than 5 bytes")
        #expect(body.pulls == 0)
        let skipped = await #expect(throws: Failure.self) { try await DocumentReader.skip(body, limit: 5) }
        #expect(skipped?.kind == .tooLarge && body.pulls == 0)
    }

    @Test func `chunks are refused as soon as they are too many`() async {
        let body = ScriptedBody(["abc", "def", "ghi"])
        let failure = await #expect(throws: Failure.self) { try await DocumentReader.read(body, limit: 5) }
        #expect(failure?.kind == .tooLarge && body.pulls == 2)
        let skipped = ScriptedBody(["abc", "def", "ghi"])
        let other = await #expect(throws: Failure.self) { try await DocumentReader.skip(skipped, limit: 5) }
        #expect(other?.kind == .tooLarge && skipped.pulls == 2)
    }

    @Test func `skipping ends at the proven end`() async throws {
        let body = ScriptedBody(["abc", "de"])
        try await DocumentReader.skip(body, limit: 5)
        #expect(body.isRead)
    }

    @Test(arguments: [
        (BodyError.disconnected, Failure.Kind.clientDisconnected), (.cancelled, .clientDisconnected),
        (.failed("x"), .clientDisconnected), (.timedOut, .clientTimedOut), (.malformed("no size"), .badRequest),
        (.tooLarge("chunk line"), .tooLarge),
    ])
    func `a body that breaks off is the client's failure`(fault: BodyError, kind: Failure.Kind) async {
        let read = await #expect(throws: Failure.self) {
            try await DocumentReader.read(ScriptedBody(["{}"], fault: fault), limit: 100)
        }
        let skipped = await #expect(throws: Failure.self) {
            try await DocumentReader.skip(ScriptedBody(["{}"], fault: fault), limit: 100)
        }
        #expect(read?.kind == kind && skipped?.kind == kind)
    }
}
