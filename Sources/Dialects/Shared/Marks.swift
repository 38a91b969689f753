/// A custom property that keeps what a registry cannot hold natively (mapping §1). The raw value is its name behind the
/// prefix.
public enum Mark: String, CaseIterable, Sendable {
    /// Original id that is no UUID.
    case id
    /// Name that no header carries unchanged, escaped; the registry has the same text for a name.
    case name
    case diskFormat = "disk_format"
    case containerFormat = "container_format"
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
    case visibility
    /// A JSON list.
    case tags
    case protected
    case hidden = "os_hidden"
    case minRAM = "min_ram"
    case minDisk = "min_disk"
    /// `True`: the gateway put the data into the registry's store, so that they go with the image.
    case uploaded
    /// Names of properties that were removed, a JSON list: the registry can only empty them.
    case removed
    /// What the image is while the registry says otherwise: `saving`, because the gateway brings its data; `queued`, because
    /// an empty object stands in their place.
    case status
}

/// The marks of one registry: all begin with the same prefix.
public struct Marks: Sendable {
    public let prefix: String

    public init(prefix: String) { self.prefix = prefix }

    public func name(_ mark: Mark) -> String { prefix + mark.rawValue }

    /// In front of escaped property names.
    public var escapePrefix: String { prefix + "x_" }

    public func isMark(_ name: String) -> Bool { name.utf8.starts(with: prefix.utf8) }
}
