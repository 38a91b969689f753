import HTTP
import Testing

@Suite struct RequestParserTests {
    static func parse(_ text: String, limits: HTTPLimits = HTTPLimits()) throws(HTTPParseError) -> RequestHead? {
        var parser = RequestParser(limits: limits)
        return try parser.parse(Array(text.utf8))
    }

    static func status(_ text: String) -> Int? {
        do throws(HTTPParseError) {
            guard let head = try parse(text) else { return nil }
            _ = try BodyLength.of(head)
            return 200
        } catch { return error.status }
    }

    @Test(arguments: [
        ("GET /v1/images HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("GET / HTTP/1.0\r\n\r\n", 200),
        ("GET http://a/x?y HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("GET / HTTP/1.1\r\nHost: [::1]:9292\r\n\r\n", 200),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0008\r\n\r\n", 200),
        ("PUT / HTTP/1.1\r\nHost: a\r\ntRaNsFeR-eNcOdInG: \tChUnKeD \r\n\r\n", 200),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", 400),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n X: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nTo\u{212a}en: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: +8\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 8, 8\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\nContent-Length: 8\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: , chunked\r\n\r\n", 400),
        ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        ("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ])
    func `one rule for every ambiguity`(text: String, status: Int) {
        #expect(Self.status(text) == status)
    }

    @Test func `the verdict does not depend on how the bytes are cut`() throws {
        let text = Array(
            "PUT /images/1?a=b HTTP/1.1\r\nHost: a\r\nX-Image-Meta-Name: caf\u{e9}\r\nContent-Length: 3\r\n\r\nabc".utf8
        )
        for step in 1...text.count {
            var parser = RequestParser()
            var end = 0
            var head: RequestHead?
            while head == nil, end < text.count {
                end = min(end + step, text.count)
                head = try parser.parse(Array(text[..<end]))
            }
            let parsed = try #require(head)
            #expect(parser.consumed == text.count - 3)
            #expect(parsed.path == "/images/1" && parsed.query == "a=b")
            #expect(parsed.fields["x-image-meta-name"] == "café")
        }
    }

    @Test func `sizes and counts are bounded by their limits`() {
        var limits = HTTPLimits()
        limits.startLineBytes = 100
        limits.headerSectionBytes = 200
        limits.fieldCount = 3
        func status(_ text: String) -> Int? {
            do throws(HTTPParseError) { return try Self.parse(text, limits: limits) == nil ? nil : 200 } catch {
                return error.status
            }
        }
        #expect(status("GET /" + String(repeating: "a", count: 200)) == 414)
        #expect(status("GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: 300)) == 431)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n") == 431)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\n\r\n") == 200)
    }
}
