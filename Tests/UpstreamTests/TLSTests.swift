import EventLoop
import Foundation
import HTTP
import Posix
import Testing
import Upstream

/// https by libcurl, against the openssl command's own file server.
@Suite(.serialized) struct TLSTests {
    @Test func `a certificate of the given authority is trusted, any other is not`() async throws {
        let text = String(repeating: "plankton ", count: 20_000)
        try await withServer("-WWW", file: text) { server in
            let url = try #require(UpstreamURL("https://127.0.0.1:\(server.port)"))
            var tuning = UpstreamTuning()
            tuning.caFile = server.caFile
            let trusting = UpstreamEndpoint(url: url, tuning: tuning)
            #expect(trusting.kind == .curl)
            let reply = try await trusting.send(UpstreamCall(method: "GET", target: "/file.txt"))
            #expect(String(decoding: try await reply.body.readAll(), as: UTF8.self) == text)
            await expectNoTrust(UpstreamEndpoint(url: url))
        }
    }

    @Test func `a pinned address still has to show the certificate of the name`() async throws {
        try await withServer("-WWW", file: "ok") { server in
            var tuning = UpstreamTuning()
            tuning.caFile = server.caFile
            tuning.pinnedAddresses = [.v4(0x7f00_0001, port: server.port)]
            let named = try #require(UpstreamURL("https://images.invalid:\(server.port)"))
            let reply = try await UpstreamEndpoint(url: named, tuning: tuning).send(
                UpstreamCall(method: "GET", target: "/file.txt"))
            #expect(String(decoding: try await reply.body.readAll(), as: UTF8.self) == "ok")
            let other = try #require(UpstreamURL("https://other.invalid:\(server.port)"))
            await expectNoTrust(UpstreamEndpoint(url: other, tuning: tuning))
        }
    }

    @Test func `a fetch does not leave https`() async throws {
        let answer = "HTTP/1.1 302 Found\r\nLocation: http://images.invalid/image\r\nContent-Length: 0\r\n\r\n"
        try await withServer("-HTTP", file: answer) { server in
            var limits = GuardedFetch.Limits()
            limits.caFile = server.caFile
            let fetch = GuardedFetch(policy: Pinning(port: server.port), limits: limits)
            let error = await #expect(throws: FetchError.self) {
                try await fetch.open("https://images.invalid:\(server.port)/file.txt")
            }
            #expect(error == .badRedirection("it leaves https"))
        }
    }

    /// Leads every URL to the test's server.
    private struct Pinning: FetchPolicy {
        let port: UInt16

        func approve(_ url: String) async throws(FetchRefusal) -> FetchTarget {
            guard let origin = UpstreamURL("https://images.invalid:\(port)") else { throw FetchRefusal("no URL") }
            return FetchTarget(origin: origin, target: "/file.txt", addresses: [.v4(0x7f00_0001, port: port)])
        }
    }

    private struct FileServer: Sendable {
        let port: UInt16
        let caFile: String
    }

    private func expectNoTrust(
        _ endpoint: UpstreamEndpoint, at place: SourceLocation = #_sourceLocation
    ) async {
        let error = await #expect(throws: TransportError.self, sourceLocation: place) {
            try await endpoint.send(UpstreamCall(method: "GET", target: "/file.txt"))
        }
        guard case .tlsFailed? = error else {
            Issue.record("trusted: \(String(describing: error))", sourceLocation: place)
            return
        }
    }

    /// Runs a test on a loop beside `openssl s_server`, whose certificate is that of 127.0.0.1, localhost and images.invalid.
    ///
    /// - Parameters:
    ///   - mode: `-WWW` sends the file as content, `-HTTP` as the whole answer.
    ///   - file: content of `/file.txt`.
    private func withServer(
        _ mode: String, file: String, _ body: @escaping @Sendable (FileServer) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        try directory.run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost,DNS:images.invalid,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem")
        try file.write(to: directory.url.appendingPathComponent("file.txt"), atomically: true, encoding: .utf8)
        let port = try freePort()
        let process = try directory.start(
            "openssl", "s_server", "-accept", "127.0.0.1:\(port)", "-cert", "cert.pem", "-key", "key.pem", mode,
            "-quiet")
        defer { process.terminate() }
        let group = try EventLoopGroup(loops: 1)
        defer { group.stop() }
        let loop = group.loops[0]
        for _ in 0..<100 where await loop.spawn({ await isListening(port) }).value == false {
            await loop.spawn { await pause(loop, .milliseconds(50)) }.value
        }
        let server = FileServer(port: port, caFile: directory.url.appendingPathComponent("cert.pem").path)
        let result: Result<Void, any Error> = await loop.spawn {
            do { return .success(try await body(server)) } catch { return .failure(error) }
        }.value
        try result.get()
    }

    private func freePort() throws -> UInt16 {
        let socket = try Socket.listen(on: .v4(0x7f00_0001, port: 0), reusePort: false)
        return try #require(Socket.localAddress(socket.raw)?.port)
    }
}

private func isListening(_ port: UInt16) async -> Bool {
    guard let stream = try? await SocketStream.connect(to: .v4(0x7f00_0001, port: port), timeout: .seconds(1)) else {
        return false
    }
    stream.close()
    return true
}

/// A directory that goes with its value, and commands run in it.
private final class TemporaryDirectory {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("upstream-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func run(_ command: String...) throws {
        let process = try launch(command)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    func start(_ command: String...) throws -> Process { try launch(command) }

    private func launch(_ command: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.currentDirectoryURL = url
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return process
    }
}
