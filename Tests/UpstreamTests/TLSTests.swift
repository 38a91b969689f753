import EventLoop
import Foundation
import HTTP
import Posix
import Testing
import Upstream

/// https by libcurl, against the openssl command's own file server.
@Suite(.serialized) struct TLSTests {
    @Test func `a certificate of the given authority is trusted, any other is not`() async throws {
        let directory = try TemporaryDirectory()
        try directory.run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem",
            "-out", "cert.pem")
        let text = String(repeating: "plankton ", count: 20_000)
        try text.write(to: directory.url.appendingPathComponent("file.txt"), atomically: true, encoding: .utf8)
        let port = try freePort()
        let server = try directory.start(
            "openssl", "s_server", "-accept", "127.0.0.1:\(port)", "-cert", "cert.pem", "-key", "key.pem", "-WWW",
            "-quiet")
        defer { server.terminate() }

        let url = try #require(UpstreamURL("https://127.0.0.1:\(port)"))
        var tuning = UpstreamTuning()
        tuning.caFile = directory.url.appendingPathComponent("cert.pem").path
        let trusting = UpstreamEndpoint(url: url, tuning: tuning)
        let wary = UpstreamEndpoint(url: url)
        #expect(trusting.kind == .curl)

        let group = try EventLoopGroup(loops: 1)
        defer { group.stop() }
        let loop = group.loops[0]
        for _ in 0..<100 where await loop.spawn({ await isListening(port) }).value == false {
            await loop.spawn { await pause(loop, .milliseconds(50)) }.value
        }
        let fetched = await loop.spawn { () -> String? in
            guard let reply = try? await trusting.send(UpstreamCall(method: "GET", target: "/file.txt")) else {
                return nil
            }
            return (try? await reply.body.readAll()).map { String(decoding: $0, as: UTF8.self) }
        }.value
        #expect(fetched == text)
        let refused = await loop.spawn { () -> TransportError? in
            do throws(TransportError) {
                _ = try await wary.send(UpstreamCall(method: "GET", target: "/file.txt"))
                return nil
            } catch {
                return error
            }
        }.value
        guard case .tlsFailed? = refused else { return #expect(Bool(false), "trusted: \(String(describing: refused))") }
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
