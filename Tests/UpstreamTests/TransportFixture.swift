import Bytes
import EventLoop
import HTTP
import Testing
import Upstream

/// What one test of the transport suite works with; everything runs on one loop.
struct TransportFixture: Sendable {
    let loop: EventLoop
    let server: ScriptedServer
    let endpoint: UpstreamEndpoint

    func get(_ target: String = "/x", method: String = "GET") async throws(TransportError) -> UpstreamReply {
        try await endpoint.send(UpstreamCall(method: method, target: target))
    }

    /// Status and whole body.
    func fetch(_ target: String = "/x") async throws -> (Int, String) {
        let reply = try await get(target)
        return (reply.status, String(decoding: try await reply.body.readAll(), as: UTF8.self))
    }

    func expectOK(_ place: SourceLocation = #_sourceLocation) async throws {
        let (status, text) = try await fetch()
        #expect(status == 200 && text == "ok", sourceLocation: place)
    }

    /// The error that a call gives; nil when it succeeds, body included.
    func failure(_ call: UpstreamCall) async -> (any Error)? {
        do {
            let reply = try await endpoint.send(call)
            _ = try await reply.body.readAll()
            return nil
        } catch {
            return error
        }
    }
}

extension BodySource {
    func readAll() async throws(BodyError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await next() { bytes += piece }
        return bytes
    }
}

/// Short time-outs, so that what waits forever fails soon.
func quickTuning() -> UpstreamTuning {
    var tuning = UpstreamTuning()
    tuning.timeouts = UpstreamTimeouts(
        connect: .milliseconds(500), head: .milliseconds(400), betweenBytes: .milliseconds(400))
    return tuning
}

/// Runs a test's body on a fresh loop with a scripted server and an endpoint before it.
func withTransport<Result: Sendable>(
    _ kind: UpstreamEndpoint.Kind, tuning: UpstreamTuning = quickTuning(), path: String = "",
    script: @escaping ScriptedServer.Script, _ body: @escaping @Sendable (TransportFixture) async throws -> Result
) async throws -> Result {
    let group = try EventLoopGroup(loops: 1)
    defer { group.stop() }
    let loop = group.loops[0]
    let result: Swift.Result<Result, any Error> = await loop.spawn {
        do {
            let server = try ScriptedServer(loop, script)
            defer { server.stop() }
            let url = try #require(UpstreamURL("http://127.0.0.1:\(server.port)\(path)"))
            let endpoint = UpstreamEndpoint(url: url, kind: kind, tuning: tuning)
            return .success(try await body(TransportFixture(loop: loop, server: server, endpoint: endpoint)))
        } catch {
            return .failure(error)
        }
    }.value
    return try result.get()
}

/// A body of any size made as it is pulled.
final class PatternBody: BodySource {
    private static let pattern = (0..<110_000).map { UInt8(truncatingIfNeeded: $0 % 65_521 &* 7 >> 3) }

    private let total: Int
    private let known: Bool
    private let failsAt: Int?
    private(set) var given = 0
    private(set) var sum = Sum()
    private(set) var wasEndAsked = false

    init(_ total: Int, known: Bool = true, failsAt: Int? = nil) {
        self.total = total
        self.known = known
        self.failsAt = failsAt
    }

    var length: Int64? { known ? Int64(total - given) : nil }

    func next() async throws(BodyError) -> [UInt8]? {
        if let failsAt, given >= failsAt { throw .disconnected }
        guard given < total else {
            wasEndAsked = true
            return nil
        }
        let count = min(40_000, total - given)
        let start = given % 65_521
        let piece = Array(Self.pattern[start..<(start + count)])
        given += count
        sum.add(piece[...])
        return piece
    }
}
