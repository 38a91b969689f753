import Backends
import Bytes
import Dialects
import HTTP
import Images
import Testing

/// The story of a real server, with the gateway between the clients that told it and the server that answered: what
/// clients are shown is what it said, what it is sent is what they meant.
@Suite struct PlanktonRecordedTests {
    /// Exchanges that end otherwise on purpose, below the reason.
    private static let meant: KeyValuePairs<String, [String]> = [
        "paths are read by the guides, not by the server's patterns; one slash at the end is allowed (plankton §3.1)": [
            "versions/x-json", "versions/v1x0", "versions/outside-v1", "list-empty/v1.0 images/detail/",
            "list-empty/v1 images/detail/", "list-empty/absolute-target", "list-empty/percent-encoded-slash",
            "show/HEAD trailing-slash", "update/trailing-slash", "members/list-trailing-slash",
            "members/add-trailing-slash", "members/remove-trailing-slash", "members/replace-trailing-slash",
            "shared/tail bob/", "unregister/trailing-slash",
        ],
        "an id that is no UUID is of no image (plankton §10)": [
            "show/HEAD bad-id", "show/HEAD number", "show/HEAD id-underscore", "show/HEAD id-dot",
            "show/HEAD id-one-long", "update/bad-id", "update/bad-id-bad-header", "members/replace/bad-id",
            "members/list bad-id", "members/add bad-id", "members/remove bad-id", "unregister/bad-id",
            "unknown/GET /images/%CE%B1%CE%B2/members",
        ],
        "a member that no path can name shares nothing": ["shared/tail a%20b", "shared/tail *"],
        "the gateway's own dialect refuses what would be stored unseen (plankton §5, §7.6)": [
            "register/property-no-name", "members/replace/star", "members/replace/member-id-empty",
            "members/replace/nan",
        ],
        "an owner is refused by a backend that cannot change it (plankton §7.3)": ["update/owner"],
        "what changes nothing is not sent (mapping §4.3)": ["storage/writer-PUT is-public same value"],
        "registering again resets everything, as the guides say (plankton §2)": [
            "register/location-unquoted-spaces", "register/snapshot-location", "register/properties-newline-removed",
            "reregister/4-other-name",
        ],
        "what the server has no field for is kept in a mark (mapping §3)": [
            "register/field-Min-Disk=10", "register/field-Min-Ram=10", "update/field-Min-Disk=1",
        ],
        "a state that the server does not know is shown as saving (mapping §3.1)": [
            "update/status-saving", "update/status-active", "update/status-killed", "update/status-unicode",
        ],
        "a list that is not there is no image of the client's": ["token/identity-404"],
    ]

    @Test func `the story of a real server is the same through the gateway`() async throws {
        let story = RecordedExchange.all
        #expect(story.count > 750)
        let server = RecordedServer()
        let gateway = RecordedGateway(server)
        let meant = Set(Self.meant.flatMap(\.value))
        var differing: Set<String> = []
        for exchange in story {
            server.begin(exchange)
            let complaints = await gateway.tell(exchange)
            server.end()
            if !complaints.isEmpty { differing.insert(exchange.name) }
            guard !meant.contains(exchange.name) else { continue }
            for complaint in complaints { Issue.record("\(exchange.name): \(complaint)") }
        }
        #expect(meant.subtracting(differing).isEmpty, "listed, but the same")
        // Nothing of this proves anything if the server was never asked.
        #expect(gateway.tally["done", default: 0] > 300 && gateway.tally["refused", default: 0] > 100)
    }
}

/// The gateway as one exchange sees it: decoding, backend, rendering.
private final class RecordedGateway {
    private let dialect = Plankton(settings: Plankton.Settings(.synnefo))
    private let server: RecordedServer
    private let backend: any Backend
    private(set) var tally: [String: Int] = [:]

    init(_ server: RecordedServer) {
        self.server = server
        backend = PlanktonBackend(transport: server).underContract()
    }

    /// Everything that is otherwise than recorded.
    func tell(_ exchange: RecordedExchange) async -> [String] {
        let request = exchange.clientRequest
        let operation: Images.Operation
        do throws(Failure) {
            let route = try dialect.route(request)
            if route.action == .versions { return exchange.status == 200 ? [] : ["versions"] }
            operation = try decoded(route, request, exchange.requestBody)
        } catch {
            return exchange.status >= 400 ? [] : ["refused by the dialect: \(error.message)"]
        }
        let caller = Caller(token: dialect.token(in: request))
        do throws(Failure) {
            let outcome = try await backend.perform(BackendRequest(operation: operation, caller: caller, requestID: ""))
            tally["done", default: 0] += 1
            guard exchange.status < 400 else { return ["done, recorded \(exchange.status)"] }
            return try await complaints(outcome, operation, request, exchange) + sent(operation, request)
        } catch {
            tally["refused", default: 0] += 1
            let status = dialect.render(error, for: request).head.status
            return status == exchange.status ? [] : ["\(status), recorded \(exchange.status): \(error.message)"]
        }
    }

    private func decoded(
        _ route: Route, _ request: ClientRequest, _ body: [UInt8] = []
    ) throws(Failure) -> Images.Operation {
        switch try dialect.decode(route, request) {
        case .operation(let operation): operation
        case .document(_, _, let decode): try decode(body)
        }
    }

    // MARK: What the client is shown

    private func complaints(
        _ outcome: Outcome, _ operation: Images.Operation, _ request: ClientRequest, _ exchange: RecordedExchange
    ) async throws(Failure) -> [String] {
        switch outcome {
        case .image: return compare(try dialect.render(outcome, of: operation, for: request), with: exchange)
        case .images(let source): return try await compare(source, with: exchange)
        case .members(let list):
            let document = (try? JSONReader.parse(exchange.replyBody))?.object ?? JSONObject()
            let wanted = try Plankton.members(document, owner: list.owner).map(\.id)
            return list.members.map(\.id) == wanted ? [] : ["members \(list.members.map(\.id))"]
        case .sharedImages(let list):
            let document = (try? JSONReader.parse(exchange.replyBody))?.object ?? JSONObject()
            return list == (try Plankton.sharedImages(document)) ? [] : ["shared images \(list)"]
        default: return exchange.status == 204 ? [] : ["\(exchange.status) recorded"]
        }
    }

    /// Fields without a canonical one: volumes and their snapshots are another service's (plankton §4).
    private static let foreign = ["is-snapshot", "description"]
    private static let moments = ["created-at", "updated-at"]

    private func compare(_ response: ClientResponse, with exchange: RecordedExchange) -> [String] {
        let shown = RecordedExchange.meta(response.head.fields)
        guard let recorded = exchange.answeredMeta else { return ["no image was recorded"] }
        // An update that changes nothing is not sent, so that its moment stays.
        let isUntouched = exchange.method == "PUT" && !server.calls.contains { $0.method == "PUT" }
        let ignored = Self.foreign + (isUntouched ? Self.moments : [])
        return Set(shown.keys).union(recorded.keys).sorted().compactMap { key in
            shown[key] == recorded[key] || ignored.contains(key)
                ? nil : "\(key) is \(shown[key] ?? "absent"), recorded \(recorded[key] ?? "absent")"
        }
    }

    /// The server ignores filters, the gateway does not: what it shows must be as recorded, and what it does not show must
    /// have been asked away.
    private func compare(_ source: any ImageSource, with exchange: RecordedExchange) async throws(Failure) -> [String] {
        let entries = (try? JSONReader.parse(exchange.replyBody))?.array ?? []
        var records: [Image] = []
        for entry in entries { records.append(try Plankton.Record(entry.object ?? JSONObject()).image) }
        var complaints: [String] = []
        var shown = 0
        while var image = try await source.next() {
            shown += 1
            guard var record = records.first(where: { $0.id == image.id }) else {
                complaints.append("\(image.id) was not recorded")
                continue
            }
            // The one translated value: a dump nobody registered through the gateway is raw (mapping §3.4).
            if record.text(.diskFormat) == "diskdump" { record[.diskFormat] = .text("raw") }
            image.members = nil
            if image != record { complaints.append("\(image.id) is \(image), recorded \(record)") }
        }
        let isFiltered = ["name=", "status=", "_format=", "size_"].contains { filter in
            exchange.target.split(separator: "?").dropFirst().joined().contains(filter)
        }
        if shown < entries.count, !isFiltered { complaints.append("\(shown) images, recorded \(entries.count)") }
        return complaints
    }

    // MARK: What the server is sent

    /// Every call is one that all releases understand (plankton §10), and says what the client's did.
    private func sent(_ operation: Images.Operation, _ request: ClientRequest) throws(Failure) -> [String] {
        var complaints: [String] = []
        for call in server.calls {
            let names = call.fields.map { ASCII.lowercased($0.nameText) }
            for name in names where name.contains("_") || ["x-image-meta-size", "x-image-meta-owner"].contains(name) {
                complaints.append("\(call.method) sends \(name)")
            }
            if Set(names).count < names.count { complaints.append("\(call.method) sends a name twice") }
        }
        switch operation {
        case .createImage(let wanted):
            guard let call = server.calls.first(where: { $0.method == "POST" }) else { return complaints }
            if case .createImage(let said) = try understood(call), said.image != plain(wanted.image) {
                complaints.append("registers \(said.image), meant \(wanted.image)")
            }
        case .updateImage(let wanted): complaints += try sent(wanted)
        default: break
        }
        return complaints
    }

    /// Without what no server is sent.
    private func plain(_ image: Image) -> Image {
        var image = image
        for field in [ImageField.size, .owner, .minRAM, .minDisk] { image[field] = .absent }
        return image
    }

    private func understood(_ call: RegistryCall) throws(Failure) -> Images.Operation {
        let head = RequestHead(method: call.method, target: call.target, fields: call.fields)
        let request = ClientRequest(
            head: head, path: String(head.path), query: nil, mountPrefix: "", publicURL: "", framing: .none,
            requestID: "")
        return try decoded(try dialect.route(request), request)
    }

    /// What is sent is what was meant, less what is so already.
    private func sent(_ wanted: ImageUpdate) throws(Failure) -> [String] {
        guard let fields = server.fields(of: ASCII.lowercased(wanted.id)) else { return ["of an image never seen"] }
        let present = try Plankton.Record(fields).image
        var said = ImageUpdate(id: wanted.id, image: Image())
        if let call = server.calls.first(where: { $0.method == "PUT" }),
            case .updateImage(let update) = try understood(call)
        {
            said = update
        }
        var complaints: [String] = []
        for field in Set(wanted.image.statedFields).union(said.image.statedFields)
        where said.image[field] != wanted.image[field] {
            guard said.image[field].isAbsent, present[field] == wanted.image[field] || field == .owner else {
                complaints.append("\(field) is said to be \(said.image[field]), meant \(wanted.image[field])")
                continue
            }
        }
        var after = present.properties
        for property in said.image.properties.list { after.set(property.name, property.value) }
        for name in said.removals { after.remove(name) }
        var meant = present.properties
        for property in wanted.image.properties.list { meant.set(property.name, property.value) }
        for name in wanted.removals { meant.remove(name) }
        if after != meant { complaints.append("properties become \(after.list), meant \(meant.list)") }
        return complaints
    }
}
