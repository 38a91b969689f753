import Dialects
import HTTP
import Images
import Testing

/// One rule of the detector each, and what they say together.
@Suite struct DialectDetectorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var evidence: String
        var dialect: String
        var method = "GET"
        var target = "/images"
        var headers: [(String, String)] = []
        var framing = ClientRequest.Framing.none

        var testDescription: String { "\(evidence): \(dialect)" }
    }

    static let cases: [Case] = [
        Case(
            evidence: "pithos location", dialect: "plankton", method: "POST",
            headers: [("X-Image-Meta-Location", "pithos://u/c/o")]),
        Case(
            evidence: "pithos location", dialect: "plankton", method: "POST",
            headers: [("X_Image_Meta_Location", "pithos:u/c/o")]),
        Case(evidence: "version 2", dialect: "image-v2", target: "/v2/images"),
        Case(evidence: "version 2", dialect: "image-v2", target: "/v2.9/images?limit=1"),
        Case(evidence: "version 2", dialect: "image-v2", target: "/v2"),
        Case(
            evidence: "version 2", dialect: "image-v2", headers: [("Accept", "application/vnd.openstack.images-v2.3")]),
        Case(evidence: "what only v2 sends", dialect: "image-v2", method: "PATCH", target: "/images/1"),
        Case(
            evidence: "what only v2 sends", dialect: "image-v2", method: "PUT", target: "/images/1",
            headers: [("Content-Type", "application/openstack-images-v2.1-json-patch")], framing: .length(2)),
        Case(
            evidence: "what only v2 sends", dialect: "image-v2", method: "PUT", target: "/images/1/file",
            headers: [("X-Openstack-Image-Size", "3"), ("Content-Type", "application/octet-stream")],
            framing: .length(3)),
        Case(
            evidence: "fields of 2010", dialect: "glance-2010", method: "POST",
            headers: [("x-image-meta-type", "kernel"), ("x-image-meta-is_public", "True")]),
        Case(evidence: "fields of 2010", dialect: "glance-2010", headers: [("x-image-meta-uri", "http://h/images/1")]),
        Case(
            evidence: "spelling", dialect: "plankton", method: "POST",
            headers: [("X-Image-Meta-Disk-Format", "diskdump")]),
        Case(
            evidence: "spelling", dialect: "glance-v1", method: "POST", headers: [("X-Image-Meta-Is_public", "True")]),
        Case(
            evidence: "headers of v1 alone", dialect: "glance-v1", method: "PUT", target: "/images/1",
            headers: [("X-Glance-Registry-Purge-Props", "false")]),
        Case(
            evidence: "headers of v1 alone", dialect: "glance-v1", method: "POST",
            headers: [("x-glance-api-copy-from", "http://h/i")]),
        Case(evidence: "version in the path", dialect: "glance-v1", target: "/v1/images"),
        Case(evidence: "version in the path", dialect: "glance-v1", target: "/v1.1/images/detail"),
        Case(
            evidence: "Accept", dialect: "glance-v1", headers: [("Accept", "application/vnd.openstack.images-v1")]),
        Case(evidence: "User-Agent", dialect: "glance-v1", headers: [("User-Agent", "python-glanceclient/4.13")]),
        Case(evidence: "User-Agent", dialect: "plankton", headers: [("User-Agent", "kamaki")]),
        Case(evidence: "query", dialect: "glance-v1", target: "/images/detail?sort_key=name&limit=20"),
        Case(evidence: "query", dialect: "glance-v1", target: "/images?property-os=linux"),
        Case(
            evidence: "body", dialect: "glance-v1", method: "POST",
            headers: [("Content-Type", "application/octet-stream")],
            framing: .chunked),
        Case(evidence: "body", dialect: "glance-2010", method: "PUT", target: "/images/1", framing: .length(40)),
        Case(
            evidence: "silence of kamaki", dialect: "plankton", target: "/images/?sort_dir=asc",
            headers: [("Accept-Encoding", "identity"), ("X-Auth-Token", "t")]),
    ]

    private static let dialects: [any ClientDialect] = [Glance2010(), GlanceV1(), Plankton(), ImageV2()]

    /// The fallback is never the right answer.
    @Test(arguments: cases)
    func `evidence decides`(_ test: Case) throws {
        let request = Vectors.clientRequest(test.method, test.target, Fields(test.headers), framing: test.framing)
        for fallback in Self.dialects where fallback.name != test.dialect {
            let detector = DialectDetector(among: Self.dialects, fallback: fallback)
            #expect(detector.dialect(for: request).name == test.dialect)
        }
    }

    @Test func `every rule has a test`() {
        #expect(Set(Self.cases.map(\.evidence)) == Set(Evidence.all.map(\.name)))
    }

    @Test(arguments: ["glance-2010", "glance-v1", "plankton", "image-v2"])
    func `without evidence the fallback decides`(name: String) throws {
        let fallback = try #require(Self.dialects.first { $0.name == name })
        let detector = DialectDetector(among: Self.dialects, fallback: fallback)
        let silent = Vectors.clientRequest("GET", "/images/1", Fields([("Accept-Encoding", "identity")]))
        let curl = Vectors.clientRequest("GET", "/images", Fields([("User-Agent", "curl/8"), ("Accept", "*/*")]))
        #expect(detector.dialect(for: silent).name == name)
        #expect(detector.dialect(for: curl).name == name)
    }

    @Test func `what a client means goes before how it spells`() {
        let detector = DialectDetector(among: Self.dialects, fallback: Glance2010())
        let fields = Fields([
            ("X-Image-Meta-Location", "pithos://u/c/o"), ("x-image-meta-disk_format", "raw"),
            ("User-Agent", "python-glanceclient"),
        ])
        #expect(detector.dialect(for: Vectors.clientRequest("POST", "/images", fields)).name == "plankton")
    }

    @Test func `a mount of one dialect asks for no evidence`() {
        let detector = DialectDetector(only: Plankton())
        let request = Vectors.clientRequest("GET", "/images", Fields([("x-image-meta-type", "raw")]))
        #expect(detector.dialect(for: request).name == "plankton")
    }
}
