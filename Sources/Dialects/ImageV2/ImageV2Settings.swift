/// How an Image API v2 registry is used as a backend (mapping §3, §4, §6).
public struct ImageV2Settings: Sendable {
    /// What happens when the registry lets only administrators publish (mapping §3.2).
    public enum PublishRefused: String, Sendable, CaseIterable {
        /// 403 to the client.
        case refuse
        /// Visibility `community` with a mark; lists for clients of other dialects add such images.
        case community
    }

    /// What happens to a location that the registry does not take (mapping §3.6).
    public enum LocationFallback: String, Sendable, CaseIterable {
        /// 400 to the client.
        case refuse
        /// The registry makes a copy (`web-download`).
        case copy = "import"
        /// Only a mark: the image has no data in the registry.
        case reference
    }

    /// Prefix of the custom properties that keep what the registry cannot hold. Nil: no marks, such requests are refused.
    public var markPrefix: String? = "gw_"
    public var publishRefused = PublishRefused.refuse
    public var locationFallback = LocationFallback.refuse
    /// Where the objects of `pithos://u/c/o` can be fetched as `pithosBase/u/c/o`. Nil: such images are references only.
    public var pithosBase: String?
    /// An administrator's token with which new members are accepted at once. Nil: they stay pending.
    public var autoAcceptToken: String?
    /// Images asked for at once; the registry itself cuts at 1000.
    public var pageSize = 1000
    /// Member lists asked for at once while looking for the images shared with somebody.
    public var memberLookups = 8
    /// Reads the image with its member list, so that `can_share` can be shown from its mark; off: always false.
    public var showsCanShare = true
    /// Plankton: registering again removes the members (plankton §2).
    public var resetsMembers = true
    /// Asks once for the registry's image schema, whose rules for single properties decide what must be escaped.
    public var readsSchema = true
    /// The additions of StarlingX: property `store` is the canonical field, its status properties are never purged.
    public var starlingx = false
    /// `host:port` of the registry, taken out of its messages.
    public var authority: String?
    /// Largest JSON document taken from the registry, bytes; of a list: largest image.
    public var maxDocumentBytes = 16 << 20
    /// Bytes read of an error's body.
    public var maxErrorBytes = 65_536
    /// Members of one image that a client may set at once.
    public var maxMembers = 1024
    /// Images looked at for one shared-images answer.
    public var maxSharedImages = 100_000
    /// Updates of one image that may wait for each other.
    public var maxWaitingUpdates = 64
    /// Longest wait of an update for those before it.
    public var maxUpdateWait = Duration.seconds(30)

    public init() {}
}
