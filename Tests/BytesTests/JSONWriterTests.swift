import Bytes
import Testing

@Suite struct JSONWriterTests {
    static func write(_ value: JSONValue, ascii: Bool = false, spaced: Bool = false) -> [UInt8] {
        var writer = JSONWriter(ascii: ascii, spaced: spaced)
        writer.value(value)
        return writer.bytes
    }

    @Test func `what is written is read back the same, in every form`() throws {
        var generator = Xorshift(seed: 42)
        for _ in 0..<2_000 {
            let value = RandomJSON.value(&generator)
            for (ascii, spaced) in [(false, false), (true, false), (false, true), (true, true)] {
                let bytes = Self.write(value, ascii: ascii, spaced: spaced)
                #expect(try JSONReader.parse(bytes) == value)
                if ascii { #expect(bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F }) }
            }
        }
    }

    @Test func `the forms are those of Python's json module`() {
        let value = JSONValue.object(
            JSONObject(["a": .array([.integer(1), .null]), "é": .string("😀\u{7F}\n\u{1}"), "o": .object(JSONObject())]))
        #expect(
            String(decoding: Self.write(value, ascii: true, spaced: true), as: UTF8.self)
                == #"{"a": [1, null], "\u00e9": "\ud83d\ude00\u007f\n\u0001", "o": {}}"#)
        #expect(
            String(decoding: Self.write(value), as: UTF8.self)
                == "{\"a\":[1,null],\"é\":\"😀\u{7F}\\n\\u0001\",\"o\":{}}")
    }

    @Test func `a streaming caller may take the text between values`() {
        var writer = JSONWriter(spaced: true)
        var text: [UInt8] = []
        writer.beginObject()
        writer.key("images")
        writer.beginArray()
        for number in 0..<3 as Range<Int64> {
            writer.integer(number)
            text += writer.take()
        }
        writer.endArray()
        writer.key("first")
        writer.string("x")
        writer.endObject()
        text += writer.take()
        #expect(String(decoding: text, as: UTF8.self) == #"{"images": [0, 1, 2], "first": "x"}"#)
    }
}
