import Dialects
import Identity
import Testing

@testable import Gateway

/// The longest prefix of whole segments wins.
@Suite struct MountTableTests {
    private static func table(_ prefixes: [String]) -> MountTable {
        MountTable(
            prefixes.map { prefix in
                Mount(
                    prefix: prefix, dialects: DialectDetector(only: Plankton()), backend: FakeBackend(),
                    backendName: "main", identity: OpenIdentity())
            })
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let path: String
        /// Nil: nothing is mounted there.
        let prefix: String?
        var rest = "/"
        var testDescription: String { path }
    }

    @Test(arguments: [
        Case(path: "/v1", prefix: "/v1"),
        Case(path: "/v1/", prefix: "/v1"),
        Case(path: "/v1/images/1", prefix: "/v1", rest: "/images/1"),
        Case(path: "/v1//images", prefix: "/v1", rest: "//images"),
        Case(path: "/v1/a%2Fb%20", prefix: "/v1", rest: "/a%2Fb%20"),
        Case(path: "/image/v1", prefix: "/image/v1"),
        Case(path: "/image/v1.0/images", prefix: "/image/v1.0", rest: "/images"),
        Case(path: "/image/v1/v1.0", prefix: "/image/v1", rest: "/v1.0"),
        Case(path: "/v1x", prefix: nil),
        Case(path: "/v1%2Fimages", prefix: nil),
        Case(path: "/v1%2fimages", prefix: nil),
        Case(path: "/%761/images", prefix: nil),
        Case(path: "/V1/images", prefix: nil),
        Case(path: "//v1/images", prefix: nil),
        Case(path: "/image", prefix: nil),
        Case(path: "/image/v1.00", prefix: nil),
        Case(path: "v1", prefix: nil),
        Case(path: "*", prefix: nil),
        Case(path: "/", prefix: nil),
        Case(path: "", prefix: nil),
    ])
    func `the longest prefix of whole segments is found`(_ test: Case) {
        for prefixes in [["/v1", "/image/v1", "/image/v1.0"], ["/image/v1.0", "/image/v1", "/v1"]] {
            let found = Self.table(prefixes).find(test.path[...])
            #expect(found?.mount.prefix == test.prefix)
            if let found { #expect(found.path == test.rest) }
        }
    }

    @Test(arguments: [
        Case(path: "/v1/images", prefix: "/v1", rest: "/images"),
        Case(path: "/v1x", prefix: "", rest: "/v1x"),
        Case(path: "/v1%2Fimages", prefix: "", rest: "/v1%2Fimages"),
        Case(path: "/", prefix: "", rest: "/"),
        Case(path: "", prefix: "", rest: "/"),
        Case(path: "//", prefix: "", rest: "//"),
        Case(path: "*", prefix: nil),
    ])
    func `a mount at the root takes what no other takes`(_ test: Case) {
        let found = Self.table(["", "/v1"]).find(test.path[...])
        #expect(found?.mount.prefix == test.prefix)
        if let found { #expect(found.path == test.rest) }
    }
}
