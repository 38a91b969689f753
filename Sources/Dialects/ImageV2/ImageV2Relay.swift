import Bytes
import HTTP
public import Images

/// Image API v2 to a registry of the same API: everything passes but hop-by-hop fields, marks and the registry's address
/// (image-v2 §17, mapping §6.1).
public struct ImageV2Relay: DialectRelay {
    /// Field names of requests that pass, beside the token and the request id.
    public var requestFields: [String]
    /// Field names of answers that pass.
    public var responseFields: [String]
    /// Documents that describe images are translated: what they say is checked and rewritten (image-v2 §16).
    public var translatesDocuments: Bool

    /// Image-v2 §1, §7, §9, §10.
    public static let standardRequestFields = [
        "accept", "accept-language", "content-type", "range", "content-range", "x-image-meta-store",
        "x-openstack-image-size", "openstack-image-import-methods", "user-agent", "content-md5", "if-match",
        "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
    ]
    /// Image-v2 §4, §7, §10.
    public static let standardResponseFields = [
        "content-type", "content-md5", "content-range", "accept-ranges", "etag", "last-modified", "cache-control",
        "location", "openstack-image-import-methods", "openstack-image-store-ids", "accept-patch", "allow",
        "www-authenticate", "retry-after", "warning", "vary", "content-encoding", "content-language",
    ]
    /// Largest document that is read to judge it, in bytes.
    static let maxDocument = 4 << 20
    /// Answers up to this size are read whole, so that they keep their `Content-Length`.
    static let maxBuffered: Int64 = 256 << 10

    /// - Parameter passes: names that pass beside the standard ones.
    public init(passes: PassedFields.Lists = PassedFields.Lists(), translatesDocuments: Bool = false) {
        self.translatesDocuments = translatesDocuments
        requestFields = Self.standardRequestFields + passes.request
        responseFields = Self.standardResponseFields + passes.response
    }

    // MARK: Requests

    public func outline(_ request: ClientRequest) throws(Failure) -> RelayOutline? {
        let path = Self.path(request)
        guard Self.isWithin(path) else { throw Failure(.unknownPath) }
        var method = request.head.method
        let kind = Self.kind(path)
        if translatesDocuments {
            if kind == .images, method == "POST" { return nil }
            if kind == .image, method == "PATCH" || method == "PUT" { return nil }
        }
        // A real registry knows PATCH only; the documented PUT says the same (image-v2 §17).
        var fields = passed(request.head.fields)
        if method == "PUT", kind == .image {
            method = "PATCH"
            if Self.isPlainJSON(request.head.fields["content-type"]) {
                fields.removeAll { ASCII.equalIgnoringCase($0.name, "content-type") }
                fields.append(("Content-Type", Array(ImageV2Calls.patchType.utf8)))
            }
        }
        let body: RelayOutline.Body =
            if request.framing == .none { .none } else if Self.isJudged(method, kind) {
                .inspected(limit: Self.maxDocument)
            } else { .streamed }
        let query = request.query.map { "?" + $0 } ?? ""
        return RelayOutline(method: method, target: path + query, fields: fields, body: body)
    }

    /// The path at the registry: a mount at `/v2` has taken the version away.
    private static func path(_ request: ClientRequest) -> String {
        let mount = request.mountPrefix.utf8
        guard let slash = mount.lastIndex(of: UInt8(ascii: "/")) else { return request.path }
        let last = String(decoding: mount[mount.index(after: slash)...], as: UTF8.self)
        let isVersion = last.utf8.first == UInt8(ascii: "v") && last.utf8.dropFirst().first == UInt8(ascii: "2")
        guard isVersion else { return request.path }
        return "/" + last + (request.path.utf8.elementsEqual("/".utf8) ? "/" : request.path)
    }

    /// Whether no segment, however it is coded, leads upwards or hides something.
    private static func isWithin(_ path: String) -> Bool {
        path.utf8.split(separator: UInt8(ascii: "/")).allSatisfy { part in
            let decoded = PercentCoding.decode(part)
            return !decoded.elementsEqual(".".utf8) && !decoded.elementsEqual("..".utf8)
                && decoded.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }
        }
    }

    /// What a path names, as far as documents that must be judged go there.
    private enum Kind { case images, image, importing, locations, other }

    private static func kind(_ path: String) -> Kind {
        let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { PercentCoding.decode($0) }
        guard let place = parts.firstIndex(where: { $0.elementsEqual("images".utf8) }) else { return .other }
        switch parts.count - place {
        case 1: return .images
        case 2: return .image
        case 3:
            if parts[place + 2].elementsEqual("import".utf8) { return .importing }
            return parts[place + 2].elementsEqual("locations".utf8) ? .locations : .other
        default: return .other
        }
    }

    private static func isJudged(_ method: String, _ kind: Kind) -> Bool {
        switch kind {
        case .images, .importing, .locations: method == "POST" || method == "PUT"
        case .image: method == "PATCH"
        case .other: false
        }
    }

    private static func isPlainJSON(_ type: String?) -> Bool {
        guard let type else { return false }
        return ASCII.equalIgnoringCase(ASCII.trim(String(type.prefix { $0 != ";" })), "application/json")
    }

    private func passed(_ source: Fields) -> [(name: String, value: [UInt8])] {
        source.compactMap { field in
            let name = field.nameText
            return PassedFields.isListed(name, in: requestFields) ? (name, Array(field.value)) : nil
        }
    }

    public func inspect(
        _ document: [UInt8], decoded: Result<Images.Operation, Failure>, marks: Marks?
    ) throws(Failure) {
        guard let value = try? JSONReader.parse(document) else {
            // What this gateway cannot read it cannot judge.
            if case .failure(let failure) = decoded { throw failure }
            throw Failure(.badRequest, "Malformed JSON in request body.")
        }
        if let marks, let name = Self.names(in: value).first(where: marks.isMark) {
            throw Failure(.forbidden, "Attribute '\(name)' is reserved.")
        }
        if case .failure(let failure) = decoded, Self.namesURL(value) { throw failure }
    }

    /// The properties that a document creates or changes: its keys, or the paths of its operations.
    private static func names(in document: JSONValue) -> [String] {
        switch document {
        case .object(let object): object.members.map(\.key)
        case .array(let list):
            list.compactMap(\.object).flatMap { operation in
                operation.members.compactMap { member in
                    guard let path = member.value.text, ["path", "add", "replace", "remove"].contains(member.key)
                    else { return nil }
                    return ASCII.trim(String(path.drop { $0 == "/" || $0 == " " }))
                }
            }
        default: []
        }
    }

    /// Whether an address is, or could be, in it: `uri`, `url`, or a value that goes to locations; what only takes
    /// locations away has none.
    private static func namesURL(_ value: JSONValue) -> Bool {
        switch value {
        case .array(let list): list.contains(where: namesURL)
        case .object(let object): namesURL(object)
        default: false
        }
    }

    private static func namesURL(_ object: JSONObject) -> Bool {
        let putsSomething = object.members.contains { $0.key.sameBytes(as: "value") && !isEmptyList($0.value) }
        return object.members.contains { member in
            if member.key.sameBytes(as: "uri") || member.key.sameBytes(as: "url") { return true }
            if putsSomething, let path = member.value.text, isOfLocations(path) { return true }
            return isOfLocations(member.key) && !isEmptyList(member.value) || namesURL(member.value)
        }
    }

    private static func isOfLocations(_ path: String) -> Bool {
        path.utf8.split(separator: UInt8(ascii: "/")).first.map {
            ASCII.trim(String(decoding: $0, as: UTF8.self)).utf8.starts(with: "locations".utf8)
        } ?? false
    }

    private static func isEmptyList(_ value: JSONValue) -> Bool {
        if case .array(let list) = value { list.isEmpty } else { false }
    }

    // MARK: Answers

    public func response(
        _ reply: RelayedReply, for request: ClientRequest, authority: String?, marks: Marks?
    ) async throws(Failure) -> ClientResponse {
        var fields = Fields()
        var isJSON = false
        for field in reply.fields where isPassed(field.name) {
            if ASCII.equalIgnoringCase(field.name, "location") {
                let address = String(decoding: field.value, as: UTF8.self)
                fields.append(field.name, Self.address(address, for: request, authority: authority))
                continue
            }
            if ASCII.equalIgnoringCase(field.name, "content-type") {
                isJSON = ASCII.lowercased(String(decoding: field.value, as: UTF8.self)).hasPrefix("application/json")
            }
            fields.append(name: Array(field.name.utf8), value: field.value)
        }
        guard reply.status != 204, reply.status != 304, !request.isHead else {
            return ClientResponse(reply.status, fields)
        }
        guard isJSON else { return ClientResponse(reply.status, fields, body: .data(reply.body)) }
        // A versions document names the registry's own address.
        let isVersions = reply.status == 300 || Self.path(request).utf8.starts(with: "/versions".utf8)
        guard let length = reply.body.length, length <= Self.maxBuffered || isVersions else {
            let body: any BodySource =
                if let marks { MarkHidingBody(reply.body, prefix: marks.prefix) } else { reply.body }
            return ClientResponse(reply.status, fields, body: .data(body))
        }
        var bytes = try await Self.collect(reply.body)
        if isVersions, let authority {
            bytes = Self.replacing("http://" + authority, by: request.publicURL, in: bytes)
            bytes = Self.replacing("https://" + authority, by: request.publicURL, in: bytes)
        }
        if let marks {
            var filter = MarkFilter(prefix: marks.prefix)
            bytes = filter.pass(bytes) + filter.finish()
        }
        return ClientResponse(reply.status, fields, body: .bytes(bytes))
    }

    private func isPassed(_ name: String) -> Bool { PassedFields.isListed(name, in: responseFields) }

    /// An address at the registry becomes the gateway's own; every other one stays.
    private static func address(_ text: String, for request: ClientRequest, authority: String?) -> String {
        guard let authority else { return text }
        for scheme in ["http://", "https://"] {
            let root = scheme + authority
            guard text.utf8.starts(with: root.utf8) else { continue }
            let path = String(decoding: text.utf8.dropFirst(root.utf8.count), as: UTF8.self)
            return request.publicURL + folder(request) + path
        }
        return text
    }

    /// What stands before the version in the mount's prefix.
    private static func folder(_ request: ClientRequest) -> String {
        let path = path(request)
        guard path.utf8.count > request.path.utf8.count else { return request.mountPrefix }
        let slash = request.mountPrefix.utf8.lastIndex(of: UInt8(ascii: "/")) ?? request.mountPrefix.utf8.startIndex
        return String(decoding: request.mountPrefix.utf8[..<slash], as: UTF8.self)
    }

    private static func collect(_ body: any BodySource) async throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        do throws(BodyError) {
            while let piece = try await body.next() {
                bytes = bytes.isEmpty ? piece : bytes + piece
                guard bytes.count <= maxBuffered * 4 else { throw .tooLarge("answer of the registry") }
            }
        } catch {
            throw Failure(.badGateway, cause: "registry's answer: \(error)")
        }
        return bytes
    }

    private static func replacing(_ old: String, by new: String, in bytes: [UInt8]) -> [UInt8] {
        let wanted = Array(old.utf8)
        var result: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at...].starts(with: wanted) {
                result += Array(new.utf8)
                at += wanted.count
            } else {
                result.append(bytes[at])
                at += 1
            }
        }
        return result
    }
}
