import Bytes
import Testing

@Suite struct JSONReaderTests {
    static func parse(_ text: String) throws(JSONError) -> JSONValue { try JSONReader.parse(Array(text.utf8)) }

    @Test(arguments: [
        ("null", JSONValue.null), (" true\r\n", .boolean(true)), ("false", .boolean(false)), ("-0", .number("-0")),
        ("1.50e+07", .number("1.50e+07")), ("\"\"", .string("")), ("[]", .array([])), ("{ }", .object(JSONObject())),
        (#""a\/\"\\\b\f\n\r\t\u00e9\ud83d\ude00""#, .string("a/\"\\\u{8}\u{C}\n\r\té😀")),
        ("\"é\u{7F}😀\"", .string("é\u{7F}😀")),
        (
            "[1,[2, 3] , {\"a\":null}]",
            .array([.number("1"), .array([.number("2"), .number("3")]), .object(JSONObject(["a": .null]))])
        ),
    ])
    func `a well-formed text gives its value`(text: String, value: JSONValue) throws {
        #expect(try Self.parse(text) == value)
    }

    @Test(arguments: [
        ("", JSONError.Reason.endOfInput, 0), ("\u{FEFF}{}", .unexpectedByte, 0), ("nul", .endOfInput, 3),
        ("01", .badNumber, 1),
        ("1.", .endOfInput, 2), (".5", .unexpectedByte, 0), ("+1", .unexpectedByte, 0), ("1e", .endOfInput, 2),
        ("-", .endOfInput, 1),
        ("-a", .badNumber, 1), ("NaN", .unexpectedByte, 0), ("[1,]", .unexpectedByte, 3), ("[,1]", .unexpectedByte, 1),
        ("{\"a\":1,}", .unexpectedByte, 7),
        ("{a:1}", .unexpectedByte, 1), ("{'a':1}", .unexpectedByte, 1), ("{\"a\" 1}", .unexpectedByte, 5),
        ("1 2", .trailingBytes, 2),
        ("{}\0", .trailingBytes, 2), ("\"a", .endOfInput, 2), ("\"a\nb\"", .controlCharacter, 2),
        (#""\x""#, .badEscape, 1), (#""\u12"#, .endOfInput, 5),
        (#""\u12g4""#, .badEscape, 5), (#""\ud800""#, .loneSurrogate, 1), (#""\ud800\u0041""#, .loneSurrogate, 1),
        (#""\udc00""#, .loneSurrogate, 1), (#"{"a":1,"a":2}"#, .duplicateKey, 7),
        (#"{"a":1,"\u0061":2}"#, .duplicateKey, 7),
        ("[1 2]", .unexpectedByte, 3), ("tru]", .unexpectedByte, 3), ("// c\n1", .unexpectedByte, 0),
        ("1x", .badNumber, 1),
    ])
    func `a malformed text is refused with its place`(text: String, reason: JSONError.Reason, position: Int) {
        #expect(throws: JSONError(reason, at: position)) { try Self.parse(text) }
    }

    @Test func `bytes that are not UTF-8 are refused, escaped neighbours or not`() {
        for bytes: [UInt8] in [[0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xE2, 0x82]] {
            #expect(throws: JSONError(.notUTF8, at: 1)) { try JSONReader.parse([0x22] + bytes + [0x22]) }
            #expect(throws: JSONError(.notUTF8, at: 1)) { try JSONReader.parse([0x22, 0x5C, 0x6E] + bytes + [0x22]) }
        }
    }

    @Test func `a hundred thousand brackets are an error, not a stack overflow`() {
        for opening in ["[", "{\"a\":", "[{\"a\":"] {
            let text = String(repeating: opening, count: 100_000)
            #expect { try Self.parse(text) } throws: { ($0 as? JSONError)?.reason == .tooDeep }
        }
        #expect((try? Self.parse(String(repeating: "[", count: 64) + String(repeating: "]", count: 64))) != nil)
        #expect(
            (try? JSONReader.parse(
                Array((String(repeating: "[", count: 512) + String(repeating: "]", count: 512)).utf8),
                limits: JSONLimits(maxDepth: 100_000))) != nil)
    }

    @Test func `limits of size and count hold`() {
        #expect(throws: JSONError(.tooLarge, at: 4)) {
            try JSONReader.parse(Array("[1, 2]".utf8), limits: JSONLimits(maxBytes: 4))
        }
        #expect { try JSONReader.parse(Array("[1,2,3]".utf8), limits: JSONLimits(maxValues: 3)) } throws: {
            ($0 as? JSONError)?.reason == .tooManyValues
        }
    }

    @Test func `equal keys are found among many, and canonically equivalent ones are two`() throws {
        let many = (0..<5_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        #expect(try Self.parse("{\(many)}").object?.members.count == 5_000)
        #expect { try Self.parse("{\(many),\"k77\":0}") } throws: { ($0 as? JSONError)?.reason == .duplicateKey }
        let both = try Self.parse("{\"\u{E9}\":1,\"e\u{301}\":2}")
        #expect(both.object?["e\u{301}"]?.integer == 2)
    }

    @Test(arguments: [
        ("5", 5 as Int64?), ("-5", -5), ("5.0", nil), ("5e0", nil), ("9223372036854775807", .max),
        ("-9223372036854775808", .min), ("9223372036854775808", nil), ("1e400", nil),
    ])
    func `only integer texts that fit are integers`(text: String, value: Int64?) throws {
        #expect(try Self.parse(text).integer == value)
    }

    @Test func `no mutation of a text traps`() {
        var generator = Xorshift(seed: 7)
        let seed = Array(
            #"{"images": [{"id": "a\u00e9\ud83d\ude00", "size": -1.5e3, "tags": ["x", null, true]}], "next": "/v2"}"#
                .utf8)
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &generator)], at: place)
                }
            }
            if let value = try? JSONReader.parse(bytes) {
                var writer = JSONWriter()
                writer.value(value)
                #expect((try? JSONReader.parse(writer.bytes)) == value)
            }
        }
    }
}
