import Bytes
import HTTP
public import Images

/// The OpenStack Image API v1.0 and v1.1, as Glance spoke it from 2011 to 2018: metadata in `x-image-meta-*` headers, data
/// in bodies (glance-v1.md).
public struct GlanceV1: ClientDialect {
    public var settings: Settings

    public init(settings: Settings = .init()) {
        self.settings = settings
    }

    public var name: String { "glance-v1" }

    public func route(_ request: ClientRequest) throws(Failure) -> Route {
        guard let resource = resource(of: request) else { throw Failure(.unknownPath) }
        if case .versions = resource { return Route(.versions, isAnonymous: true) }
        let method = request.head.method
        if resource == .collection, method == "PUT", let id = idHeader(of: request) {
            guard PathSegments.isImageID(id) else { throw Failure(.imageNotFound) }
            return Route(.update, imageID: id)
        }
        guard let action = resource.methods.first(where: { $0.method == method })?.action else {
            throw Failure(.methodNotAllowed, GlanceMessage.wrongMethod(method), allow: resource.allow)
        }
        let id = resource.imageID
        guard id.isEmpty || PathSegments.isImageID(id) else {
            throw Failure(.imageNotFound, GlanceMessage.unknownImage(id), isDetail: true)
        }
        return Route(action, imageID: id, memberID: resource.memberID)
    }

    /// The image that `PUT /images` means (glance-v1 §1); nil without header or when it is no text.
    private func idHeader(of request: ClientRequest) -> String? {
        MetadataHeaders.value(of: "x_image_meta_id", in: request.head.fields)
            .flatMap { String(validating: $0, as: UTF8.self) }
            .flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension GlanceV1 {
    /// What a path names (glance-v1 §1).
    enum Resource: Equatable {
        case versions(isExplicit: Bool)
        case root, collection, detail
        case image(String)
        case members(String)
        case member(String, String)
        case shared(String)

        /// Methods in the order of `Allow`, with what they ask for.
        var methods: [(method: String, action: Route.Action)] {
            switch self {
            case .versions: [("GET", .versions), ("HEAD", .versions), ("POST", .versions)]
            case .root: [("GET", .list)]
            case .collection: [("GET", .list), ("POST", .create)]
            case .detail: [("GET", .listDetail)]
            case .image: [("GET", .download), ("HEAD", .show), ("PUT", .update), ("DELETE", .delete)]
            case .members: [("GET", .listMembers), ("PUT", .replaceMembers)]
            case .member: [("PUT", .addMember), ("DELETE", .removeMember)]
            case .shared: [("GET", .listShared)]
            }
        }

        var allow: String { methods.map(\.method).joined(separator: ", ") }

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

    private static let collections = ["images", "shared-images"]
    static let versionSegments = ["v1", "v1.0", "v1.1"]

    /// Whether the mount itself is a version: then the path stands below it.
    static func isVersioned(_ request: ClientRequest) -> Bool {
        versionSegments.contains { request.mountPrefix.hasSuffix("/" + $0) }
    }

    /// Nil: no such path. Above a version every unknown path is the versions document.
    func resource(of request: ClientRequest) -> Resource? {
        guard var segments = PathSegments.decode(request.path, collections: Self.collections) else { return nil }
        if Self.isVersioned(request) { return Self.resource(below: segments[...]) }
        guard let first = segments.first else {
            return Self.asksForVersion(request) ? .root : .versions(isExplicit: false)
        }
        if Self.versionSegments.contains(first) {
            segments.removeFirst()
            return Self.resource(below: segments[...])
        }
        if first == "versions" { return .versions(isExplicit: true) }
        guard settings.acceptsUnversioned || Self.asksForVersion(request), Self.collections.contains(first)
        else { return .versions(isExplicit: false) }
        return Self.resource(below: segments[...])
    }

    private static func resource(below segments: ArraySlice<String>) -> Resource? {
        let segments = Array(segments)
        return switch segments.count {
        case 0: .root
        case 1 where segments[0] == "images": .collection
        case 2 where segments[0] == "images": segments[1] == "detail" ? .detail : .image(segments[1])
        case 2 where segments[0] == "shared-images": .shared(segments[1])
        case 3 where segments[0] == "images" && segments[2] == "members": .members(segments[1])
        case 4 where segments[0] == "images" && segments[2] == "members": .member(segments[1], segments[3])
        default: nil
        }
    }

    /// The version may stand in `Accept` instead of the path.
    static func asksForVersion(_ request: ClientRequest) -> Bool {
        let accept = AcceptHeader(request.head.fields)
        return versionSegments.contains {
            accept.names("application", "vnd.openstack.images-" + $0)
        }
    }
}
