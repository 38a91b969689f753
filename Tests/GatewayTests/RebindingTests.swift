import Bytes
import EventLoop
import Posix
import Synchronization
import Testing
import Upstream

@testable import Gateway

/// The policy and the fetch together, over real sockets: what was judged is what is connected to.
@Suite struct RebindingTests {
    /// First the listed address, ever after the other one: an attacker's name server with no lifetime on its answers.
    @Test func `a name that resolves to another address the second time leads nowhere`() async throws {
        try await onLoop { loop in
            let (good, forbidden) = (try WebServer(loop, host: 0x7f00_0002), try WebServer(loop, host: 0x7f00_0001))
            defer { good.stop(); forbidden.stop() }
            let looks = Mutex(0)
            var policy = LocationPolicy(schemes: ["http"], allowsPrivate: false)
            policy.hosts = try [#require(HostRule("127.0.0.2"))]
            policy.lookUp = { _, port in
                let look = looks.withLock {
                    $0 += 1; return $0
                }
                return [.v4(look == 1 ? 0x7f00_0002 : 0x7f00_0001, port: look == 1 ? good.port : forbidden.port)]
            }
            let fetch = GuardedFetch(policy: policy)
            // One judgement is one look-up, and the connection needs none of its own.
            let body = try await fetch.open("http://rebinding.invalid/image")
            #expect(try await collect(body) == "image" && looks.withLock { $0 } == 1 && good.connections == 1)
            // The request was judged well; by the time of the fetch the name leads inside.
            looks.withLock { $0 = 0 }
            try await policy.check("http://rebinding.invalid/image")
            let error = await #expect(throws: FetchError.self) {
                try await fetch.open("http://rebinding.invalid/image")
            }
            guard case .refused? = error else { return #expect(Bool(false), "\(String(describing: error))") }
            #expect(forbidden.connections == 0 && good.connections == 1)
        }
    }

    @Test func `a name with one forbidden address among others is refused as a whole`() async throws {
        try await onLoop { loop in
            let (good, forbidden) = (try WebServer(loop, host: 0x7f00_0002), try WebServer(loop, host: 0x7f00_0001))
            defer { good.stop(); forbidden.stop() }
            var policy = LocationPolicy(schemes: ["http"], allowsPrivate: false)
            policy.hosts = try [#require(HostRule("127.0.0.2"))]
            policy.lookUp = { _, _ in
                [.v4(0x7f00_0002, port: good.port), .v4(0x7f00_0001, port: forbidden.port)]
            }
            await #expect(throws: FetchError.self) {
                try await GuardedFetch(policy: policy).open("http://two.invalid/")
            }
            #expect(good.connections == 0 && forbidden.connections == 0)
        }
    }

    @Test(arguments: [
        "http://127.0.0.1:PORT/", "//127.0.0.1:PORT/", "http://2130706433:PORT/", "http://0177.0.0.1:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/", "http://localhost:PORT/", "http://u@127.0.0.1:PORT/", "file:///etc/passwd",
        "http://127.0.0.2:PORT/", "gopher://127.0.0.1:PORT/", "http://0:PORT/", "http://127.0.0.1:PORT\\@127.0.0.2/",
    ])
    func `a redirection from a listed host is judged like any URL`(reference: String) async throws {
        try await onLoop { loop in
            let forbidden = try WebServer(loop, host: 0x7f00_0001)
            let text = reference.split(separator: "PORT", omittingEmptySubsequences: false).joined(
                separator: "\(forbidden.port)")
            let good = try WebServer(loop, host: 0x7f00_0002, redirection: text)
            defer { good.stop(); forbidden.stop() }
            var policy = LocationPolicy(schemes: ["http"], allowsPrivate: false)
            policy.hosts = try [#require(HostRule("127.0.0.2:\(good.port)"))]
            let error = await #expect(throws: FetchError.self) {
                try await GuardedFetch(policy: policy).open("http://127.0.0.2:\(good.port)/")
            }
            guard case .refused? = error else { return #expect(Bool(false), "\(String(describing: error))") }
            #expect(good.connections == 1 && forbidden.connections == 0)
        }
    }

    private func collect(_ body: any BodySource) async throws -> String {
        var bytes: [UInt8] = []
        while let piece = try await body.next() { bytes += piece }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Runs a test on a loop of its own.
func onLoop(_ body: @escaping @Sendable (EventLoop) async throws -> Void) async throws {
    let group = try EventLoopGroup(loops: 1)
    defer { group.stop() }
    let loop = group.loops[0]
    let result: Result<Void, any Error> = await loop.spawn {
        do { return .success(try await body(loop)) } catch { return .failure(error) }
    }.value
    try result.get()
}

/// Answers every request alike, and counts who connects. On one loop.
final class WebServer: @unchecked Sendable {
    private var listener: Listener?
    private(set) var connections = 0
    private(set) var requests: [String] = []
    /// What is answered; a test may change it.
    var answer: String
    /// Pause before the answer.
    var delay = Duration.zero

    /// - Parameter redirection: where every request is sent to; nil: the answer is `image`.
    init(_ loop: EventLoop, host: UInt32, redirection: String? = nil) throws {
        answer =
            redirection.map { "HTTP/1.1 302 Found\r\nLocation: \($0)\r\nContent-Length: 0\r\n\r\n" }
            ?? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nimage"
        listener = try Listener(on: .v4(host, port: 0), loop: loop) { [unowned self] stream in
            connections += 1
            // A connection may outlive the test that made its server.
            let server = self
            loop.spawn {
                guard let head = try? await stream.read(timeout: .seconds(5)) else { return }
                server.requests.append(String(decoding: head, as: UTF8.self))
                if server.delay > .zero { await Self.pause(loop, server.delay) }
                try? await stream.write(Array(server.answer.utf8))
                stream.close()
            }
        }
    }

    var port: UInt16 { listener?.address.port ?? 0 }

    func stop() { listener?.stop() }

    /// Waits on the loop's own timers.
    static func pause(_ loop: EventLoop, _ time: Duration) async {
        await withCheckedContinuation { (waiting: CheckedContinuation<Void, Never>) in
            LoopTimer(loop) { waiting.resume() }.arm(after: time)
        }
    }
}
