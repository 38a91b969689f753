import HTTP
import Testing

@Suite struct ChunkedTests {
    /// The decoded text, or nil when the body is refused; `step` bytes at a time.
    static func decode(_ text: String, step: Int) -> (text: String, isDone: Bool, rest: Int)? {
        let bytes = Array(text.utf8)
        var decoder = ChunkedDecoder()
        var output: [UInt8] = []
        var start = 0
        while start < bytes.count, !decoder.isDone {
            let piece = Array(bytes[start..<min(start + step, bytes.count)])
            var position = 0
            guard let found = try? decoder.decode(piece, from: &position) else { return nil }
            output += found
            start += position
        }
        return (String(decoding: output, as: UTF8.self), decoder.isDone, bytes.count - start)
    }

    @Test(arguments: [
        ("4\r\nBODY\r\n4\r\nMARK\r\n0\r\n\r\n", "BODYMARK", 0),
        ("A;a=b;c=\"x;\\\"y\"\r\n0123456789\r\n000\r\n\r\nGET /", "0123456789", 5),
        ("1\r\nx\r\n0\r\nX-T: a\r\n\r\n", "x", 0),
        ("0\r\n\r\n", "", 0),
    ])
    func `a whole body comes out the same in any segments`(text: String, expected: String, rest: Int) throws {
        for step in 1...text.utf8.count {
            let result = try #require(Self.decode(text, step: step))
            #expect(result.text == expected && result.isDone && result.rest == rest)
        }
    }

    @Test(arguments: [
        "\r\n", "0x8\r\n", "+8\r\n", " 8\r\n", "8 \r\n", "8\n", "8\r\r\n", "8;\r\n", "8;a=\"b\r\n", "8 ext\r\n",
        "G\r\n",
        "10000000000000000\r\n", "FFFFFFFFFFFFFFFF\r\n", "8\r\nBODYMARK\n", "4\r\nBODYMARK\r\n", "8\r\nBODYMARKXX",
        "0\r\nnocolon\r\n\r\n", "0\r\nX : a\r\n\r\n", "0\r\nX: a\n\n",
    ])
    func `what is ambiguous is refused`(text: String) {
        #expect(Self.decode(text, step: text.utf8.count) == nil)
        #expect(Self.decode(text, step: 1) == nil)
    }

    @Test func `a body that stops early is not done`() throws {
        #expect(try #require(Self.decode("8\r\nBODYMARK\r\n", step: 3)).isDone == false)
        #expect(try #require(Self.decode("8\r\nBODY", step: 3)).isDone == false)
    }

    @Test func `extensions cost no more than their limit`() {
        let chunk = "1;" + String(repeating: "e", count: 1000) + "\r\nx\r\n"
        #expect(Self.decode(String(repeating: chunk, count: 40), step: 4096) == nil)
    }
}
