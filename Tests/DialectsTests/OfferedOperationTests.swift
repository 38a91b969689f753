import Bytes
import Dialects
import HTTP
import Images
import Testing

/// The operations that the compatibility page offers clients are those that their dialects decode, and no others.
@Suite struct OfferedOperationTests {
    private static let id = "71c675ab-d94f-49cd-a114-e12490b328d9"

    /// A call whose metadata are enough for every operation.
    private static func request(_ call: OfferedOperation.Call, _ dialect: String) -> (ClientRequest, body: [UInt8]) {
        let path = call.path.split(separator: "/", omittingEmptySubsequences: false).map { part in
            switch part {
            case "ID": id
            case "MEMBER", "TAG", "STORE": "m"
            default: String(part)
            }
        }
        var fields = Fields()
        var body: [UInt8] = []
        if call.method == "POST" || call.method == "PUT" {
            fields.append("x-image-meta-name", "n")
            if dialect == "plankton", call.method == "POST" { fields.append("x-image-meta-location", "pithos://u/c/o") }
        }
        if path.last == "members", call.method == "PUT" { body = Array(#"{"memberships": [{"member_id": "m"}]}"#.utf8) }
        let target = path.joined(separator: "/")
        return (
            Vectors.clientRequest(
                call.method, target, fields, framing: body.isEmpty ? .none : .length(Int64(body.count))), body
        )
    }

    private static func decoded(_ dialect: any ClientDialect, _ call: OfferedOperation.Call) throws -> Operation {
        let (request, body) = request(call, dialect.name)
        switch try dialect.decode(try dialect.route(request), request) {
        case .operation(let operation): return operation
        case .document(_, _, let decode): return try decode(body)
        }
    }

    private static var dialects: [any ClientDialect] {
        var plankton = Plankton.Settings()
        plankton.serveData = true
        return [Glance2010(), GlanceV1(), Plankton(settings: plankton)]
    }

    @Test(arguments: OfferedOperation.all.map(\.name))
    func `an offered call is decoded to its operation`(name: String) throws {
        let offered = try #require(OfferedOperation.all.first { $0.name == name })
        for dialect in Self.dialects {
            guard let call = offered.calls[dialect.name] else { continue }
            let operation = try Self.decoded(dialect, call)
            #expect(operation.name == name, "\(dialect.name)")
        }
    }

    /// An outcome of each operation, so that the status can be compared.
    private static func outcome(_ operation: Operation) -> Outcome {
        var image = Image()
        image[.id] = .text(id)
        switch operation {
        case .listImages: return .images(ImageArray([]))
        case .showImage, .createImage, .updateImage: return .image(image)
        case .downloadImage: return .data(image, BytesBody([1]))
        case .listMembers: return .members(MemberList([]))
        case .listSharedImages: return .sharedImages([])
        default: return .done
        }
    }

    @Test(arguments: OfferedOperation.all.map(\.name))
    func `an offered call succeeds with the status it is offered with`(name: String) throws {
        let offered = try #require(OfferedOperation.all.first { $0.name == name })
        for dialect in Self.dialects {
            guard let call = offered.calls[dialect.name] else { continue }
            let operation = try Self.decoded(dialect, call)
            let (request, _) = Self.request(call, dialect.name)
            let response = try dialect.render(Self.outcome(operation), of: operation, for: request)
            #expect(response.head.status == call.status, "\(dialect.name)")
        }
    }

    /// Every method on every path that some dialect has.
    @Test func `what is not offered is not decoded to an operation of another name`() throws {
        let calls = OfferedOperation.all.flatMap(\.calls.values)
        for dialect in Self.dialects {
            let offered = Set(OfferedOperation.all.filter { $0.calls[dialect.name] != nil }.map(\.name))
            for call in calls {
                guard let operation = try? Self.decoded(dialect, call) else { continue }
                #expect(offered.contains(operation.name), "\(dialect.name) \(call.method) \(call.path)")
            }
        }
    }

    @Test func `every dialect has its columns`() {
        #expect(OfferedOperation.dialects == ["glance-2010", "glance-v1", "plankton", "image-v2"])
        #expect(OfferedOperation.all.allSatisfy { $0.calls.keys.allSatisfy(OfferedOperation.dialects.contains) })
    }
}
