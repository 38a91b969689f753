import Bytes
import Dialects
import HTTP
import Images
import Testing

/// Every request of the vectors, decoded under the default profile.
@Suite struct PlanktonDecodeTests {
    private let dialect = Plankton()

    @Test(arguments: Vectors.plankton.names("decode"))
    func `a request means what its vector says`(name: String) throws {
        let vector = try Vectors.plankton.vector("decode", name)
        let expected = try #require(vector["expect"]?.object)
        let (request, body) = try Vectors.request(vector)
        do {
            let operation = try decode(request, body)
            try check(operation, expected)
        } catch let failure as Failure {
            let error = try #require(expected["error"]?.object, "failed: \(failure)")
            try check(failure, error, allow: expected["allow"]?.text, request)
        }
    }

    private func decode(_ request: ClientRequest, _ body: [UInt8]) throws -> Images.Operation {
        switch try dialect.decode(try dialect.route(request), request) {
        case .operation(let operation): operation
        case .document(_, _, let decode): try decode(body)
        }
    }

    private func check(_ failure: Failure, _ error: JSONObject, allow: String?, _ request: ClientRequest) throws {
        let response = dialect.render(failure, for: request)
        guard case .bytes(let bytes) = response.body else { throw Vectors.Fault(description: "no body") }
        let fault = try #require(try JSONReader.parse(bytes).object?.members.first)
        #expect(response.head.status == error["status"]?.integer.map { Int($0) })
        #expect(fault.key == error["fault"]?.text)
        #expect(fault.value.object?["message"]?.text == error["message"]?.text)
        #expect(fault.value.object?["code"] == error["status"])
        if let allow { #expect(response.head.fields["allow"] == allow) }
    }

    private func check(_ operation: Images.Operation, _ expected: JSONObject) throws {
        #expect(operation.name == expected["operation"]?.text)
        if let id = expected["image_id"]?.text { #expect(operation.imageID == id) }
        switch operation {
        case .listVersions(let status): #expect(status == 200)
        case .listImages(let query): try check(query, expected)
        case .createImage(let creation):
            #expect(Vectors.same(.object(Vectors.fields(of: creation.image)), expected["fields"]))
            #expect(creation.source == .location && expected["source"]?.text == "location")
            #expect(creation.replacesAtLocation == (expected["upsert"]?.text == "location"))
            #expect(creation.purgesOnReplace == expected["purge_props"]?.boolean)
            #expect(creation.mustExist == (expected["must_exist"]?.boolean ?? false))
        case .updateImage(let update):
            let fields = Vectors.fields(of: update.image, removals: update.removals)
            #expect(Vectors.same(.object(fields), expected["fields"]))
            #expect(update.source == .none && expected["source"]?.text == "none")
            #expect(update.purgesProperties == expected["purge_props"]?.boolean)
        case .replaceMembers(_, let members):
            let list = expected["members"]?.array ?? []
            #expect(members.map(\.id) == list.compactMap { $0.object?["member_id"]?.text })
            #expect(members.allSatisfy { $0.canShare == nil })
        case .addMember(_, let member):
            #expect(member.id == expected["member_id"]?.text)
            #expect(member.canShare == nil)
        case .removeMember(_, let memberID, let absentIsDone):
            #expect(memberID == expected["member_id"]?.text)
            #expect(absentIsDone)
        case .listSharedImages(let query):
            #expect(expected["direction"]?.text == "by_member")
            #expect(query == .ownedBy(expected["member_id"]?.text ?? ""))
        case .showImage, .downloadImage, .deleteImage, .listMembers: break
        default: Issue.record("\(operation.name) in this dialect")
        }
    }

    private func check(_ query: ImageQuery, _ expected: JSONObject) throws {
        let isAscending = expected["sort_dir"]?.text == "asc"
        let sort = try #require(query.sort.first)
        #expect(sort.field.rawValue == expected["sort_key"]?.text)
        #expect(query.sort.allSatisfy { $0.isAscending == isAscending })
        #expect(query.sort.last?.field == .id)
        #expect(query.limit == nil && query.marker == nil && query.scope == .visible)
        #expect(query.isDetailed == (expected["operation"]?.text == "list_images_detail"))
        let filters = try #require(expected["filters"]?.object)
        var names = Set(filters.members.map(\.key))
        for filter in query.filters {
            switch filter {
            case .oneOf(let field, let values):
                #expect(values.contains(.text(filters[field.rawValue]?.text ?? "?")))
                if field == .name {
                    #expect(values.count == (filters["name_also"] == nil ? 1 : 2))
                    if let also = filters["name_also"]?.text { #expect(values.last == .text(also)) }
                    names.remove("name_also")
                }
                names.remove(field.rawValue)
            case .atLeast(.size, let bound):
                #expect(bound == filters["size_min"]?.integer)
                names.remove("size_min")
            case .atMost(.size, let bound):
                #expect(bound == filters["size_max"]?.integer)
                names.remove("size_max")
            default: Issue.record("unexpected filter \(filter)")
            }
        }
        #expect(names.isEmpty)
    }
}
