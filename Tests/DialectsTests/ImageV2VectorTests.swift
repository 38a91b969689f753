import Bytes
import HTTP
import Images
import Testing

@testable import Dialects

/// Every request and answer of the vectors of Image API v2.
@Suite struct ImageV2VectorTests {
    private static func dialect(_ vector: JSONObject) -> ImageV2 {
        let said = vector["settings"]?.object
        var settings = ImageV2.Settings()
        settings.showDirectURL = said?["showDirectUrl"]?.boolean ?? false
        settings.showLocations = said?["showLocations"]?.boolean ?? false
        settings.showStores = said?["showStores"]?.boolean ?? false
        settings.starlingx = said?["starlingx"]?.boolean ?? false
        return ImageV2(settings: settings)
    }

    // MARK: Requests

    @Test(arguments: Vectors.imageV2.names("decode"))
    func `a request means what its vector says`(name: String) throws {
        let vector = try Vectors.imageV2.vector("decode", name)
        let expected = try #require(vector["expect"]?.object)
        let (request, body) = try Vectors.request(vector)
        let dialect = Self.dialect(vector)
        do {
            let operation = try ImageV2Fixture.decode(request, body, dialect)
            #expect(expected["error"] == nil)
            try check(operation, expected)
        } catch let failure as Failure {
            let error = try #require(expected["error"]?.object, "failed: \(failure)")
            var unasked = request
            unasked.head.fields = Fields()
            if let type = request.head.fields["content-type"] { unasked.head.fields.append("Content-Type", type) }
            let response = dialect.render(failure, for: unasked)
            #expect(response.head.status == error["status"]?.integer.map { Int($0) })
            if let allow = expected["allow"]?.text { #expect(response.head.fields["allow"] == allow) }
            if let message = error["message"]?.text, !request.isHead {
                #expect(try ImageV2Fixture.text(response).contains(message))
            }
        }
    }

    private func check(_ operation: Images.Operation, _ expected: JSONObject) throws {
        #expect(operation.name == expected["operation"]?.text)
        if let id = expected["image_id"]?.text { #expect(operation.imageID == id) }
        let memberID = expected["member_id"]?.text
        switch operation {
        case .listVersions(let status): #expect(status == expected["status"]?.integer.map { Int($0) })
        case .listImages(let query): try check(query, expected)
        case .createImage(let creation):
            try check(creation.image, expected)
            check(creation.source, expected)
        case .updateImage(let update):
            try check(update.image, expected)
            check(update.source, expected)
            #expect(update.purgesProperties == (expected["purge_props"]?.boolean ?? false))
            #expect(update.removals == Self.texts(expected["remove"]))
            #expect(update.required == Self.texts(expected["require"]))
            #expect(update.forbidden == Self.texts(expected["forbid"]))
            let url = expected["add_locations"]?.array?.first?.object?["url"]?.text
            #expect(update.image.text(.location) == url)
        case .downloadImage(_, let range): #expect(range?.text == expected["range"]?.text)
        case .addTag(_, let tag), .removeTag(_, let tag): #expect(tag == expected["tag"]?.text)
        case .addMember(_, let member):
            #expect(member.id == memberID)
            #expect(member.status == "pending")
            #expect(member.canShare == nil)
        case .setMemberStatus(_, let id, let status):
            #expect(id == memberID)
            #expect(status == expected["status"]?.text)
        case .removeMember(_, let id, let absentIsDone):
            #expect(id == memberID)
            #expect(!absentIsDone)
        case .importImage(let asked):
            #expect(asked.method == .webDownload(uri: expected["uri"]?.text ?? ""))
            #expect(asked.stores == Self.texts(expected["stores"]))
        case .describe(.schema(let name)): #expect(name == expected["schema"]?.text)
        case .showImage, .deleteImage, .listMembers, .deactivateImage, .describe(.stores(isDetailed: false)): break
        default: Issue.record("\(operation.name) is in no vector")
        }
    }

    private static func texts(_ json: JSONValue?) -> [String] { json?.array?.compactMap(\.text) ?? [] }

    private func check(_ image: Image, _ expected: JSONObject) throws {
        var image = image
        let fields = try #require(expected["fields"]?.object)
        // The vectors say a visibility twice, and a location beside the fields.
        if let visibility = image.visibility { image[.isPublic] = .boolean(visibility == .public) }
        image[.location] = .absent
        var wanted = fields
        wanted["tags"] = nil
        #expect(Vectors.same(.object(Vectors.fields(of: image)), .object(wanted)))
        #expect(image.tags == fields["tags"]?.array?.compactMap(\.text))
    }

    private func check(_ source: DataSource, _ expected: JSONObject) {
        switch source {
        case .none: #expect(expected["source"]?.text == "none")
        case .body(let length):
            #expect(expected["source"]?.text == "body")
            #expect(length == expected["data_length"]?.integer)
        case .location: #expect(expected["source"]?.text == "location")
        case .copyFrom: Issue.record("a copy in this dialect")
        }
    }

    private func check(_ query: ImageQuery, _ expected: JSONObject) throws {
        #expect(query.limit == expected["limit"]?.integer.map { Int($0) } ?? 25)
        #expect(query.marker == expected["marker"]?.text)
        let sort = query.sort.map { [$0.field.rawValue, $0.isAscending ? "asc" : "desc"] }
        #expect(sort == expected["sort"]?.array?.map(Self.texts) ?? [["created_at", "desc"]])
        var said = JSONObject()
        var properties = JSONObject()
        var tags: [JSONValue] = []
        for filter in query.filters {
            switch filter {
            // Not asked for: hidden images are left out.
            case .oneOf(.hidden, [.boolean(false)]): break
            case .oneOf(let field, let values):
                let list = values.map(Self.json)
                said.append(
                    field.rawValue,
                    list.count == 1
                        ? list[0] : .object(JSONObject(["op": .string("in"), "values": .array(list)])))
            case .atLeast(let field, let bound): said.append("\(field.rawValue)_min", .integer(bound))
            case .atMost(let field, let bound): said.append("\(field.rawValue)_max", .integer(bound))
            case .property(let name, let value): properties.append(name, .string(value))
            case .tag(let tag): tags.append(.string(tag))
            case .time(let field, let comparison, let moment):
                said.append(
                    field.rawValue,
                    .object(
                        JSONObject([
                            "op": .string(comparison.rawValue), "value": .string(moment.text(.canonical)),
                        ])))
            case .changedSince, .deleted: Issue.record("\(filter) in this dialect")
            }
        }
        if !properties.members.isEmpty { said.append("properties", .object(properties)) }
        if !tags.isEmpty { said.append("tags", .array(tags)) }
        guard case .reachable(let choice, let status) = query.scope else {
            Issue.record("\(query.scope)")
            return
        }
        if case .only(let visibility) = choice { said.append("visibility", .string(visibility.rawValue)) }
        if status != "accepted" { said.append("member_status", .string(status ?? "all")) }
        #expect(Vectors.same(.object(said), expected["filters"]))
    }

    private static func json(_ value: FieldValue) -> JSONValue {
        switch value {
        case .text(let text): .string(text)
        case .integer(let number): .integer(number)
        case .boolean(let flag): .boolean(flag)
        default: .null
        }
    }

    // MARK: Answers

    private static func image(_ json: JSONValue?) -> Image {
        var image = Vectors.image(json)
        image.tags = json?.object?["tags"]?.array?.compactMap(\.text)
        return image
    }

    @Test(arguments: Vectors.imageV2.names("render"))
    func `an image is shown`(name: String) throws {
        let vector = try Vectors.imageV2.vector("render", name)
        let dialect = Self.dialect(vector)
        let request = Vectors.clientRequest("GET", "/v2/images/x")
        let response = try dialect.render(.image(Self.image(vector["image"])), of: .showImage(id: "x"), for: request)
        #expect(response.head.status == 200)
        #expect(Vectors.same(try ImageV2Fixture.json(response), vector["renders"]?.object?["json"]))
    }

    @Test(arguments: Vectors.imageV2.names("render_lists"))
    func `a list is shown`(name: String) async throws {
        let vector = try Vectors.imageV2.vector("render_lists", name)
        let wanted = vector["renders"]?.object?["json"]
        let dialect = ImageV2()
        if let base = vector["base_url"]?.text {
            var request = Vectors.clientRequest("GET", "/")
            request.publicURL = base
            let response = try dialect.render(.done, of: .listVersions(status: 300), for: request)
            #expect(response.head.status == 300)
            #expect(Vectors.same(try ImageV2Fixture.json(response), wanted))
        } else if let members = vector["members"]?.array?.compactMap(\.object) {
            func time(_ json: JSONValue?) -> Timestamp? { json?.text.flatMap { Timestamp($0) } }
            let list = MemberList(
                members.map {
                    Member(
                        id: $0["member_id"]?.text ?? "", canShare: $0["can_share"]?.boolean,
                        status: $0["status"]?.text, createdAt: time($0["created_at"]),
                        updatedAt: time($0["updated_at"]))
                }, imageCreatedAt: time(vector["image_created_at"]))
            let response = try dialect.render(
                .members(list), of: .listMembers(id: vector["image_id"]?.text ?? ""),
                for: Vectors.clientRequest("GET", "/v2/images/x/members"))
            #expect(Vectors.same(try ImageV2Fixture.json(response), wanted))
        } else {
            let query = vector["query"]?.text ?? ""
            let request = Vectors.clientRequest("GET", "/v2/images" + (query.isEmpty ? "" : "?" + query))
            let operation = try ImageV2Fixture.decode(request, [], dialect)
            let images = ImageArray((vector["images"]?.array ?? []).map(Self.image))
            let response = try dialect.render(.images(images), of: operation, for: request)
            guard case .list(let rendering) = response.body else {
                Issue.record("no list")
                return
            }
            let document = try JSONReader.parse(try await Vectors.bytes(of: rendering))
            #expect(Vectors.same(document, wanted))
        }
    }

    @Test(arguments: Vectors.imageV2.names("render_errors"))
    func `a failure is told`(name: String) throws {
        let vector = try Vectors.imageV2.vector("render_errors", name)
        let expected = try #require(vector["renders"]?.object)
        let error = try #require(vector["error"]?.object)
        let kind: Failure.Kind = error["status"]?.integer == 404 ? .imageNotFound : .badRequest
        var fields = Fields()
        if let accept = vector["accept"]?.text { fields.append("Accept", accept) }
        let response = ImageV2().render(
            Failure(kind, error["message"]?.text ?? ""), for: Vectors.clientRequest("GET", "/v2/images/x", fields))
        #expect(response.head.status == expected["status"]?.integer.map { Int($0) })
        #expect(response.head.fields["content-type"] == expected["content_type"]?.text)
        if let body = expected["body"]?.text { #expect(try ImageV2Fixture.text(response) == body) }
        if let json = expected["json"] { #expect(Vectors.same(try ImageV2Fixture.json(response), json)) }
    }
}

/// What tests of this dialect do again and again.
enum ImageV2Fixture {
    static func decode(
        _ request: ClientRequest, _ body: [UInt8], _ dialect: ImageV2 = ImageV2()
    ) throws -> Images.Operation {
        switch try dialect.decode(try dialect.route(request), request) {
        case .operation(let operation): operation
        case .document(_, _, let decode): try decode(body)
        }
    }

    static func text(_ response: ClientResponse) throws -> String {
        guard case .bytes(let bytes) = response.body else { throw Vectors.Fault(description: "no body") }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func json(_ response: ClientResponse) throws -> JSONValue {
        #expect(response.head.fields["content-type"] == "application/json")
        guard case .bytes(let bytes) = response.body else { throw Vectors.Fault(description: "no document") }
        return try JSONReader.parse(bytes)
    }
}
