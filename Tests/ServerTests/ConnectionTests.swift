import Server
import Synchronization
import Testing

@Suite struct ConnectionTests {
    static let host = "Host: a\r\n"

    @Test func `requests on one connection are answered in order`() async throws {
        let client = try await TestServer().client()
        client.send("GET /x HTTP/1.1\r\n\(Self.host)\r\nGET /empty HTTP/1.1\r\n\(Self.host)\r\n")
        client.send("PUT /echo HTTP/1.1\r\n\(Self.host)Connection: close\r\nContent-Length: 3\r\n\r\nabc")
        let text = client.readToEnd()
        let statuses = text.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
        #expect(statuses == ["404", "204", "200"])
        #expect(text.hasSuffix("Connection: close\r\n\r\nabc"))
        #expect(!text.contains("RESET"))
    }

    @Test func `a chunked body is decoded and a chunked answer ends with its last chunk`() async throws {
        let server = try await TestServer()
        let echo = server.client().send(
            "PUT /echo HTTP/1.1\r\n\(Self.host)Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
        )
        #expect(echo.readToEnd().hasSuffix("\r\n\r\nabcde"))
        let stream = server.client().send("GET /stream HTTP/1.1\r\n\(Self.host)Connection: close\r\n\r\n").readToEnd()
        #expect(stream.contains("Transfer-Encoding: chunked\r\n"))
        #expect(stream.hasSuffix("5\r\n01234\r\n5\r\n01234\r\n5\r\n01234\r\n0\r\n\r\n"))
    }

    @Test func `HTTP 1.0 gets no chunks`() async throws {
        let text = try await TestServer().client().send("GET /stream HTTP/1.0\r\n\r\n").readToEnd()
        #expect(!text.contains("chunked") && text.hasSuffix("\r\n\r\n012340123401234"))
    }

    @Test func `HEAD has the length and no body`() async throws {
        let text = try await TestServer().client()
            .send("HEAD /sized HTTP/1.1\r\n\(Self.host)Connection: close\r\n\r\n").readToEnd()
        #expect(text.contains("Content-Length: 15\r\n") && text.hasSuffix("\r\n\r\n"))
    }

    @Test func `data that ends before its length resets the connection`() async throws {
        let text = try await TestServer().client().send("GET /cut HTTP/1.1\r\n\(Self.host)\r\n").readToEnd()
        #expect(text.contains("Content-Length: 99") && text.hasSuffix("RESET"))
    }

    @Test func `a head that would split never leaves`() async throws {
        let text = try await TestServer().client().send("GET /bad HTTP/1.1\r\n\(Self.host)\r\n").readToEnd()
        #expect(!text.contains("b: c"))
        #expect(text.hasPrefix("HTTP/1.1 502"))
    }

    @Test func `100 Continue is sent when the body is wanted, and only then`() async throws {
        let server = try await TestServer()
        let head = "HTTP/1.1\r\n\(Self.host)Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        let wanted = server.client().send("PUT /echo \(head)")
        #expect(wanted.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
        #expect(wanted.send("abc").read(until: "abc").hasSuffix("abc"))
        let unwanted = server.client().send("PUT /nowhere \(head)")
        let text = unwanted.read(until: "no")
        #expect(text.hasPrefix("HTTP/1.1 404") && text.contains("Connection: close"))
    }

    @Test func `an unread small body is skipped, the next request is answered`() async throws {
        let client = try await TestServer().client()
        client.send(
            "PUT /x HTTP/1.1\r\n\(Self.host)Content-Length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        client.send("GET /empty HTTP/1.1\r\n\(Self.host)Connection: close\r\n\r\n")
        let statuses = client.readToEnd().split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
        #expect(statuses == ["404", "204"])
    }

    @Test func `a cut body is an error for the handler`() async throws {
        let client = try await TestServer().client()
        client.send("PUT /echo HTTP/1.1\r\n\(Self.host)Content-Length: 100\r\n\r\nabc").finishSending()
        #expect(client.readToEnd().hasPrefix("HTTP/1.1 400"))
    }

    @Test func `slow heads, silence and slow bodies end at their time`() async throws {
        var limits = ServerLimits()
        limits.requestHeader = .milliseconds(200)
        limits.keepAliveIdle = .milliseconds(200)
        limits.bodyIdle = .milliseconds(200)
        let server = try await TestServer(limits)
        #expect(server.client().readToEnd().hasPrefix("HTTP/1.1 408"))
        #expect(server.client().send("GET / HTT").readToEnd().hasPrefix("HTTP/1.1 408"))
        let kept = server.client().send("GET /empty HTTP/1.1\r\n\(Self.host)\r\n").readToEnd()
        #expect(kept.hasPrefix("HTTP/1.1 204") && !kept.contains("408"))
        let body = server.client().send("PUT /echo HTTP/1.1\r\n\(Self.host)Content-Length: 9\r\n\r\nabc").readToEnd()
        #expect(body.hasPrefix("HTTP/1.1 400") && body.contains("timedOut"))
    }

    @Test func `a drain finishes what runs and closes what idles`() async throws {
        let server = try await TestServer()
        let idle = server.client().send("GET /empty HTTP/1.1\r\n\(Self.host)\r\n")
        _ = idle.read(until: "\r\n\r\n")
        let busy = server.client().send(
            "PUT /echo HTTP/1.1\r\n\(Self.host)Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        _ = busy.read(until: "\r\n\r\n")
        await withCheckedContinuation { done in
            server.server.drain(hardLimit: .seconds(5)) { done.resume() }
            #expect(idle.readToEnd() == "")
            busy.send("abc")
            let text = busy.readToEnd()
            #expect(text.contains("Connection: close") && text.hasSuffix("abc"))
        }
    }

    @Test func `a drain answers a request that was on its way`() async throws {
        let server = try await TestServer()
        let client = server.client()
        let half = server.client().send("GET /empty HTTP/1.1\r\n")
        // Both are accepted before the drain begins: the third is answered.
        #expect(server.client().send("GET /empty HTTP/1.1\r\n\(Self.host)\r\n").read(until: "\r\n\r\n").contains("204"))
        server.server.drain(hardLimit: .seconds(10)) {}
        #expect(half.send("\(Self.host)\r\n").readToEnd().hasPrefix("HTTP/1.1 204"))
        let text = client.send("GET /empty HTTP/1.1\r\n\(Self.host)\r\n").readToEnd()
        #expect(text.hasPrefix("HTTP/1.1 204") && text.contains("Connection: close"))
    }

    @Test func `a client that leaves in the middle of an answer ends it`() async throws {
        let server = try await TestServer()
        let before = Stalled.cancellations.load(ordering: .relaxed)
        do {
            let client = server.client().send("GET /stalled HTTP/1.1\r\n\(Self.host)\r\n")
            #expect(client.read(until: "begin").contains("begin"))
        }
        for _ in 0..<500 where Stalled.cancellations.load(ordering: .relaxed) == before {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(Stalled.cancellations.load(ordering: .relaxed) == before + 1)
    }

    @Test(arguments: ["Transfer-Encoding: chunked\r\n\r\nzz\r\n", "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n"])
    func `a broken body stays broken`(rest: String) async throws {
        let text = try await TestServer().client().send("PUT /twice HTTP/1.1\r\n\(Self.host)\(rest)").readToEnd()
        let faults = text.split(separator: "\r\n\r\n").last?.split(separator: "|") ?? []
        #expect(faults.count == 2 && faults.first == faults.last)
    }
}
