import Bytes
import Dialects
import HTTP
import Images
import Testing

/// Every request and answer of the vectors of the two Glance dialects.
@Suite struct GlanceVectorTests {
    /// One vector of one dialect.
    struct Case: Sendable, CustomTestStringConvertible {
        let dialect: any ClientDialect
        let vectors: Vectors
        let section: String
        let name: String

        var testDescription: String { "\(dialect.name): \(name)" }
        var vector: JSONObject { get throws { try vectors.vector(section, name) } }
    }

    static func cases(_ section: String) -> [Case] {
        let dialects: [(any ClientDialect, Vectors)] = [(GlanceV1(), .glanceV1), (Glance2010(), .glance2010)]
        return dialects.flatMap { dialect, vectors in
            vectors.names(section).map { Case(dialect: dialect, vectors: vectors, section: section, name: $0) }
        }
    }

    // MARK: Requests

    @Test(arguments: cases("decode"))
    func `a request means what its vector says`(_ test: Case) throws {
        let vector = try test.vector
        let expected = try #require(vector["expect"]?.object)
        let (request, body) = try Vectors.request(vector)
        do {
            let operation = try decode(request, body, test.dialect)
            #expect(expected["error"] == nil)
            try check(operation, expected)
        } catch let failure as Failure {
            let error = try #require(expected["error"]?.object, "failed: \(failure)")
            let response = test.dialect.render(failure, for: request)
            #expect(response.head.status == error["status"]?.integer.map { Int($0) })
            if let allow = expected["allow"]?.text { #expect(response.head.fields["allow"] == allow) }
            if request.isHead { return }
            var unasked = request
            unasked.head.fields = Fields()
            let text = try Self.text(test.dialect.render(failure, for: unasked))
            let message = try #require(error["message"]?.text)
            #expect(
                text.contains("\n\n \(message)  ") || text.contains("\n\n\(message)\n\n")
                    || text.contains("\n\n\(message) \n\n"))
        }
    }

    private func decode(
        _ request: ClientRequest, _ body: [UInt8], _ dialect: any ClientDialect
    ) throws -> Images.Operation {
        switch try dialect.decode(try dialect.route(request), request) {
        case .operation(let operation): operation
        case .document(_, _, let decode): try decode(body)
        }
    }

    private func check(_ operation: Images.Operation, _ expected: JSONObject) throws {
        #expect(operation.name == expected["operation"]?.text)
        if let id = expected["image_id"]?.text { #expect(operation.imageID == id) }
        let memberID = expected["member_id"]?.text
        switch operation {
        case .listVersions(let status): #expect(status == expected["status"]?.integer.map { Int($0) })
        case .listImages(let query): if expected["filters"] != nil { try check(query, expected) }
        case .createImage(let creation):
            var image = creation.image
            if case .location = creation.source, expected["fields"]?.object?["location"] == nil {
                image[.location] = .absent
            }
            #expect(Vectors.same(.object(Vectors.fields(of: image)), expected["fields"]))
            check(creation.source, expected)
        case .updateImage(let update):
            #expect(Vectors.same(.object(Vectors.fields(of: update.image)), expected["fields"]))
            #expect(update.purgesProperties == expected["purge_props"]?.boolean)
            check(update.source, expected)
        case .replaceMembers(_, let members):
            let list = (expected["members"]?.array ?? []).compactMap(\.object)
            #expect(members.map(\.id) == list.compactMap { $0["member_id"]?.text })
            #expect(members.map(\.canShare) == list.map { $0["can_share"]?.boolean })
        case .addMember(_, let member):
            #expect(member.id == memberID)
            #expect(member.canShare == expected["can_share"]?.boolean)
        case .removeMember(_, let id, let absentIsDone):
            #expect(id == memberID)
            #expect(!absentIsDone)
        case .listSharedImages(let query): #expect(query == .sharedWith(memberID ?? ""))
        case .showImage, .downloadImage, .deleteImage, .listMembers: break
        default: Issue.record("\(operation.name) in this dialect")
        }
    }

    private func check(_ source: DataSource, _ expected: JSONObject) {
        switch source {
        case .none: #expect(expected["source"]?.text == "none")
        case .body(let length):
            #expect(expected["source"]?.text == "body")
            #expect(length == expected["data_length"]?.integer)
        case .location: #expect(expected["source"]?.text == "location")
        case .copyFrom(let url):
            #expect(expected["source"]?.text == "copy_from")
            #expect(url == expected["copy_from"]?.text)
        }
    }

    private func check(_ query: ImageQuery, _ expected: JSONObject) throws {
        let settings = GlanceV1.Settings()
        #expect(query.limit == expected["limit"]?.integer.map { Int($0) } ?? settings.defaultLimit)
        #expect(query.marker == expected["marker"]?.text)
        let sort = try #require(query.sort.first)
        #expect(sort.field.rawValue == expected["sort_key"]?.text ?? "created_at")
        #expect(sort.isAscending == (expected["sort_dir"]?.text == "asc"))
        let scope: ImageQuery.Scope =
            switch expected["is_public"] {
            case .string("any")?: .everything
            case .boolean(false)?: .notPublic
            default: .visible
            }
        #expect(query.scope == scope)
        var said = JSONObject()
        var properties = JSONObject()
        for filter in query.filters {
            switch filter {
            case .oneOf(let field, let values): said.append(field.rawValue, Self.json(try #require(values.first)))
            case .atLeast(let field, let bound): said.append("\(field.rawValue)_min", .integer(bound))
            case .atMost(let field, let bound): said.append("\(field.rawValue)_max", .integer(bound))
            case .changedSince(let time): said.append("changes_since", .string(time.text(.canonical)))
            case .property(let name, let value): properties.append(name, .string(value))
            case .deleted(let flag): #expect(flag == expected["deleted"]?.boolean)
            case .tag, .time: Issue.record("\(filter) in this dialect")
            }
        }
        if !properties.members.isEmpty { said.append("properties", .object(properties)) }
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

    @Test(arguments: cases("render"))
    func `an image is shown in headers and documents`(_ test: Case) async throws {
        let vector = try test.vector
        let image = Vectors.image(vector["image"])
        let forms: [(key: String, dialect: any ClientDialect)] =
            test.dialect is Glance2010
            ? [("renders", Glance2010()), ("renders_bexar", Glance2010(settings: .init(.bexar)))]
            : [("renders", test.dialect)]
        for (key, dialect) in forms {
            guard let expected = vector[key]?.object else { continue }
            var request = Vectors.clientRequest("HEAD", "/images/x")
            request.publicURL = vector["base_url"]?.text ?? request.publicURL
            let response = try dialect.render(.image(image), of: .showImage(id: "x"), for: request)
            let wanted = Self.pairs(expected["headers"])
            let shown = response.head.fields
                .filter { $0.nameText.hasPrefix("x-image-meta-") || $0.nameText.lowercased() == "etag" }
                .map { [$0.nameText.lowercased(), $0.valueText] }
            #expect(Set(shown) == Set(wanted) && shown.count == wanted.count, "\(key)")
            let update = ImageUpdate(id: "x", image: Image())
            let document = try Self.json(try dialect.render(.image(image), of: .updateImage(update), for: request))
            #expect(Vectors.same(document.object?["image"], expected["json"]), "\(key)")
            for (isDetailed, entry) in [(true, "json"), (false, "json_brief")] {
                let operation = Images.Operation.listImages(ImageQuery(isDetailed: isDetailed))
                let list = try await Self.list(
                    try dialect.render(.images(ImageArray([image])), of: operation, for: request))
                #expect(Vectors.same(list.object?["images"], .array([expected[entry] ?? .null])), "\(key) \(entry)")
            }
        }
    }

    @Test(arguments: Vectors.glanceV1.names("render_lists"))
    func `a list is shown`(name: String) throws {
        let vector = try Vectors.glanceV1.vector("render_lists", name)
        var request = Vectors.clientRequest("GET", "/")
        let response: ClientResponse
        if let base = vector["base_url"]?.text {
            request.publicURL = base
            response = try GlanceV1().render(.done, of: .listVersions(status: 300), for: request)
            #expect(response.head.status == 300)
        } else if let members = vector["members"]?.array?.compactMap(\.object) {
            let list = members.map { Member(id: $0["member_id"]?.text ?? "", canShare: $0["can_share"]?.boolean) }
            response = try GlanceV1().render(.members(MemberList(list)), of: .listMembers(id: "x"), for: request)
        } else {
            let shared = (vector["shared_images"]?.array ?? []).compactMap(\.object).map {
                SharedImage(imageID: $0["image_id"]?.text ?? "", canShare: $0["can_share"]?.boolean ?? false)
            }
            response = try GlanceV1()
                .render(.sharedImages(shared), of: .listSharedImages(.sharedWith("m")), for: request)
        }
        #expect(Vectors.same(try Self.json(response), vector["renders"]?.object?["json"]))
    }

    @Test(arguments: cases("render_errors"))
    func `a failure is told`(_ test: Case) throws {
        let vector = try test.vector
        let error = try #require(vector["error"]?.object)
        let expected = try #require(vector["renders"]?.object)
        let kinds: [Int64: Failure.Kind] = [
            400: .badRequest, 401: .unauthorized, 403: .forbidden, 404: .unknownPath, 409: .conflict,
        ]
        let kind = try #require(kinds[error["status"]?.integer ?? 0])
        let failure = Failure(
            kind, error["detail"]?.text ?? error["explanation"]?.text ?? "", isDetail: error["detail"] != nil)
        var fields = Fields()
        if let accept = vector["accept"]?.text { fields.append("Accept", accept) }
        let response = test.dialect.render(failure, for: Vectors.clientRequest("GET", "/images/x", fields))
        #expect(response.head.status == expected["status"]?.integer.map { Int($0) })
        #expect(response.head.fields["content-type"] == expected["content_type"]?.text)
        if let body = expected["body"]?.text { #expect(try Self.text(response) == body) }
        if let json = expected["json"] { #expect(Vectors.same(try Self.json(response), json)) }
    }

    // MARK: Reading answers

    private static func pairs(_ json: JSONValue?) -> [[String]] {
        (json?.array ?? []).compactMap(\.array).map { $0.compactMap(\.text) }
    }

    private static func text(_ response: ClientResponse) throws -> String {
        guard case .bytes(let bytes) = response.body else { throw Vectors.Fault(description: "no body") }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func json(_ response: ClientResponse) throws -> JSONValue {
        #expect(response.head.fields["content-type"] == "application/json")
        guard case .bytes(let bytes) = response.body else { throw Vectors.Fault(description: "no document") }
        return try JSONReader.parse(bytes)
    }

    private static func list(_ response: ClientResponse) async throws -> JSONValue {
        guard case .list(let rendering) = response.body else { throw Vectors.Fault(description: "no list") }
        return try JSONReader.parse(try await Vectors.bytes(of: rendering))
    }
}
