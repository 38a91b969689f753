import Bytes
import Testing

@Suite struct JSONArrayStreamTests {
    /// Elements and other members of a text fed in pieces of these sizes, repeated.
    static func read(_ bytes: [UInt8], pieces sizes: [Int], limits: JSONLimits = .init()) throws(JSONError) -> (
        [JSONValue], JSONObject
    ) {
        var stream = JSONArrayStream(key: "images", limits: limits)
        var elements: [JSONValue] = []
        var at = 0
        var turn = 0
        while at < bytes.count {
            let end = min(bytes.count, at + max(1, sizes[turn % sizes.count]))
            elements += try stream.feed(Array(bytes[at..<end]))
            at = end
            turn += 1
        }
        return (elements, try stream.finish())
    }

    @Test func `elements and other members are the same however the text is cut`() throws {
        var generator = Xorshift(seed: 9)
        for _ in 0..<400 {
            var object = RandomJSON.object(&generator, depth: 2)
            object["images"] = nil
            let elements = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                RandomJSON.value(&generator, depth: 2)
            }
            var whole = object
            whole.members.insert(
                .init(key: "images", value: .array(elements)),
                at: Int.random(in: 0...object.members.count, using: &generator))
            for spaced in [false, true] {
                let bytes = JSONWriterTests.write(.object(whole), spaced: spaced)
                for sizes in [[bytes.count], [1], [3], [7, 1, 64]] {
                    let (read, others) = try Self.read(bytes, pieces: sizes)
                    #expect(read == elements)
                    #expect(others == object)
                }
            }
        }
    }

    @Test(arguments: [
        "", "{", "[]", "{\"images\": [1}", "{\"images\": [1,]}", "{\"images\": [,1]}", "{\"images\": [1 2]}",
        "{\"images\": [1], \"images\": []}",
        "{\"a\": 1, \"a\": 2, \"images\": []}", "{\"images\": []} x", "{\"images\": [{\"a\": 1, \"a\": 2}]}",
        "{\"images\": [{]}]}", "{\"images\": [\"a\nb\"]}",
        "{\"images\" []}", "{\"images\": [1],}", "{,}", "{\"images\": }", "{\"images\": []", "{\"images\": [tru]}",
        "{\"images\": 1, \"images\": []}", "{\"images\": [], \"images\": 1}",
        "{\"images\": []]", "{images: []}",
    ])
    func `a malformed text is refused however it is cut`(text: String) {
        let bytes = Array(text.utf8)
        for sizes in [[max(1, bytes.count)], [1], [2, 5]] {
            #expect(throws: JSONError.self) { try Self.read(bytes, pieces: sizes) }
        }
    }

    @Test func `a wanted member that is no array is one of the others`() throws {
        let (elements, others) = try Self.read(Array("{\"images\": null, \"b\": 12}".utf8), pieces: [4])
        #expect(elements.isEmpty)
        #expect(others == JSONObject(["images": .null, "b": .number("12")]))
    }

    @Test func `an element over the limit is refused before it is whole`() {
        let text = "{\"images\": [\"" + String(repeating: "x", count: 5_000)
        #expect { try Self.read(Array(text.utf8), pieces: [100], limits: JSONLimits(maxBytes: 1_000)) } throws: {
            ($0 as? JSONError)?.reason == .tooLarge
        }
        let brackets =
            "{\"images\": [" + String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000) + "]}"
        #expect { try Self.read(Array(brackets.utf8), pieces: [4_096]) } throws: {
            ($0 as? JSONError)?.reason == .tooDeep
        }
    }

    @Test func `the place of a fault counts from the beginning of the text`() {
        let bytes = Array("{\"images\": [1, 2, x]}".utf8)
        for sizes in [[100], [1], [5]] {
            #expect(throws: JSONError(.unexpectedByte, at: 18)) { try Self.read(bytes, pieces: sizes) }
        }
    }
}
