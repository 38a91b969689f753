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
        if dialect == "image-v2" {
            fields = modernFields(call)
            body = modernBody(call)
        } else if path.last == "members", call.method == "PUT" {
            body = Array(#"{"memberships": [{"member_id": "m"}]}"#.utf8)
        }
        let target = path.joined(separator: "/")
        return (
            Vectors.clientRequest(
                call.method, target, fields, framing: body.isEmpty ? .none : .length(Int64(body.count))), body
        )
    }

    private static func modernFields(_ call: OfferedOperation.Call) -> Fields {
        switch (call.method, call.path.hasSuffix("/file") || call.path.hasSuffix("/stage")) {
        case ("PUT", true): Fields([("Content-Type", "application/octet-stream")])
        case ("PATCH", _): Fields([("Content-Type", ImageV2Calls.patchType)])
        default: Fields()
        }
    }

    /// What the call's document must say at least.
    private static func modernBody(_ call: OfferedOperation.Call) -> [UInt8] {
        let text =
            switch (call.method, call.path.split(separator: "/").last) {
            case ("POST", "images"): "{}"
            case ("PATCH", _): "[]"
            case ("POST", "members"): #"{"member": "m"}"#
            case ("PUT", "MEMBER"): #"{"status": "accepted"}"#
            case ("POST", "import"): #"{"method": {"name": "glance-direct"}}"#
            case ("POST", "locations"): #"{"url": "http://h/x"}"#
            default: ""
            }
        return Array(text.utf8)
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
        return [Glance2010(), GlanceV1(), Plankton(settings: plankton), ImageV2()]
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
    private static func outcome(_ operation: Operation, isModern: Bool) -> Outcome {
        var image = Image()
        image[.id] = .text(id)
        switch operation {
        case .listImages: return .images(ImageArray([]))
        case .showImage, .createImage, .updateImage: return .image(image)
        case .downloadImage: return .data(image, BytesBody([1]))
        case .listMembers: return .members(MemberList([]))
        case .listSharedImages: return .sharedImages([])
        case .addMember(let id, let member) where isModern: return .member(member, imageID: id)
        case .showMember(let id, let member), .setMemberStatus(let id, let member, _):
            return .member(Member(id: member), imageID: id)
        case .listLocations: return .locations([])
        case .describe:
            return .capabilities(
                RegistryCapabilities(importMethods: ["glance-direct"], stores: [.init(id: "s")], hasLocationCalls: true)
            )
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
            let response = try dialect.render(
                Self.outcome(operation, isModern: dialect.name == "image-v2"), of: operation, for: request)
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
