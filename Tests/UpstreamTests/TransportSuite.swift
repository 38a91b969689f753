import Bytes
import EventLoop
import HTTP
import Testing
import Upstream

private let kinds: [UpstreamEndpoint.Kind] = [.direct, .curl]
private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/// What every transport promises, over real sockets.
@Suite(.serialized) struct TransportSuite {
    @Test(arguments: kinds)
    func `a call arrives as it was given and the connection is kept`(kind: UpstreamEndpoint.Kind) async throws {
        try await withTransport(kind, path: "/base") { connection in
            while true {
                _ = try await connection.readHead()
                try await connection.send(ok)
            }
        } _: { fixture in
            let fields = Fields([("X-Auth-Token", "t"), ("X-Empty", ""), ("accept", "application/json")])
            for _ in 0..<3 {
                let reply = try await fixture.endpoint.send(
                    UpstreamCall(method: "GET", target: "/v2/images?a=%20b", fields: fields))
                #expect(reply.status == 200)
                #expect(try await reply.body.readAll() == Array("ok".utf8))
            }
            #expect(fixture.server.connections.count == 1)
            let head = try #require(fixture.server.requests.first).lowercased()
            #expect(head.hasPrefix("get /base/v2/images?a=%20b http/1.1\r\n"))
            for line in ["host: 127.0.0.1:\(fixture.server.port)", "x-auth-token: t", "accept: application/json"] {
                #expect(head.contains("\r\n\(line)\r\n"))
            }
            #expect(head.contains("\r\nx-empty:"))
            for name in ["expect", "user-agent", "content-length", "transfer-encoding"] {
                #expect(!head.contains("\r\n\(name):"))
            }
        }
    }

    @Test(arguments: kinds, [true, false])
    func `sixty-four MiB go up whole`(kind: UpstreamEndpoint.Kind, isLengthKnown: Bool) async throws {
        let total = 64 << 20
        try await withTransport(kind, tuning: UpstreamTuning()) { connection in
            let head = try await connection.readHead()
            let sum = isLengthKnown ? try await connection.readBytes(total) : try await connection.readChunked()
            #expect(head.lowercased().contains("content-length: \(total)") == isLengthKnown)
            #expect(head.lowercased().contains("transfer-encoding: chunked") != isLengthKnown)
            connection.sum = sum
            try await connection.send("HTTP/1.1 204 No Content\r\n\r\n")
            _ = await connection.peerCloses()
        } _: { fixture in
            let body = PatternBody(total, known: isLengthKnown)
            let reply = try await fixture.endpoint.send(UpstreamCall(method: "PUT", target: "/x", body: body))
            #expect(reply.status == 204)
            #expect(try await reply.body.next() == nil)
            #expect(body.wasEndAsked)
            #expect(fixture.server.connections.first?.sum == body.sum)
        }
    }

    @Test(arguments: kinds, [true, false])
    func `sixty-four MiB come down whole`(kind: UpstreamEndpoint.Kind, isLengthKnown: Bool) async throws {
        let total = 64 << 20
        try await withTransport(kind, tuning: UpstreamTuning()) { connection in
            _ = try await connection.readHead()
            let body = PatternBody(total)
            if isLengthKnown {
                try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            } else {
                try await connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            }
            while let piece = try await body.next() {
                if isLengthKnown {
                    try await connection.stream.write(piece)
                } else {
                    let size = String(piece.count, radix: 16)
                    try await connection.stream.write(Array("\(size)\r\n".utf8) + piece + [13, 10])
                }
            }
            connection.sum = body.sum
            if !isLengthKnown { try await connection.send("0\r\n\r\n") }
            _ = try await connection.readHead()
            try await connection.send(ok)
            _ = await connection.peerCloses()
        } _: { fixture in
            let reply = try await fixture.get()
            #expect(reply.body.length == (isLengthKnown ? Int64(total) : nil))
            var sum = Sum()
            while let piece = try await reply.body.next() { sum.add(piece[...]) }
            #expect(sum.count == total)
            try await fixture.expectOK()
            #expect(fixture.server.connections.first?.sum == sum)
            #expect(fixture.server.connections.count == 1)
        }
    }

    @Test(arguments: kinds)
    func `an unread download holds the upstream back`(kind: UpstreamEndpoint.Kind) async throws {
        try await withTransport(kind, tuning: UpstreamTuning()) { connection in
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
            while true { try await connection.stream.write([UInt8](repeating: 1, count: 65536)) }
        } _: { fixture in
            let reply = try await fixture.get()
            _ = try await reply.body.next()
            await pause(fixture.loop, .milliseconds(150))
            let before = fixture.server.connections[0].stream.sentBytes
            await pause(fixture.loop, .milliseconds(150))
            #expect(fixture.server.connections[0].stream.sentBytes == before)
            #expect(before < 16 << 20)
            reply.body.cancel()
            await pause(fixture.loop, .milliseconds(50))
            #expect(fixture.server.connections[0].stream.isClosed)
        }
    }

    @Test(arguments: kinds)
    func `a kept connection that died is replaced for a GET`(kind: UpstreamEndpoint.Kind) async throws {
        try await withTransport(kind) { connection in
            _ = try await connection.readHead()
            try await connection.send(ok)
            if connection.number == 1 {
                // Read the second request and die on it: nobody could have seen that coming.
                _ = try await connection.readHead()
                return
            }
            _ = await connection.peerCloses()
        } _: { fixture in
            try await fixture.expectOK()
            try await fixture.expectOK()
            #expect(fixture.server.connections.count == 2)
        }
    }

    @Test(arguments: kinds)
    func `an upstream that closes after every few answers costs no GET`(kind: UpstreamEndpoint.Kind) async throws {
        try await withTransport(kind) { connection in
            for _ in 0...(connection.number % 5) {
                _ = try await connection.readHead()
                try await connection.send(ok)
            }
        } _: { fixture in
            let tasks = (0..<8).map { _ in
                fixture.loop.spawn {
                    var failures = 0
                    for _ in 0..<100 {
                        let call = UpstreamCall(method: "GET", target: "/x")
                        if await fixture.failure(call) != nil { failures += 1 }
                    }
                    return failures
                }
            }
            for task in tasks { #expect(await task.value == 0) }
        }
    }

    @Test(arguments: kinds)
    func `a write is never sent twice`(kind: UpstreamEndpoint.Kind) async throws {
        try await withTransport(kind) { connection in
            _ = try await connection.readHead()
            if fixtureIsWrite(connection) { return }
            try await connection.send(ok)
            _ = try await connection.readHead()
        } _: { fixture in
            try await fixture.expectOK()
            let failure = await fixture.failure(
                UpstreamCall(method: "POST", target: "/x", body: BytesBody(Array("{}".utf8))))
            #expect(failure as? TransportError == .closed(sentAnything: true))
            #expect(fixture.server.requests.filter { $0.hasPrefix("POST") }.count == 1)
        }
    }

    @Test(arguments: kinds)
    func `a fresh connection that dies is not tried again`(kind: UpstreamEndpoint.Kind) async throws {
        try await withTransport(kind) { connection in
            _ = try await connection.readHead()
        } _: { fixture in
            let failure = await fixture.failure(UpstreamCall(method: "GET", target: "/x"))
            #expect(failure as? TransportError == .closed(sentAnything: true))
            #expect(fixture.server.requests.count == 1)
        }
    }

    @Test(arguments: kinds, [413, 403])
    func `an early refusal ends the upload and is handed on`(kind: UpstreamEndpoint.Kind, status: Int) async throws {
        try await withTransport(kind, tuning: UpstreamTuning()) { connection in
            _ = try await connection.readHead()
            _ = try await connection.readBytes(1000)
            try await connection.send("HTTP/1.1 \(status) No\r\nContent-Length: 4\r\n\r\nfull")
            _ = await connection.peerCloses(within: .seconds(5))
        } _: { fixture in
            let body = PatternBody(1 << 30)
            let reply = try await fixture.endpoint.send(UpstreamCall(method: "PUT", target: "/x", body: body))
            #expect(reply.status == status)
            #expect(try await reply.body.readAll() == Array("full".utf8))
            #expect(body.given < 64 << 20)
            await pause(fixture.loop, .milliseconds(50))
            #expect(fixture.server.connections[0].stream.isClosed)
        }
    }

    @Test(arguments: kinds)
    func `success before the whole body is no success`(kind: UpstreamEndpoint.Kind) async throws {
        try await withTransport(kind) { connection in
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 204 No Content\r\n\r\n")
            _ = await connection.peerCloses(within: .seconds(5))
        } _: { fixture in
            let failure = await fixture.failure(
                UpstreamCall(method: "PUT", target: "/x", body: PatternBody(1 << 30)))
            #expect(failure is TransportError)
        }
    }

    @Test(arguments: kinds, [true, false])
    func `a body that fails never completes the request`(kind: UpstreamEndpoint.Kind, isLengthKnown: Bool) async throws
    {
        try await withTransport(kind) { connection in
            _ = try await connection.readHead()
            if isLengthKnown {
                connection.sum = try await connection.readBytes(1 << 20)
            } else {
                connection.sum = try await connection.readChunked()
            }
            try await connection.send(ok)
        } _: { fixture in
            let body = PatternBody(1 << 20, known: isLengthKnown, failsAt: 1 << 20)
            let failure = await fixture.failure(UpstreamCall(method: "PUT", target: "/x", body: body))
            #expect(failure as? TransportError == .clientBody(.disconnected))
            await pause(fixture.loop, .milliseconds(50))
            #expect(fixture.server.connections[0].sum == nil)
        }
    }

    @Test(arguments: kinds)
    func `cancelling the task closes the upstream call`(kind: UpstreamEndpoint.Kind) async throws {
        try await withTransport(kind, tuning: UpstreamTuning()) { connection in
            _ = try await connection.readHead()
            connection.didPeerClose = await connection.peerCloses()
        } _: { fixture in
            let task = fixture.loop.spawn { await fixture.failure(UpstreamCall(method: "GET", target: "/x")) }
            await pause(fixture.loop, .milliseconds(50))
            task.cancel()
            #expect(await task.value as? TransportError == .cancelled)
            await pause(fixture.loop, .milliseconds(50))
            #expect(fixture.server.connections[0].didPeerClose)
        }
    }

    @Test(arguments: kinds)
    func `HEAD answers keep their length and the connection`(kind: UpstreamEndpoint.Kind) async throws {
        try await withTransport(kind) { connection in
            while true {
                _ = try await connection.readHead()
                try await connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Length: 77\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n")
            }
        } _: { fixture in
            for _ in 0..<2 {
                let reply = try await fixture.get(method: "HEAD")
                #expect(reply.fields["content-length"] == "77")
                #expect(reply.fields["x-hop"] == nil)
                #expect(reply.fields["connection"] == nil)
                #expect(try await reply.body.next() == nil)
            }
            #expect(fixture.server.connections.count == 1)
        }
    }

    @Test(arguments: kinds)
    func `connections are bounded and calls wait their turn`(kind: UpstreamEndpoint.Kind) async throws {
        var tuning = quickTuning()
        tuning.maxConnections = 2
        tuning.maxWaiting = 3
        tuning.timeouts.head = .seconds(5)
        try await withTransport(kind, tuning: tuning) { connection in
            while true {
                _ = try await connection.readHead()
                await connection.pause(.milliseconds(60))
                try await connection.send(ok)
            }
        } _: { fixture in
            let tasks = (0..<6).map { _ in
                fixture.loop.spawn { await fixture.failure(UpstreamCall(method: "GET", target: "/x")) }
            }
            var failures: [TransportError] = []
            for task in tasks {
                if let failure = await task.value as? TransportError { failures.append(failure) }
            }
            #expect(failures == [.overloaded])
            #expect(fixture.server.connections.count <= 2)
        }
    }

    @Test(arguments: kinds)
    func `a closed port is refused and a bad call is not sent`(kind: UpstreamEndpoint.Kind) async throws {
        try await withTransport(kind) { _ in
        } _: { fixture in
            let split = UpstreamCall(method: "GET", target: "/x", fields: Fields([("X-A", "a\r\nX-B: c")]))
            guard case .invalidCall? = await fixture.failure(split) as? TransportError else {
                return #expect(Bool(false), "a CRLF got through")
            }
            let smuggled = UpstreamCall(method: "GET", target: "/x", fields: Fields([("Content-Length", "4")]))
            guard case .invalidCall? = await fixture.failure(smuggled) as? TransportError else {
                return #expect(Bool(false), "a length got through")
            }
            fixture.server.stop()
            let refused = await fixture.failure(UpstreamCall(method: "GET", target: "/x"))
            guard case .connectFailed? = refused as? TransportError else {
                return #expect(Bool(false), "not refused")
            }
        }
    }
}

/// Whether the connection's last request was a POST.
private func fixtureIsWrite(_ connection: ServerConnection) -> Bool {
    connection.server.requests.last?.hasPrefix("POST") == true
}
