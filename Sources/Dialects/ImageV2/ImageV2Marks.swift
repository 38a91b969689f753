import Bytes

/// The custom properties that keep what an Image API v2 registry cannot hold natively (mapping §1).
public struct ImageV2Marks: Sendable {
    public enum Mark: String, CaseIterable, Sendable {
        /// Original id that is no UUID.
        case id
        case diskFormat = "disk_format"
        /// Location that the registry refuses.
        case location
        /// Requested store.
        case store
        /// Announced before the data came, or of data the registry does not hold.
        case size, checksum
        /// `True`: published by way of `community`.
        case isPublic = "is_public"
        /// Member ids, comma-separated, that may share.
        case canShare = "can_share"
    }

    public let prefix: String

    public init(prefix: String) { self.prefix = prefix }

    public func name(_ mark: Mark) -> String { prefix + mark.rawValue }

    /// In front of escaped property names.
    public var escapePrefix: String { prefix + "x_" }

    public func isMark(_ name: String) -> Bool { name.utf8.starts(with: prefix.utf8) }
}

/// Image ids towards an Image API v2 registry, which takes only UUIDs (mapping §3.5).
public enum ImageV2ID {
    static let namespace = "6ba7b811-9dad-11d1-80b4-00c04fd430c8"

    /// The id under which the registry has the image; the same id for the same client id, so that no search is needed.
    public static func remote(_ id: String) -> String {
        if UUIDText.isCanonical(id) { return id }
        return (try? UUIDText.version5(namespace: namespace, name: "image:" + id)) ?? id
    }
}
