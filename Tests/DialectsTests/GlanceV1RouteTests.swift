import Dialects
import HTTP
import Images
import Testing

/// Paths that name nothing an image can be: they go to no backend.
@Suite struct GlanceV1RouteTests {
    @Test(arguments: [
        "/images/%252e%252e", "/images/a%5cb", "/images/a%3fb", "/images/a%23b", "/images/a;v=2", "/images/%C3%A9",
        "/images/%EF%BC%8F", "/images/..", "/images/a%2fb", "/images/a%00",
        "/images/" + String(repeating: "a", count: 256),
    ])
    func `an id that no image can have is not found`(path: String) {
        let request = Vectors.clientRequest("GET", path, mountPrefix: "/v1")
        let failure = #expect(throws: Failure.self) { try GlanceV1().route(request) }
        #expect(failure?.kind == .imageNotFound || failure?.kind == .unknownPath)
    }

    @Test(arguments: ["/images//members", "/images//members/m", "/images/a//members", "/shared-images//m"])
    func `an empty id is no path`(path: String) {
        let request = Vectors.clientRequest("GET", path, mountPrefix: "/v1")
        let failure = #expect(throws: Failure.self) { try GlanceV1().route(request) }
        #expect(failure?.kind == .unknownPath)
    }

    @Test(arguments: ["//images", "/images/", "///images/"])
    func `slashes before and behind the collection mean nothing`(path: String) throws {
        #expect(try GlanceV1().route(Vectors.clientRequest("GET", path, mountPrefix: "/v1")).action == .list)
    }
}
