import Bytes
import EventLoop
import HTTP
import Posix
import Synchronization
import Testing

@testable import Upstream

/// Fetching for clients, over real sockets: names of the tests resolve to nothing but what the policy says.
@Suite struct GuardedFetchTests {
    @Test(arguments: [UpstreamEndpoint.Kind.direct, .curl])
    func `a pinned endpoint connects to the given address and calls the host by its name`(
        kind: UpstreamEndpoint.Kind
    ) async throws {
        try await withTransport(kind, script: ok) { fixture in
            var tuning = quickTuning()
            tuning.pinnedAddresses = [.v4(0x7f00_0001, port: fixture.server.port)]
            let url = try #require(UpstreamURL("http://images.invalid:\(fixture.server.port)"))
            let endpoint = UpstreamEndpoint(url: url, kind: kind, tuning: tuning)
            let reply = try await endpoint.send(UpstreamCall(method: "GET", target: "/x"))
            #expect(try await String(decoding: reply.body.readAll(), as: UTF8.self) == "ok")
            #expect(fixture.server.requests.last?.contains("Host: images.invalid:\(fixture.server.port)\r\n") == true)
        }
    }

    /// `localhost` resolves, and something listens there: still nothing is connected to.
    @Test(arguments: [UpstreamEndpoint.Kind.direct, .curl], ["localhost", "127.0.0.1"])
    func `a pinned endpoint connects nowhere else`(kind: UpstreamEndpoint.Kind, host: String) async throws {
        try await withTransport(kind, script: ok) { fixture in
            // A port of another loopback address, where nobody listens.
            for pinned in [[], [SocketAddress.v4(0x7f00_0003, port: fixture.server.port)]] {
                var tuning = quickTuning()
                tuning.pinnedAddresses = pinned
                let url = try #require(UpstreamURL("http://\(host):\(fixture.server.port)"))
                let endpoint = UpstreamEndpoint(url: url, kind: kind, tuning: tuning)
                await #expect(throws: TransportError.self) {
                    try await endpoint.send(UpstreamCall(method: "GET", target: "/x"))
                }
            }
            #expect(fixture.server.connections.isEmpty)
        }
    }

    @Test func `a fetch says nothing of who asks`() async throws {
        try await withTransport(.direct, script: ok) { fixture in
            let policy = NamedHosts(["a.invalid": fixture.server.port])
            let body = try await fetch(policy).open("http://a.invalid/image?signature=1#part")
            #expect(body.length == 2)
            #expect(try await body.readAll() == Array("ok".utf8))
            #expect(
                fixture.server.requests == [
                    "GET /image?signature=1 HTTP/1.1\r\nUser-Agent: baleen\r\nAccept: */*\r\nHost: a.invalid:\(fixture.server.port)\r\n\r\n"
                ])
        }
    }

    @Test(arguments: [
        ("http://b.invalid/image", "/image"), ("//b.invalid/image", "/image"), ("/other", "/other"),
        ("next", "/folder/next"),
        ("?q", "/folder/first?q"), ("image?q#x", "/folder/image?q"),
    ])
    func `redirections are followed in every form`(reference: String, target: String) async throws {
        try await withTransport(.direct, script: redirecting(from: "/folder/first", to: reference)) { fixture in
            let policy = NamedHosts(["a.invalid": fixture.server.port, "b.invalid": fixture.server.port])
            let body = try await fetch(policy).open("http://a.invalid/folder/first")
            #expect(try await body.readAll() == Array("ok".utf8))
            #expect(fixture.server.requests.last?.hasPrefix("GET \(target) HTTP/1.1\r\n") == true)
            #expect(policy.asked.withLock { $0.count } == 2, "judged anew")
            #expect(fixture.server.connections.count == 2, "connected anew")
        }
    }

    @Test(arguments: [
        "http://unlisted.invalid/", "file:///etc/passwd", "gopher://a.invalid/", "//127.0.0.1/", "http:x",
    ])
    func `redirections to what is refused end the fetch`(reference: String) async throws {
        try await withTransport(.direct, script: redirecting(from: "/first", to: reference)) { fixture in
            let policy = NamedHosts(["a.invalid": fixture.server.port])
            let error = await #expect(throws: FetchError.self) {
                try await fetch(policy).open("http://a.invalid/first")
            }
            #expect(error == .refused(FetchRefusal("unlisted")))
            #expect(fixture.server.connections.count == 1)
        }
    }

    @Test func `there are so many redirections and no more`() async throws {
        try await withTransport(.direct, script: redirecting(from: "/round", to: "/round")) { fixture in
            let policy = NamedHosts(["a.invalid": fixture.server.port])
            let error = await #expect(throws: FetchError.self) {
                try await fetch(policy).open("http://a.invalid/round")
            }
            #expect(error == .tooManyRedirections)
            #expect(fixture.server.connections.count == 1 + GuardedFetch.Limits().redirections)
        }
    }

    @Test(arguments: [
        ("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", FetchError.badRedirection("no single Location")),
        (
            "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
            .badRedirection("no single Location")
        ),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", .status(404)),
        ("HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\nx", .status(206)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", .tooLarge(1001)),
    ])
    func `only a whole 200 is data`(answer: String, expected: FetchError) async throws {
        try await withTransport(
            .direct,
            script: { connection in
                _ = try await connection.readHead()
                try await connection.send(answer)
            },
            { fixture in
                var limits = quickLimits()
                limits.bytes = 1000
                let policy = NamedHosts(["a.invalid": fixture.server.port])
                let error = await #expect(throws: FetchError.self) {
                    try await GuardedFetch(policy: policy, limits: limits).open("http://a.invalid/")
                }
                #expect(error == expected)
            })
    }

    @Test func `data are bounded in size and in patience`() async throws {
        try await withTransport(
            .direct,
            script: { connection in
                _ = try await connection.readHead()
                try await connection.send("HTTP/1.1 200 OK\r\n\r\n")
                for _ in 0..<20 {
                    try await connection.send("ten bytes.")
                    await connection.pause(.milliseconds(100))
                }
            },
            { fixture in
                let policy = NamedHosts(["a.invalid": fixture.server.port])
                var limits = quickLimits()
                limits.bytes = 25
                let large = try await GuardedFetch(policy: policy, limits: limits).open("http://a.invalid/")
                let tooLarge = await #expect(throws: BodyError.self) { try await large.readAll() }
                #expect(tooLarge == .tooLarge("fetched data, limit 25 bytes"))
                limits.bytes = 1000
                limits.rateGrace = .milliseconds(300)
                let slow = try await GuardedFetch(policy: policy, limits: limits).open("http://a.invalid/")
                let tooSlow = await #expect(throws: BodyError.self) { try await slow.readAll() }
                #expect(tooSlow == .timedOut)
            })
    }

    @Test func `dropping the body closes the connection`() async throws {
        try await withTransport(
            .direct,
            script: { connection in
                _ = try await connection.readHead()
                try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin")
                connection.didPeerClose = await connection.peerCloses()
            },
            { fixture in
                let policy = NamedHosts(["a.invalid": fixture.server.port])
                var body: (any BodySource)? = try await fetch(policy).open("http://a.invalid/")
                _ = try await body?.next()
                body = nil
                for _ in 0..<100 where fixture.server.connections.first?.didPeerClose != true {
                    await pause(fixture.loop, .milliseconds(20))
                }
                #expect(fixture.server.connections.first?.didPeerClose == true)
            })
    }

    private let ok: ScriptedServer.Script = { connection in
        while true {
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
    }
}

/// Redirects one target, answers every other with `ok`.
private func redirecting(from target: String, to reference: String) -> ScriptedServer.Script {
    { connection in
        while true {
            if try await connection.readHead().hasPrefix("GET \(target) ") {
                try await connection.send("HTTP/1.1 302 Found\r\nLocation: \(reference)\r\nContent-Length: 0\r\n\r\n")
            } else {
                try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
    }
}

private func quickLimits() -> GuardedFetch.Limits {
    var limits = GuardedFetch.Limits()
    limits.timeouts = quickTuning().timeouts
    return limits
}

private func fetch(_ policy: NamedHosts) -> GuardedFetch { GuardedFetch(policy: policy, limits: quickLimits()) }

/// Lets the test's names through, each with a port of loopback.
final class NamedHosts: FetchPolicy {
    private let ports: [String: UInt16]
    let asked = Mutex<[String]>([])

    init(_ ports: [String: UInt16]) { self.ports = ports }

    func approve(_ url: String) async throws(FetchRefusal) -> FetchTarget {
        asked.withLock { $0.append(url) }
        let rest = url.hasPrefix("http://") ? url.dropFirst(7) : ""
        let host = rest.prefix { $0 != "/" && $0 != ":" }
        guard let port = ports[String(host)], let origin = UpstreamURL("http://\(host):\(port)") else {
            throw FetchRefusal("unlisted")
        }
        let target = rest.drop { $0 != "/" }.prefix { $0 != "#" }
        return FetchTarget(origin: origin, target: String(target), addresses: [.v4(0x7f00_0001, port: port)])
    }
}
