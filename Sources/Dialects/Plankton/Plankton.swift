import Bytes
import HTTP
public import Images

/// The image API of Synnefo (Plankton), as its guides of 2013 and its servers of 2013 to 2018 speak it: metadata in
/// `X-Image-Meta-*` headers, images registered at locations in Pithos+ (plankton.md).
public struct Plankton: ClientDialect {
    public var settings: Settings
    /// The present time as HTTP writes it, for `Expires`; nil: the header is left out.
    public var date: (@Sendable () -> String)?

    public init(settings: Settings = .init(), date: (@Sendable () -> String)? = nil) {
        self.settings = settings
        self.date = date
    }

    public var name: String { "plankton" }

    public func route(_ request: ClientRequest) throws(Failure) -> Route {
        guard let resource = Resource(of: request) else { throw Failure(.unknownPath, Message.unknownPath) }
        guard let action = resource.methods.first(where: { $0.method == request.head.method })?.action else {
            let allow = resource.methods.map(\.method).joined(separator: ", ")
            throw Failure(.methodNotAllowed, Message.wrongMethod, allow: allow)
        }
        return Route(
            action, imageID: resource.imageID, memberID: resource.memberID, isAnonymous: action == .versions)
    }

    /// The query parameter `X-Auth-Token` wins over the header (plankton §3.3); an empty one says nothing.
    public func token(in request: ClientRequest) -> String? {
        if let token = Query(request.query).last("X-Auth-Token"), !token.isEmpty { return token }
        return request.head.fields["x-auth-token"].flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension Plankton {
    /// What a path names (plankton §3.1).
    enum Resource: Equatable {
        case versions, collection, detail
        case image(String)
        case members(String)
        case member(String, String)
        case shared(String)

        /// Nil: no such path. A version prefix is optional; it may also be the end of the mount's own prefix.
        init?(of request: ClientRequest) {
            let isVersioned = Self.versionPrefixes.contains { request.mountPrefix.hasSuffix($0) }
            guard var segments = Self.segments(of: request.path) else { return nil }
            let hasVersion = segments.first.map { Self.versionPrefixes.contains("/" + $0) } ?? false
            if hasVersion { segments.removeFirst() }
            switch segments.count {
            case 0 where !isVersioned && !hasVersion: self = .versions
            case 1 where segments[0] == "images": self = .collection
            case 1 where !isVersioned && !hasVersion && Self.isVersions(segments[0]): self = .versions
            case 2 where segments[0] == "images": self = segments[1] == "detail" ? .detail : .image(segments[1])
            case 2 where segments[0] == "shared-images": self = .shared(segments[1])
            case 3 where segments[0] == "images" && segments[2] == "members": self = .members(segments[1])
            case 4 where segments[0] == "images" && segments[2] == "members": self = .member(segments[1], segments[3])
            default: return nil
            }
        }

        private static let versionPrefixes = ["/v1", "/v1.0"]

        private static func isVersions(_ segment: String) -> Bool {
            segment == ".json" || segment.utf8.starts(with: "versions".utf8)
        }

        /// Decoded segments without the one trailing slash that is allowed; nil for an empty segment, for bytes that are no
        /// text, and for a slash or control character hidden in a segment.
        private static func segments(of path: String) -> [String]? {
            var parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            guard parts.first?.isEmpty ?? true else { return nil }
            parts = Array(parts.dropFirst())
            if parts.last?.isEmpty == true { parts.removeLast() }
            var segments: [String] = []
            for part in parts {
                let bytes = PercentCoding.decode(part)
                guard !bytes.isEmpty, bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "/") }),
                    let text = String(validating: bytes, as: UTF8.self)
                else { return nil }
                segments.append(text)
            }
            return segments
        }

        /// Methods in the order of `Allow`, with what they ask for.
        var methods: [(method: String, action: Route.Action)] {
            switch self {
            case .versions: [("GET", .versions)]
            case .collection: [("GET", .list), ("POST", .create), ("PUT", .replaceAtLocation)]
            case .detail: [("GET", .listDetail)]
            case .image: [("GET", .download), ("HEAD", .show), ("PUT", .update), ("DELETE", .delete)]
            case .members: [("GET", .listMembers), ("PUT", .replaceMembers)]
            case .member: [("DELETE", .removeMember), ("PUT", .addMember)]
            case .shared: [("GET", .listShared)]
            }
        }

        /// `Allow` of a 405 that means "not permitted" (guide B): what somebody without rights may still do.
        var allowedToAnybody: String {
            switch self {
            case .collection: "GET, POST"
            case .image: "GET, HEAD"
            case .member: ""
            case .versions, .detail, .members, .shared: "GET"
            }
        }

        var imageID: String {
            switch self {
            case .image(let id), .members(let id), .member(let id, _): id
            default: ""
            }
        }

        var memberID: String {
            switch self {
            case .member(_, let id), .shared(let id): id
            default: ""
            }
        }
    }

    /// A query's pairs, form-decoded, the last of equal names winning. Bytes that are not UTF-8 become U+FFFD: real servers
    /// look at nothing they do not know (plankton §7.1), so nothing here is an error.
    struct Query {
        private var pairs: [(name: String, value: String)] = []

        init(_ raw: String?) {
            for part in (raw ?? "").utf8.split(separator: UInt8(ascii: "&")) {
                let sign = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
                pairs.append((Self.text(part[..<sign]), Self.text(part[sign...].dropFirst())))
            }
        }

        func last(_ name: String) -> String? { pairs.last { $0.name.sameBytes(as: name) }?.value }

        private static func text(_ bytes: Substring.UTF8View) -> String {
            String(decoding: PercentCoding.decode(bytes, plusIsBlank: true), as: UTF8.self)
        }
    }
}
