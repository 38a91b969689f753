import Bytes
import HTTP
public import Images

/// The OpenStack Image API v2 as its clients speak it, with the additions of StarlingX (image-v2.md).
public struct ImageV2: ClientDialect {
    public var settings: Settings

    public init(settings: Settings = Settings()) { self.settings = settings }

    public var name: String { "image-v2" }

    public var relay: (any DialectRelay)? {
        ImageV2Relay(passes: settings.passes, translatesDocuments: settings.starlingx)
    }

    /// How the dialect is served (image-v2 §16, §17).
    public struct Settings: Sendable {
        /// Shows where the data is as `direct_url`; may tell credentials.
        public var showDirectURL = false
        public var showLocations = false
        public var showStores = false
        /// Checks the properties that StarlingX adds, and keeps those that its server sets from clients (image-v2 §16).
        public var starlingx = false
        /// A JSON boolean or integer for such a property becomes its text; else 400 as Glance answers.
        public var starlingxLenient = false
        public var diskFormats = RegistryCapabilities.glanceDiskFormats
        public var containerFormats = RegistryCapabilities.glanceContainerFormats
        /// What crosses to a registry of the same dialect beside the standard fields.
        public var passes = PassedFields.Lists()

        public init() {}
    }

    public func route(_ request: ClientRequest) throws(Failure) -> Route {
        guard let resource = resource(of: request) else { throw Failure(.unknownPath) }
        if case .versions = resource { return Route(.versions, isAnonymous: true) }
        if resource == .root { return Route(.versions) }
        if resource == .other { return Route(.relayOnly) }
        let method = request.head.method
        guard let action = resource.methods.first(where: { $0.method == method })?.action else {
            throw Failure(
                .methodNotAllowed, "The method \(method) is not allowed for this resource.", allow: resource.allow)
        }
        if !resource.imageID.isEmpty {
            // What is no UUID is no image here; a registry of another dialect may know other ids.
            guard PathSegments.isImageID(resource.imageID) else {
                throw Failure(.imageNotFound, Self.unknownImage(resource.imageID))
            }
        }
        return Route(action, imageID: resource.imageID, memberID: resource.memberID, name: resource.name)
    }

    static func unknownImage(_ id: String) -> String { "No image found with ID \(id)" }
}

extension ImageV2 {
    /// What a path names (image-v2 §7).
    enum Resource: Equatable {
        case versions(isExplicit: Bool)
        /// `/v2`, which leads to `/v2/`, which is no path (image-v2 §1).
        case root
        case images
        case image(String)
        case file(String)
        case stage(String)
        case importing(String)
        case deactivate(String)
        case reactivate(String)
        case tag(String, String)
        case members(String)
        case member(String, String)
        case locations(String)
        case storeOfImage(String, store: String)
        case schema(String)
        case importInfo
        case stores
        case storesDetail
        /// Known to registries of this dialect, without canonical meaning.
        case other

        /// Methods in the order of `Allow`, with what they ask for. `PUT` of an image is the document's form of `PATCH` and
        /// is not told.
        var methods: [(method: String, action: Route.Action)] {
            switch self {
            case .versions, .root, .other: []
            case .images: [("GET", .list), ("POST", .create)]
            case .image: [("GET", .show), ("PATCH", .update), ("DELETE", .delete), ("PUT", .update)]
            case .file: [("GET", .download), ("PUT", .upload)]
            case .stage: [("PUT", .stage)]
            case .importing: [("POST", .importImage)]
            case .deactivate: [("POST", .deactivate)]
            case .reactivate: [("POST", .reactivate)]
            case .tag: [("PUT", .addTag), ("DELETE", .removeTag)]
            case .members: [("GET", .listMembers), ("POST", .addMember)]
            case .member: [("GET", .showMember), ("PUT", .setMemberStatus), ("DELETE", .removeMember)]
            case .locations: [("GET", .listLocations), ("POST", .addLocation)]
            case .storeOfImage: [("DELETE", .deleteFromStore)]
            case .schema: [("GET", .schema)]
            case .importInfo: [("GET", .importInfo)]
            case .stores: [("GET", .stores)]
            case .storesDetail: [("GET", .storesDetail)]
            }
        }

        var allow: String {
            let told = if case .image = self { Array(methods.dropLast()) } else { methods }
            return told.map(\.method).joined(separator: ", ")
        }

        var imageID: String {
            switch self {
            case .image(let id), .file(let id), .stage(let id), .importing(let id), .deactivate(let id),
                .reactivate(let id), .tag(let id, _), .members(let id), .member(let id, _), .locations(let id),
                .storeOfImage(let id, _):
                id
            default: ""
            }
        }

        var memberID: String { if case .member(_, let id) = self { id } else { "" } }

        /// A tag, a store's id, a schema's name.
        var name: String {
            switch self {
            case .tag(_, let name), .storeOfImage(_, let name), .schema(let name): name
            default: ""
            }
        }
    }

    static let schemas = ["image", "images", "member", "members"]

    /// First segments behind the version that belong to the API and have no canonical meaning.
    private static let relayedOnly = [
        "tasks", "metadefs", "cache", "cached_images", "queued_images", "info", "discover",
    ]

    /// Nil: no such path.
    func resource(of request: ClientRequest) -> Resource? {
        let parts = ASCII.split(request.path, UInt8(ascii: "/")).dropFirst()
        var segments: [String] = []
        for part in parts {
            guard let text = String(validating: PercentCoding.decode(part.utf8), as: UTF8.self) else { return nil }
            segments.append(text)
        }
        if Self.isVersioned(request) {
            let isRoot = segments == [""] && request.head.path.utf8.last != UInt8(ascii: "/")
            return isRoot ? .root : Self.resource(below: segments[...])
        }
        guard let first = segments.first, !first.isEmpty else { return .versions(isExplicit: false) }
        if first.sameBytes(as: "versions") { return .versions(isExplicit: true) }
        if Self.isVersion(first) { return segments.count == 1 ? .root : Self.resource(below: segments.dropFirst()) }
        if Self.asksForVersion(request) { return Self.resource(below: segments[...]) }
        return .versions(isExplicit: false)
    }

    /// Whether the mount itself is the version: then paths stand below it.
    static func isVersioned(_ request: ClientRequest) -> Bool {
        let prefix = request.mountPrefix.utf8
        guard let slash = prefix.lastIndex(of: UInt8(ascii: "/")) else { return false }
        return isVersion(String(decoding: prefix[prefix.index(after: slash)...], as: UTF8.self))
    }

    /// The newest one there is (image-v2 §3).
    private static let maxMinor: Int64 = 18

    /// `v2`, `v2.0` to `v2.18`.
    private static func isVersion(_ text: String) -> Bool {
        if text.sameBytes(as: "v2") { return true }
        guard text.utf8.starts(with: "v2.".utf8) else { return false }
        let digits = Array(text.utf8.dropFirst(3))
        guard digits.count == 1 || digits.first != UInt8(ascii: "0"), let minor = ASCII.decimal(digits) else {
            return false
        }
        return minor <= maxMinor
    }

    /// `Accept: application/vnd.openstack.images-v2.N` (image-v2 §1).
    static func asksForVersion(_ request: ClientRequest) -> Bool {
        request.head.fields.all("accept").contains { value in
            let text = ASCII.lowercased(String(decoding: value, as: UTF8.self))
            return text.utf8.starts(with: "application/vnd.openstack.images-v2".utf8)
        }
    }

    private static func resource(below segments: ArraySlice<String>) -> Resource? {
        let parts = Array(segments)
        guard let first = parts.first, !first.isEmpty else { return nil }
        guard parts.allSatisfy({ !$0.isEmpty && PathSegments.isSafe($0) }) else { return nil }
        switch (first, parts.count) {
        case ("images", 1): return .images
        case ("images", 2): return .image(parts[1])
        case ("images", 3): return resource(of: parts[1], parts[2])
        case ("images", 4):
            switch parts[2] {
            case "tags": return .tag(parts[1], parts[3])
            case "members": return .member(parts[1], parts[3])
            case "actions" where parts[3] == "deactivate": return .deactivate(parts[1])
            case "actions" where parts[3] == "reactivate": return .reactivate(parts[1])
            default: return nil
            }
        case ("schemas", 2): return schemas.contains(parts[1]) ? .schema(parts[1]) : .other
        case ("stores", 3): return .storeOfImage(parts[2], store: parts[1])
        case ("info", 2) where parts[1] == "import": return .importInfo
        case ("info", 2) where parts[1] == "stores": return .stores
        case ("info", 3) where parts[1] == "stores" && parts[2] == "detail": return .storesDetail
        case ("schemas", _): return .other
        default: return relayedOnly.contains(first) ? .other : nil
        }
    }

    private static func resource(of id: String, _ part: String) -> Resource? {
        switch part {
        case "file": .file(id)
        case "stage": .stage(id)
        case "import": .importing(id)
        case "members": .members(id)
        case "locations": .locations(id)
        case "tasks": .other
        default: nil
        }
    }
}
