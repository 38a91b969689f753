import Bytes
import FoundationEssentials
import Testing

@testable import Gateway

/// What `baleen explain` prints for the same requests on every pair of dialects, kept as files: a change of a plan shows
/// as a change of a file. They are written anew where `EXPLAIN_WRITES=1`.
@Suite struct ExplainTests {
    static let fronts: [(dialect: String, requests: [[String]])] = [
        (
            "glance-2010",
            [
                ["/images/detail"], ["-I", "/images/\(id)"],
                [
                    "-d", "data", "-H", "Content-Type: application/octet-stream", "-H", "x-image-meta-name: n", "-H",
                    "x-image-meta-type: kernel", "-H", "x-image-meta-property-os: x", "/images",
                ],
                ["-X", "PUT", "-H", "x-image-meta-name: other", "/images/\(id)"], ["-X", "DELETE", "/images/\(id)"],
            ]
        ),
        (
            "glance-v1",
            [
                ["/v1/images/detail?name=n&size_min=4&property-os=x&sort_key=name"], ["-I", "/v1/images/7"],
                [
                    "-d", "data", "-H", "Content-Type: application/octet-stream", "-H", "x-image-meta-name: n", "-H",
                    "x-image-meta-disk_format: qcow2", "-H", "x-image-meta-container_format: bare", "-H",
                    "x-image-meta-min_ram: 64", "-H", "x-image-meta-property-name: x", "/v1/images",
                ],
                ["-X", "PUT", "-H", "x-image-meta-protected: True", "/v1/images/\(id)"],
                ["-X", "PUT", "/v1/images/\(id)/members/bob"], ["-X", "DELETE", "/v1/images/\(id)"],
            ]
        ),
        (
            "plankton",
            [
                ["/images/detail?name=n"], ["-I", "/images/\(id)"],
                [
                    "-X", "POST", "-H", "X-Image-Meta-Name: n", "-H", "X-Image-Meta-Location: pithos://caller/images/x",
                    "-H", "X-Image-Meta-Disk-Format: extdump", "-H", "X-Image-Meta-Property-OS: debian", "/images/",
                ],
                [
                    "-X", "PUT", "-H", "X-Image-Meta-Is-Public: false", "-H", "X-Image-Meta-Property-OS: ",
                    "/images/\(id)",
                ],
                ["-X", "DELETE", "/images/\(id)/members/bob"],
            ]
        ),
        (
            "image-v2",
            [
                ["/v2/images?tag=a&size_min=1&sort=name:asc&limit=2"], ["/v2/images/\(id)"],
                [
                    "-d",
                    #"{"name": "n", "disk_format": "qcow2", "container_format": "bare", "tags": ["a"], "os": "x"}"#,
                    "/v2/images",
                ],
                [
                    "-X", "PATCH", "-H", "Content-Type: application/openstack-images-v2.1-json-patch", "-d",
                    #"[{"op": "add", "path": "/Case", "value": "1"}, {"op": "replace", "path": "/min_ram", "value": 64}]"#,
                    "/v2/images/\(id)",
                ],
                ["-H", "Range: bytes=0-3", "/v2/images/\(id)/file"],
                [
                    "-T", "\(folder)/upload.txt", "-H", "Content-Type: application/octet-stream",
                    "/v2/images/\(id)/file",
                ],
                ["-X", "PUT", "/v2/images/\(id)/tags/red"], ["-X", "POST", "/v2/images/\(id)/actions/deactivate"],
            ]
        ),
    ]

    static let backends: [(dialect: String, text: String)] = [
        ("glance-2010", #"{ dialect: "glance-2010", url: "http://10.0.0.5:9292" }"#),
        ("glance-v1", #"{ dialect: "glance-v1", url: "http://10.0.0.5:9292" }"#),
        ("plankton", #"{ dialect: "plankton", url: "http://10.0.0.5/cyclades/image" }"#),
        ("image-v2", #"{ dialect: "image-v2", url: "http://10.0.0.5:9292" }"#),
        ("embedded", #"{ dialect: "embedded", directory: "var/registry" }"#),
    ]

    private static let token = "secret.caller.member"
    static let id = "71c675ab-d94f-49cd-a114-e12490b328d9"
    private static let here = String(#filePath.prefix(upTo: #filePath.lastIndex(of: "/") ?? #filePath.endIndex))
    static let folder = here + "/Explained"

    @Test(arguments: fronts.indices, backends.indices)
    func `the road of each request is the one on file`(front: Int, backend: Int) throws {
        let (dialect, requests) = Self.fronts[front]
        let (target, text) = Self.backends[backend]
        let prefix = dialect == "glance-v1" ? "/v1" : dialect == "image-v2" ? "/v2" : "/"
        let configuration = try Configuration.read(
            #"{ mounts: [{ prefix: "\#(prefix)", dialect: "\#(dialect)", backend: "main" }], backends: { main: \#(text) } }"#,
            origin: "test")
        var told = ""
        for arguments in requests {
            let request = try ExplainedRequest(
                arguments: ["-H", "X-Auth-Token: \(Self.token)", "-H", "X-Openstack-Request-Id: req-1"] + arguments)
            told += try Explainer(configuration, isLive: false).explain(request) + "\n"
        }
        told = Self.settled(told)
        #expect(!told.contains(Self.token))
        let file = "\(Self.folder)/\(dialect)-\(target).txt"
        if ProcessInfo.processInfo.environment["EXPLAIN_WRITES"] == "1" {
            try told.write(toFile: file, atomically: true, encoding: .utf8)
        }
        let kept = try String(contentsOfFile: file, encoding: .utf8)
        #expect(told == kept, "EXPLAIN_WRITES=1 swift test --filter ExplainTests writes \(file) anew")
    }

    /// Without what changes from run to run: ids made by a registry, moments, the folder of this checkout.
    private static func settled(_ text: String) -> String {
        return text.replacing(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/) { match in
            String(match.0) == id || match.0.hasPrefix("11111111") ? String(match.0) : "(an id)"
        }
        .replacing(/[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{8}(\.[0-9]{6})?Z?/, with: "(a moment)")
        .replacing(/[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT/, with: "(a moment)")
        .replacing(folder, with: "(folder)")
    }
}
