import Bytes
import Dialects
import HTTP
import Images
import Server

/// An explanation as it is printed: a word at the line's beginning, what it says behind it.
struct ExplanationText {
    private(set) var text = ""
    private static let column = 11
    /// Longest document shown whole, in bytes.
    private static let maxDocument = 4096

    mutating func line(_ title: String, _ content: String) {
        text += title + String(repeating: " ", count: max(1, Self.column - title.utf8.count)) + content + "\n"
    }

    mutating func more(_ content: String) {
        text += String(repeating: " ", count: Self.column) + content + "\n"
    }

    // MARK: The road

    mutating func request(_ request: ExplainedRequest) {
        let body = request.body.isEmpty ? "no body" : "a body of \(request.body.count) bytes"
        line("request", "\(request.head.method) \(request.head.target), \(request.head.fields.count) fields, \(body)")
    }

    mutating func mount(
        _ mount: Configuration.Mount, _ backend: Configuration.Backend,
        _ judged: (dialect: String, evidence: String?)
    ) {
        let prefix = mount.prefix.isEmpty ? "/" : mount.prefix
        line("mount", "\(prefix), the longest prefix of this path")
        let why =
            mount.dialect != "auto"
            ? "as the mount says" : judged.evidence.map { "decided by: \($0)" } ?? "nothing decided, so the fallback"
        line("dialect", "\(judged.dialect): \(why)")
        let place = backend.text("url") ?? backend.text("directory") ?? ""
        line("backend", "\(backend.name): \(backend.dialect) \(place)")
    }

    mutating func operation(_ operation: Images.Operation?, _ message: String?) {
        if let message {
            return line("operation", "none: \(message) is relayed as it is, both sides speak the same dialect")
        }
        guard let operation else {
            return line("operation", "none: the gateway answers by itself")
        }
        line("operation", operation.name + (operation.imageID.map { " of image \($0)" } ?? ""))
        for detail in Self.details(of: operation) { more(detail) }
    }

    mutating func plan(_ exchanges: [RecordingTransport.Exchange]?, _ backend: Configuration.Backend, isLive: Bool) {
        guard let exchanges else { return line("plan", "the embedded registry does it, nothing is sent") }
        guard !exchanges.isEmpty else { return line("plan", "nothing is sent") }
        line("plan", exchanges.count == 1 ? "one request" : "\(exchanges.count) requests, in this order")
        for (place, exchange) in exchanges.enumerated() {
            more("\(place + 1). \(exchange.method) \(exchange.target)")
            for field in exchange.fields {
                let isSecret = field.isNamed("x-auth-token")
                let value = isSecret ? "(the token)" : String(decoding: field.value, as: UTF8.self)
                more("   \(field.nameText): \(value)")
            }
            if let document = exchange.document {
                more("   " + Self.shown(document))
            } else if exchange.takesData {
                more("   (image data\(exchange.dataLength.map { ", \($0) bytes" } ?? ", length unknown"))")
            }
            let said = isLive ? "answer" : "rehearsed answer"
            more("   \(said): " + (exchange.status.map(String.init) ?? exchange.fault ?? "none"))
        }
    }

    /// The class of every field, in the words of docs/compatibility.md.
    mutating func fields(of operation: Images.Operation, client: String, backend: String) {
        let isCreation: Bool?
        switch operation {
        case .createImage: isCreation = true
        case .updateImage: isCreation = false
        case .listImages, .showImage: isCreation = nil
        default: return
        }
        let said = isCreation == nil ? "" : "said → "
        line(
            "fields",
            "\(said)held by \(backend) → shown by \(client); a number is a difference of docs/compatibility.md")
        for group in CompatibilityPage.classes(client: client, backend: backend, isCreation: isCreation) {
            more("\(group.classes): \(group.fields.joined(separator: ", "))")
        }
    }

    mutating func answer(_ response: ServerResponse, isLive: Bool) async {
        line(
            "answer",
            "\(response.head.status) \(StatusReason.text(response.head.status))" + (isLive ? "" : ", as rehearsed"))
        for field in response.head.fields where isLive || !field.isNamed("x-openstack-request-id") {
            more("\(field.nameText): \(String(decoding: field.value, as: UTF8.self))")
        }
        guard isLive || response.head.status >= 400 else { return }
        switch response.body {
        case .none: break
        case .bytes(let bytes): more(Self.shown(bytes))
        case .stream(let source):
            var bytes: [UInt8] = []
            while bytes.count <= Self.maxDocument, let piece = try? await source.next() { bytes += piece }
            more(Self.shown(bytes))
        }
    }

    // MARK: Values

    private static func shown(_ bytes: [UInt8]) -> String {
        guard let text = String(validating: bytes.prefix(maxDocument), as: UTF8.self) else {
            return "(\(bytes.count) bytes that are no text)"
        }
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return bytes.count > maxDocument ? line + " ..." : line
    }

    private static func described(by operation: Images.Operation) -> Image? {
        switch operation {
        case .createImage(let creation): creation.image
        case .updateImage(let update): update.image
        default: nil
        }
    }

    private static func details(of operation: Images.Operation) -> [String] {
        var lines: [String] = []
        if let image = described(by: operation) {
            for field in image.statedFields {
                lines.append("\(field.rawValue) = \(FieldMarks.text(image[field]).map { "\"\($0)\"" } ?? "null")")
            }
            if let tags = image.tags { lines.append("tags = \(tags)") }
            for property in image.properties.list {
                lines.append("property \(property.name) = \(property.value.map { "\"\($0)\"" } ?? "null")")
            }
        }
        switch operation {
        case .updateImage(let update):
            for name in update.removals { lines.append("removes property \(name)") }
            if update.purgesProperties { lines.append("removes every property that is not named") }
        case .listImages(let query):
            for filter in query.filters { lines.append("only where " + Self.text(filter)) }
            for sort in query.sort {
                lines.append("sorted by \(sort.field.rawValue), \(sort.isAscending ? "asc" : "desc")")
            }
            if let limit = query.limit { lines.append("at most \(limit) images") }
            if let marker = query.marker { lines.append("behind image \(marker)") }
        case .addMember(_, let member): lines.append("member \(member.id)")
        case .removeMember(_, let member, _), .showMember(_, let member): lines.append("member \(member)")
        case .setMemberStatus(_, let member, let status): lines.append("member \(member): \(status)")
        case .replaceMembers(_, let members): lines.append("members \(members.map(\.id))")
        case .addTag(_, let tag), .removeTag(_, let tag): lines.append("tag \(tag)")
        default: break
        }
        switch operation.source {
        case .body(let length)?: lines.append("data: the body" + (length.map { ", \($0) bytes" } ?? ", length unknown"))
        case .location?: lines.append("data: stay at the location")
        case .copyFrom(let url)?: lines.append("data: a copy of \(url)")
        case DataSource.none?, nil: break
        }
        return lines
    }
}

extension ExplanationText {
    fileprivate static func text(_ filter: ImageQuery.Filter) -> String {
        switch filter {
        case .oneOf(let field, let values):
            "\(field.rawValue) is " + values.map { FieldMarks.text($0) ?? "null" }.joined(separator: " or ")
        case .atLeast(let field, let bound): "\(field.rawValue) is at least \(bound)"
        case .atMost(let field, let bound): "\(field.rawValue) is at most \(bound)"
        case .changedSince(let time): "updated_at is later than \(time.text(.canonical))"
        case .property(let name, let value): "property \(name) is \"\(value)\""
        case .tag(let tag): "it has the tag \(tag)"
        case .time(let field, let comparison, let time): "\(field.rawValue) \(comparison.rawValue) \(time.text(.zulu))"
        case .deleted(let wanted): wanted ? "it is deleted" : "it is not deleted"
        }
    }
}
