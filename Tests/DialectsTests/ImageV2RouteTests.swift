import Bytes
import HTTP
import Images
import Testing

@testable import Dialects

/// Paths, methods and the answers that carry no image (image-v2 §1, §3, §4, §14).
@Suite struct ImageV2RouteTests {
    static let known: [(path: String, allow: String, actions: [Route.Action])] = [
        ("/images", "GET, POST", [.list, .create]),
        ("/images/i", "GET, PATCH, DELETE", [.show, .update, .delete]),
        ("/images/i/file", "GET, PUT", [.download, .upload]),
        ("/images/i/stage", "PUT", [.stage]),
        ("/images/i/import", "POST", [.importImage]),
        ("/images/i/locations", "GET, POST", [.listLocations, .addLocation]),
        ("/images/i/members", "GET, POST", [.listMembers, .addMember]),
        ("/images/i/members/m", "GET, PUT, DELETE", [.showMember, .setMemberStatus, .removeMember]),
        ("/images/i/tags/t", "PUT, DELETE", [.addTag, .removeTag]),
        ("/images/i/actions/deactivate", "POST", [.deactivate]),
        ("/images/i/actions/reactivate", "POST", [.reactivate]),
        ("/schemas/image", "GET", [.schema]), ("/schemas/members", "GET", [.schema]),
        ("/info/import", "GET", [.importInfo]), ("/info/stores", "GET", [.stores]),
        ("/info/stores/detail", "GET", [.storesDetail]), ("/stores/s/i", "DELETE", [.deleteFromStore]),
    ]

    private static func request(_ method: String, _ path: String, at mount: String) -> ClientRequest {
        var request = Vectors.clientRequest(method, mount.isEmpty ? "/v2" + path : mount + path, mountPrefix: mount)
        if !mount.isEmpty { request.path = path.isEmpty ? "/" : path }
        return request
    }

    @Test(arguments: known.indices, ["", "/v2", "/cloud/v2"])
    func `every path has its methods, and tells them to all others`(index: Int, mount: String) throws {
        let (path, allow, actions) = Self.known[index]
        let methods = ASCII.split(allow, UInt8(ascii: ",")).map { ASCII.trim($0) }
        for (method, action) in zip(methods, actions) {
            let route = try ImageV2().route(Self.request(method, path, at: mount))
            #expect(route.action == action)
            #expect(!route.isAnonymous)
        }
        for method in ["HEAD", "OPTIONS", "TRACE", "BREW"] {
            let request = Self.request(method, path, at: mount)
            let failure = try #require(throws: Failure.self) { try ImageV2().route(request) }
            let response = ImageV2().render(failure, for: request)
            #expect(response.head.status == 405)
            #expect(response.head.fields["allow"] == allow)
        }
    }

    @Test(arguments: [
        "/", "/images/", "/images/i/", "//images", "/images//file", "/images/i/files", "/images/i/tags",
        "/images/i/tags/a%2Fb", "/images/i/members/a/b", "/images/%00", "/images/..", "/shared-images/m", "/nope",
        "/images/i/actions/foo", "/images/a%2Fb",
    ])
    func `other paths are none`(path: String) throws {
        for mount in ["", "/v2"] {
            let request = Self.request("GET", path, at: mount)
            let failure = try #require(throws: Failure.self) { try ImageV2().route(request) }
            #expect(ImageV2().render(failure, for: request).head.status == 404)
        }
    }

    @Test(arguments: [
        "/tasks", "/tasks/t", "/metadefs/namespaces", "/cache", "/cached_images", "/queued_images/i", "/info/usage",
        "/images/i/tasks", "/schemas/task", "/schemas/metadefs/tag", "/discover",
    ])
    func `what has no canonical meaning can only be relayed`(path: String) throws {
        let request = Self.request("GET", path, at: "/v2")
        #expect(try ImageV2().route(request).action == .relayOnly)
        let failure = try #require(throws: Failure.self) { try ImageV2Fixture.decode(request, []) }
        #expect(ImageV2().render(failure, for: request).head.status == 404)
    }

    @Test(arguments: [("", "/v2"), ("", "/v2.3"), ("/v2", ""), ("/cloud/v2", "")])
    func `the bare version leads to its slash`(mount: String, path: String) throws {
        var request = Vectors.clientRequest("GET", mount + path, mountPrefix: mount)
        if !mount.isEmpty { request.path = "/" }
        let operation = try ImageV2Fixture.decode(request, [])
        let response = try ImageV2().render(.done, of: operation, for: request)
        #expect(response.head.status == 302)
        let folder = mount.hasPrefix("/cloud") ? "/cloud" : ""
        #expect(response.head.fields["location"] == "https://gw.example.com\(folder)/v2/")
    }

    @Test(arguments: [("/v1/images", 300), ("/v2.19/images", 300), ("/v20", 300), ("/versions", 200), ("/x", 300)])
    func `above the version everything is the list of versions`(path: String, status: Int) throws {
        let request = Vectors.clientRequest("GET", path)
        let route = try ImageV2().route(request)
        #expect(route.isAnonymous)
        guard case .operation(.listVersions(status)) = try ImageV2().decode(route, request) else {
            Issue.record("\(route)")
            return
        }
    }

    @Test func `versions grow with what the registry can do`() throws {
        let capabilities = RegistryCapabilities(
            importMethods: ["web-download"], stores: [.init(id: "a", isDefault: true)], hasLocationCalls: true)
        let response = try ImageV2().render(
            .capabilities(capabilities), of: .listVersions(status: 200), for: Vectors.clientRequest("GET", "/versions"))
        let versions = try ImageV2Fixture.json(response).object?["versions"]?.array ?? []
        #expect(
            versions.compactMap { $0.object?["id"]?.text } == ["v2.17", "v2.8", "v2.6", "v2.2", "v2.1", "v2.0"])
        #expect(versions.first?.object?["status"]?.text == "CURRENT")
    }

    // MARK: Descriptions

    private static func describe(
        _ description: Images.Operation.Description, _ capabilities: RegistryCapabilities = RegistryCapabilities()
    ) throws -> JSONValue {
        try ImageV2Fixture.json(
            try ImageV2().render(
                .capabilities(capabilities), of: .describe(description), for: Vectors.clientRequest("GET", "/v2/info")))
    }

    /// As a Glance 33 answers, and the two properties that a usual site adds.
    @Test(arguments: ["image", "images", "member", "members"])
    func `the schemas are those of a real server`(name: String) throws {
        let real = try #require(try Vectors.json("Vectors/image-v2-schemas.json").object?[name])
        var shown = try Self.describe(.schema(name))
        Self.dropSiteProperties(of: &shown)
        #expect(Vectors.same(shown, real))
    }

    private static func dropSiteProperties(of schema: inout JSONValue) {
        guard case .object(var object) = schema else { return }
        for place in object.members.indices {
            if object.members[place].key == "kernel_id" || object.members[place].key == "ramdisk_id" { continue }
            dropSiteProperties(of: &object.members[place].value)
        }
        object["kernel_id"] = nil
        object["ramdisk_id"] = nil
        schema = .object(object)
    }

    @Test func `formats in the schema are the registry's`() throws {
        let schema = try Self.describe(
            .schema("image"), RegistryCapabilities(diskFormats: ["raw"], containerFormats: ["bare"]))
        let properties = schema.object?["properties"]?.object
        #expect(properties?["disk_format"]?.object?["enum"] == .array([.null, .string("raw")]))
        #expect(properties?["container_format"]?.object?["enum"] == .array([.null, .string("bare")]))
    }

    @Test func `stores are listed where there are some, else there is no such call`() throws {
        let stores = try Self.describe(
            .stores(isDetailed: false), RegistryCapabilities(stores: [.init(id: "a", isDefault: true), .init(id: "b")]))
        #expect(
            stores
                == .object(
                    JSONObject([
                        "stores": .array([
                            .object(JSONObject(["id": .string("a"), "default": .string("true")])),
                            .object(JSONObject(["id": .string("b")])),
                        ])
                    ])))
        let failure = try #require(throws: Failure.self) { try Self.describe(.stores(isDetailed: false)) }
        #expect(ImageV2().render(failure, for: Vectors.clientRequest("GET", "/v2/info/stores")).head.status == 404)
    }

    // MARK: Errors

    @Test(arguments: [
        ("text/html", "  The request media type text/plain is not supported by this server.\n<br /><br />\nNo.\n"),
        ("text/plain", "The request media type text/plain is not supported by this server. \n\n No."),
        ("application/json", #"text/plain is not supported by this server.\n<br /><br />\nNo.", "code": "415"#),
    ])
    func `the page of 415 names the type that was sent`(accept: String, part: String) throws {
        let request = Vectors.clientRequest(
            "PUT", "/v2/images/i/file", Fields([("Accept", accept), ("Content-Type", "Text/Plain; charset=x")]))
        let response = ImageV2().render(Failure(.unsupportedMedia, "No."), for: request)
        #expect(response.head.status == 415)
        #expect(try ImageV2Fixture.text(response).contains(part))
    }

    @Test func `a patch of another type is told which ones there are`() throws {
        let request = Vectors.clientRequest("PATCH", "/v2/images/i", Fields([("Content-Type", "application/json")]))
        let failure = try #require(throws: Failure.self) { try ImageV2Fixture.decode(request, []) }
        let types = ["0", "1"].map { "application/openstack-images-v2.\($0)-json-patch" }.joined(separator: ", ")
        #expect(ImageV2().render(failure, for: request).head.fields["accept-patch"] == types)
    }

    @Test func `quotes in a page are escaped as Python 3 does`() throws {
        let request = Vectors.clientRequest("GET", "/v2/images", Fields([("Accept", "*/*")]))
        let response = ImageV2().render(Failure(.badRequest, #"'a' "b""#), for: request)
        #expect(try ImageV2Fixture.text(response).contains("&#x27;a&#x27; &quot;b&quot;"))
    }

    @Test func `who has no token is told where to get one`() throws {
        let request = Vectors.clientRequest("GET", "/v2/images")
        let own = ImageV2().render(Failure(.unauthorized), for: request)
        #expect(own.head.status == 401)
        #expect(own.head.fields["www-authenticate"] == "Keystone uri=\"https://gw.example.com\"")
        let passed = ImageV2().render(Failure(.tokenRejected, challenge: "Keystone uri=\"http://k\""), for: request)
        #expect(passed.head.fields["www-authenticate"] == "Keystone uri=\"http://k\"")
    }

    @Test(arguments: [
        (Failure.Kind.noData, "GET", "/v2/images/i/file", 204), (.noData, "GET", "/v2/images/i", 404),
        (.deactivated, "GET", "/v2/images/i/file", 403), (.imageGone, "PUT", "/v2/images/i/file", 410),
        (.storeReadOnly, "PUT", "/v2/images/i/file", 410), (.rangeNotSatisfiable, "GET", "/v2/images/i/file", 416),
        (.membershipForbidden, "POST", "/v2/images/i/members", 403), (.tooLarge, "POST", "/v2/images", 413),
        (.notImplemented, "POST", "/v2/images/i/actions/deactivate", 403),
        (.notImplemented, "PUT", "/v2/images/i/stage", 404), (.notImplemented, "POST", "/v2/images/i/import", 404),
        (.notImplemented, "POST", "/v2/images", 400), (.badGateway, "GET", "/v2/images", 502),
    ])
    func `failures have their status`(kind: Failure.Kind, method: String, path: String, status: Int) {
        let response = ImageV2().render(Failure(kind), for: Vectors.clientRequest(method, path))
        #expect(response.head.status == status)
    }
}
