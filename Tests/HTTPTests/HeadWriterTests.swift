import HTTP
import Testing

@Suite struct HeadWriterTests {
    @Test(arguments: ["a\r\nX-Injected: yes", "a\nb", "a\rb", "a\0b", "a\u{7f}b"])
    func `nothing that splits a message crosses`(value: String) {
        #expect(throws: HeadWriter.Refusal.self) {
            try HeadWriter.response(ResponseHead(status: 200, fields: Fields([("x", value)])))
        }
        #expect(throws: HeadWriter.Refusal.self) {
            try HeadWriter.response(ResponseHead(status: 200, fields: Fields([("x\(value)", "1")])))
        }
        #expect(throws: HeadWriter.Refusal.self) {
            try HeadWriter.request(method: "GET", target: "/\(value)", fields: Fields())
        }
        #expect(throws: HeadWriter.Refusal.self) {
            try HeadWriter.request(method: "GE\(value)", target: "/", fields: Fields())
        }
    }

    @Test func `what is written parses back to the same`() throws {
        let fields = Fields([("host", "h:1"), ("x-image-meta-name", "café ☃"), ("x-empty", "")])
        let bytes = try HeadWriter.request(method: "POST", target: "/v1/images?a=b", fields: fields)
        var parser = RequestParser()
        let head = try #require(try parser.parse(bytes))
        #expect(head.method == "POST" && head.target == "/v1/images?a=b" && parser.consumed == bytes.count)
        #expect(head.fields["x-image-meta-name"] == "café ☃" && head.fields["x-empty"] == "")
    }

    @Test func `dates are those of RFC 9110`() {
        #expect(HTTPDate.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.text(951_782_400) == "Tue, 29 Feb 2000 00:00:00 GMT")
    }
}

@Suite struct ResponseParserTests {
    static func framing(_ text: String, method: String = "GET") -> BodyLength? {
        var parser = ResponseParser()
        guard let head = try? parser.parse(Array(text.utf8)) else { return nil }
        return try? BodyLength.of(head, version: parser.version, method: method)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", BodyLength.length(5)),
        ("HTTP/1.1 200\r\n\r\n", .untilClose),
        ("HTTP/1.1 204 No Content\r\n\r\n", BodyLength.none),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .chunked),
    ])
    func `framing of a response`(text: String, expected: BodyLength) {
        #expect(Self.framing(text) == expected)
        #expect(Self.framing(text, method: "HEAD") == BodyLength.none)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 999 X\r\n\r\n", "HTTP/1.1 +20 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
    ])
    func `an odd response is refused`(text: String) {
        #expect(Self.framing(text) == nil)
    }
}
