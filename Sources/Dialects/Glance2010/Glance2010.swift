import Bytes
import HTTP
public import Images

/// The first Glance API, of December 2010: no version in the path, one image type in place of two formats, sizes and times
/// as text (glance-2010.md).
public struct Glance2010: ClientDialect {
    public var settings: Settings

    public init(settings: Settings = .init()) { self.settings = settings }

    public struct Settings: Sendable, Equatable {
        /// Whose form the answers have; requests of both are accepted.
        public enum Profile: String, Sendable, CaseIterable {
            /// The documentation of 20 December 2010.
            case seed
            /// Release 0.1.7, for Nova of that time.
            case bexar
        }

        public var profile: Profile
        /// Storage systems that a request may name.
        public var stores: [String]
        /// The type `vhd`, in use for days in February 2011, stands for `vhd`/`ovf`.
        public var allowsVHD: Bool
        /// Rules of values that later clients send as well (glance-v1 §2).
        public var values: GlanceValues
        /// Most properties that one request may carry.
        public var maxProperties: Int
        /// Largest JSON document of an update, in bytes.
        public var maxDocumentBytes: Int

        public init(_ profile: Profile = .seed) {
            self.profile = profile
            stores = ["file", "swift", "s3"]
            allowsVHD = true
            values = GlanceValues()
            maxProperties = 128
            maxDocumentBytes = 1 << 20
        }
    }

    public var name: String { "glance-2010" }

    public func route(_ request: ClientRequest) throws(Failure) -> Route {
        guard let resource = Resource(request.path),
            let action = Self.actions.first(where: { $0.method == request.head.method && $0.resource == resource.kind })
        else { throw Failure(.unknownPath) }
        return Route(action.action, imageID: resource.imageID)
    }

    /// Every other method on these paths does not exist either: this dialect has no 405 (glance-2010 §1).
    private static let actions: [(method: String, resource: Resource.Kind, action: Route.Action)] = [
        ("GET", .collection, .list), ("POST", .collection, .create), ("GET", .detail, .listDetail),
        ("HEAD", .image, .show), ("GET", .image, .download), ("PUT", .image, .update), ("DELETE", .image, .delete),
    ]

    /// What a path names; a slash at its end makes no difference.
    struct Resource {
        enum Kind { case collection, detail, image }

        let kind: Kind
        let imageID: String

        /// Nil: no such path. The root is the collection, too.
        init?(_ path: String) {
            var rest = Array(path.utf8)[...]
            while rest.last == UInt8(ascii: "/") { rest.removeLast() }
            guard !rest.isEmpty, !rest.elementsEqual("/images".utf8) else {
                (kind, imageID) = (.collection, "")
                return
            }
            guard rest.starts(with: "/images/".utf8), let id = Self.id(in: rest.dropFirst("/images/".utf8.count)),
                !id.sameBytes(as: "new")
            else { return nil }
            (kind, imageID) = id.sameBytes(as: "detail") ? (.detail, "") : (.image, id)
        }

        /// One segment; or, where clients put a whole URI, plain or encoded, its last segment (glance-2010 §1).
        private static func id(in rest: ArraySlice<UInt8>) -> String? {
            guard let decoded = PercentCoding.decodeStrict(rest), let text = String(validating: decoded, as: UTF8.self)
            else { return nil }
            guard URLScheme.of(text) != nil else {
                return !rest.contains(UInt8(ascii: "/")) && PathSegments.isSafe(text) ? text : nil
            }
            let parts = text.utf8.split(separator: UInt8(ascii: "/"))
            guard parts.count > 2, let last = parts.last.map({ String(Substring($0)) }), PathSegments.isSafe(last)
            else {
                return nil
            }
            return last
        }
    }
}
