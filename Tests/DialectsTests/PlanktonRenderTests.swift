import Bytes
import Dialects
import HTTP
import Images
import Testing

/// Every answer of the vectors under both profiles.
@Suite struct PlanktonRenderTests {
    private static let profiles: [(key: String, settings: Plankton.Settings)] = [
        ("renders", Plankton.Settings(.guide)), ("renders_synnefo", Plankton.Settings(.synnefo)),
        ("renders_develop", develop),
    ]

    /// The server's development branch after 0.20.
    private static var develop: Plankton.Settings {
        var settings = Plankton.Settings(.synnefo)
        settings.listForm = .wrapped
        return settings
    }

    @Test(arguments: Vectors.plankton.names("render"))
    func `an image is shown in headers and lists`(name: String) async throws {
        let vector = try Vectors.plankton.vector("render", name)
        let image = Vectors.image(vector["image"])
        for (key, settings) in Self.profiles {
            guard let expected = vector[key]?.object else { continue }
            let dialect = Plankton(settings: settings)
            let request = Vectors.clientRequest("HEAD", "/v1.0/images/x")
            let response = try dialect.render(.image(image), of: .showImage(id: "x"), for: request)
            let headers = (expected["headers"]?.array ?? []).compactMap(\.array).map { [$0[0].text, $0[1].text] }
            let shown = response.head.fields.filter { $0.nameText.hasPrefix("x-image-meta-") }
                .map { [$0.nameText, $0.valueText] }
            #expect(Set(shown) == Set(headers) && shown.count == headers.count, "\(key)")
            #expect(response.head.status == 200)
            guard case .none = response.body else { throw Vectors.Fault(description: "a body") }
            let detail = try await list([image], dialect, isDetailed: true)
            #expect(Vectors.same(detail, .array([expected["json"] ?? .null])), "\(key)")
            let brief = try await list([image], dialect, isDetailed: false)
            #expect(Vectors.same(brief, .array([expected["json_brief"] ?? .null])), "\(key)")
        }
    }

    @Test(arguments: Vectors.plankton.names("render_lists"))
    func `a list is shown`(name: String) async throws {
        let vector = try Vectors.plankton.vector("render_lists", name)
        for (key, settings) in Self.profiles {
            guard let expected = vector[key]?.object?["json"] else { continue }
            let shown = try await document(vector, Plankton(settings: settings))
            #expect(Vectors.same(shown, expected), "\(key)")
        }
    }

    private func document(_ vector: JSONObject, _ dialect: Plankton) async throws -> JSONValue {
        if let images = vector["images"]?.array {
            return try await list(images.map { Vectors.image($0) }, dialect, isDetailed: false)
        }
        var request = Vectors.clientRequest("GET", "/")
        if let base = vector["base_url"]?.text {
            request.publicURL = base
            return try json(dialect.render(.done, of: .listVersions(status: 200), for: request))
        }
        if let shared = vector["shared_images"]?.array {
            let list = shared.compactMap(\.object).map {
                SharedImage(imageID: $0["image_id"]?.text ?? "", canShare: $0["can_share"]?.boolean ?? false)
            }
            return try json(dialect.render(.sharedImages(list), of: .listSharedImages(.ownedBy("m")), for: request))
        }
        let members = (vector["members"]?.array ?? []).compactMap(\.object).map {
            Member(id: $0["member_id"]?.text ?? "", canShare: $0["can_share"]?.boolean)
        }
        let list = MemberList(members, owner: vector["owner"]?.text, isPublic: vector["is_public"]?.boolean)
        return try json(dialect.render(.members(list), of: .listMembers(id: "x"), for: request))
    }

    private func json(_ response: ClientResponse) throws -> JSONValue {
        #expect(response.head.status == 200)
        #expect(response.head.fields["content-type"] == "application/json; charset=UTF-8")
        guard case .bytes(let bytes) = response.body else { throw Vectors.Fault(description: "no document") }
        return try JSONReader.parse(bytes)
    }

    private func list(_ images: [Image], _ dialect: Plankton, isDetailed: Bool) async throws -> JSONValue {
        try JSONReader.parse(try await bytes(images, dialect, isDetailed: isDetailed))
    }

    private func bytes(_ images: [Image], _ dialect: Plankton, isDetailed: Bool) async throws -> [UInt8] {
        let request = Vectors.clientRequest("GET", "/images/")
        let query = ImageQuery(isDetailed: isDetailed)
        let response = try dialect.render(.images(ImageArray(images)), of: .listImages(query), for: request)
        guard case .list(let rendering) = response.body else { throw Vectors.Fault(description: "no list") }
        return try await Vectors.bytes(of: rendering)
    }

    @Test(arguments: Vectors.plankton.names("render_success"))
    func `success without a body`(name: String) throws {
        let expected = try #require(try Vectors.plankton.vector("render_success", name)["renders"]?.object)
        let request = Vectors.clientRequest("DELETE", "/images/x")
        let response = try Plankton().render(.done, of: .deleteImage(id: "x"), for: request)
        #expect(response.head.status == expected["status"]?.integer.map { Int($0) })
        guard case .none = response.body else { throw Vectors.Fault(description: "a body") }
    }

    /// What the vectors call the kinds of failure, and a request that meets each.
    private static let failures: [String: (kind: Failure.Kind, method: String, target: String)] = [
        "unauthorized": (.unauthorized, "GET", "/images"), "invalid": (.badRequest, "POST", "/images"),
        "not_found": (.imageNotFound, "HEAD", "/images/x"), "forbidden": (.forbidden, "PUT", "/images/x"),
        "location_not_found": (.locationNotFound, "POST", "/images"),
        "location_forbidden": (.forbidden, "POST", "/images"),
        "location_missing": (.locationMissing, "POST", "/images"), "unknown_path": (.unknownPath, "GET", "/x"),
        "method": (.methodNotAllowed, "PUT", "/images/detail"), "no_data": (.notImplemented, "GET", "/images/x"),
        "over_limit": (.tooLarge, "POST", "/images"), "conflict": (.conflict, "PUT", "/images/x"),
        "unavailable": (.unavailable, "GET", "/images"), "bad_gateway": (.badGateway, "GET", "/images"),
    ]

    @Test(arguments: Vectors.plankton.names("render_errors"))
    func `a failure is told`(name: String) throws {
        let vector = try Vectors.plankton.vector("render_errors", name)
        let (kind, method, target) = try #require(Self.failures[vector["failure"]?.text ?? ""])
        let allow = kind == .methodNotAllowed ? "GET" : nil
        let failure = Failure(kind, try #require(vector["message"]?.text), allow: allow)
        for (key, settings) in Self.profiles {
            guard let expected = vector[key]?.object else { continue }
            let request = Vectors.clientRequest(method, target)
            let response = Plankton(settings: settings).render(failure, for: request)
            guard case .bytes(let bytes) = response.body else { throw Vectors.Fault(description: "no body") }
            #expect(response.head.status == expected["status"]?.integer.map { Int($0) }, "\(key)")
            #expect(Vectors.same(try JSONReader.parse(bytes), expected["json"]), "\(key)")
            #expect(response.head.fields["allow"] == expected["allow"]?.text, "\(key)")
            if let type = expected["content_type"]?.text { #expect(response.head.fields["content-type"] == type) }
        }
    }

    @Test func `lists have the servers' line breaks and ASCII`() async throws {
        var image = Image()
        image[.id] = .text("1")
        image[.name] = .text("é\n")
        image[.status] = .text("active")
        let brief = try await bytes([image, image], Plankton(), isDetailed: false)
        let entry = """
            {
            "id": "1",\u{20}
            "name": "\\u00e9\\n",\u{20}
            "disk_format": "",\u{20}
            "container_format": "",\u{20}
            "size": 0,\u{20}
            "status": "available"
            }
            """
        #expect(String(decoding: brief, as: UTF8.self) == "[\n\(entry), \n\(entry)\n]")
        let request = Vectors.clientRequest("GET", "/images/x/members")
        let response = try Plankton().render(.members(MemberList([])), of: .listMembers(id: "x"), for: request)
        guard case .bytes(let members) = response.body else { throw Vectors.Fault(description: "no body") }
        #expect(String(decoding: members, as: UTF8.self) == "{\n\"members\": []\n}")
    }
}
