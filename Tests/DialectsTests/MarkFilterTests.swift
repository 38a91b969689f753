import Bytes
import Testing

@testable import Dialects

@Suite struct MarkFilterTests {
    static let documents: [(before: String, after: String)] = [
        (#"{"name": "n", "size": 3}"#, #"{"name": "n", "size": 3}"#),
        (#"{"gw_id": "1", "name": "n"}"#, #"{"name": "n"}"#),
        (#"{"name": "n", "gw_id": "1"}"#, #"{"name": "n"}"#),
        (#"{"name": "n", "gw_id": "1", "size": 3}"#, #"{"name": "n", "size": 3}"#),
        (#"{"gw_a": "x", "gw_b": "}{\",", "gw_c": ["a", {"b": 1}]}"#, #"{}"#),
        (#"{"a": "1", "gw_a": "x", "gw_b": "\\"}"#, #"{"a": "1"}"#),
        (#"{"g": 1, "gw": 2, "gx_": 3, "": 4, "\"gw_": 5}"#, #"{"g": 1, "gw": 2, "gx_": 3, "": 4, "\"gw_": 5}"#),
        (#"{"a": "gw_value", "b": ["gw_x", "c"]}"#, #"{"a": "gw_value", "b": ["gw_x", "c"]}"#),
        (
            #"{"images": [{"gw_id": "1", "a": 1}, {"b": [1, 2], "gw_x": "y"}, {}], "next": "/v2"}"#,
            #"{"images": [{"a": 1}, {"b": [1, 2]}, {}], "next": "/v2"}"#
        ),
        (
            #"{"locations": [{"url": "u", "metadata": {"gw_deep": "kept"}}]}"#,
            #"{"locations": [{"url": "u", "metadata": {"gw_deep": "kept"}}]}"#
        ),
        ("[1, 2]", "[1, 2]"), ("\"gw_\"", "\"gw_\""), ("", ""), (#"{"gw_cut": "#, "{"),
    ]

    @Test(arguments: documents.indices, [1, 2, 3, 7, 1000])
    func `marks go and every other byte stays, however the document is cut`(index: Int, size: Int) {
        let (before, after) = Self.documents[index]
        var filter = MarkFilter(prefix: "gw_")
        var passed: [UInt8] = []
        var rest = Array(before.utf8)[...]
        while !rest.isEmpty {
            passed += filter.pass(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        passed += filter.finish()
        #expect(String(decoding: passed, as: UTF8.self) == after)
    }
}
