import Bytes
import HTTP
import Images
import Testing

@testable import Dialects

@Suite struct ImageV2RelayTests {
    static func request(
        _ method: String, _ path: String, mount: String = "", query: String? = nil,
        _ fields: [(String, String)] = [], framing: ClientRequest.Framing = .none
    ) -> ClientRequest {
        ClientRequest(
            head: RequestHead(method: method, target: mount + path, fields: Fields(fields)), path: path, query: query,
            mountPrefix: mount, publicURL: "http://gw:1", framing: framing, requestID: "req-1")
    }

    @Test(arguments: [
        ("", "/v2/images", "/v2/images"), ("/v2", "/images", "/v2/images"), ("/v2", "/", "/v2/"),
        ("/cloud/v2", "/images/a%20b", "/v2/images/a%20b"), ("/cloud", "/v2/tasks", "/v2/tasks"), ("", "/", "/"),
        ("/v2.3", "/images", "/v2.3/images"),
    ])
    func `the path at the registry is the client's, version and all`(mount: String, path: String, wanted: String) throws
    {
        let outline = try #require(try ImageV2Relay().outline(Self.request("GET", path, mount: mount, query: "a=%2F")))
        #expect(outline.target == wanted + "?a=%2F")
    }

    @Test(arguments: ["/v2/../admin", "/v2/%2e%2e/x", "/v2/images/.", "/v2/a%00b", "/v2/images/a%5Cb"])
    func `no path leads out of the registry's own`(path: String) {
        #expect(throws: Failure.self) { try ImageV2Relay().outline(Self.request("GET", path)) }
    }

    @Test func `fields pass by the list only, and never those that say who somebody is`() throws {
        let sent = [
            ("Accept", "a"), ("Range", "bytes=0-1"), ("X-Roles", "admin"), ("X-Custom", "c"), ("X-User-Id", "u"),
            ("Cookie", "k"), ("x-openstack-image-size", "3"),
        ]
        let relay = ImageV2Relay(passes: .init(request: ["x-custom", "x-roles"]))
        let outline = try #require(try relay.outline(Self.request("PUT", "/v2/images/i/file", sent)))
        #expect(outline.fields.map(\.name) == ["Accept", "Range", "X-Custom", "x-openstack-image-size"])
    }

    @Test func `an update by PUT becomes the PATCH that registries know`() throws {
        let outline = try #require(
            try ImageV2Relay().outline(
                Self.request("PUT", "/v2/images/i", [("Content-Type", "application/json")], framing: .length(2))))
        #expect(outline.method == "PATCH")
        #expect(outline.fields.map { String(decoding: $0.value, as: UTF8.self) } == [ImageV2Calls.patchType])
        #expect(outline.body == .inspected(limit: ImageV2Relay.maxDocument))
    }

    static let refused: [(document: String, decodes: Bool)] = [
        (#"{"name": "n", "gw_location": "x"}"#, true), (#"[{"op": "add", "path": "/gw_id", "value": "1"}]"#, true),
        (#"[{"add": "/gw_id", "value": "1"}]"#, true), ("{bad", true), (#"{"a": 1, "a": 2}"#, true),
        (#"{"method": {"name": "new-method", "uri": "http://169.254.169.254/"}}"#, false),
        (#"[{"op": "weird", "path": "/loc\u0061tions/-", "value": {"url": "http://h"}}]"#, false),
        (#"[{"op": "add", "path": "/ locations /-", "value": "http://h"}]"#, false),
        (#"[{"add": "/locations/-", "value": {"metadata": {}}}]"#, false), (#"{"locations": ["http://h"]}"#, false),
    ]

    @Test(arguments: refused.indices)
    func `documents that name marks or unjudged addresses do not leave`(index: Int) {
        let (document, decodes) = Self.refused[index]
        #expect(throws: Failure.self) { try Self.inspect(document, decodes: decodes) }
    }

    @Test(arguments: [
        #"[{"op": "move", "path": "/q", "from": "/a"}]"#, #"["x"]"#, #"{"size": 5}"#, #""x""#,
        #"[{"op": "add", "path": "/n", "value": {"deep": 1}}]"#, #"[{"op": "remove", "path": "/locations/1"}]"#,
        #"[{"op": "replace", "path": "/locations", "value": []}]"#, #"[{"remove": "/locations/0"}]"#,
    ])
    func `what is wrong and harmless is the registry's to refuse`(document: String) throws {
        try Self.inspect(document, decodes: false)
    }

    private static func inspect(_ document: String, decodes: Bool) throws(Failure) {
        let decoded: Result<Images.Operation, Failure> =
            decodes ? .success(.showImage(id: "i")) : .failure(Failure(.badRequest))
        try ImageV2Relay().inspect(Array(document.utf8), decoded: decoded, marks: Marks(prefix: "gw_"))
    }

    @Test func `an answer loses what is not listed, and the registry's address`() async throws {
        let reply = RelayedReply(
            status: 201,
            fields: [
                ("Content-Type", Array("application/json".utf8)), ("Server", Array("x".utf8)),
                ("Location", Array("http://10.0.0.5:9292/v2/images/i".utf8)), ("Set-Cookie", Array("a".utf8)),
                ("OpenStack-image-import-methods", Array("web-download".utf8)),
            ], body: BytesBody(Array(#"{"id": "i", "gw_id": "7"}"#.utf8)))
        let answer = try await ImageV2Relay().response(
            reply, for: Self.request("POST", "/images", mount: "/cloud/v2"), authority: "10.0.0.5:9292",
            marks: Marks(prefix: "gw_"))
        #expect(answer.head.status == 201)
        #expect(
            answer.head.fields.map(\.nameText) == ["Content-Type", "Location", "OpenStack-image-import-methods"])
        #expect(answer.head.fields["location"] == "http://gw:1/cloud/v2/images/i")
        guard case .bytes(let bytes) = answer.body else {
            Issue.record("a short document keeps its length")
            return
        }
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"id": "i"}"#)
    }
}
