public import Dialects

/// How a registry of the first Glance API is used as a backend (mapping §6.5).
public struct Glance2010BackendSettings: Sendable {
    /// Prefix of the properties that keep what the registry has no field for. Nil: such requests are refused.
    public var markPrefix: String? = "gw_"
    /// Whose form its answers have; nil: not known, both are read.
    public var profile: Glance2010.Settings.Profile?
    /// The registry lists images in the order of their making, as all known ones do; lists in that order then stream, and
    /// others are sorted by the gateway.
    public var listsByAge = false
    /// `host:port` of the registry, taken out of its messages.
    public var authority: String?
    /// Largest document taken from the registry, bytes; of a list: largest image.
    public var maxDocumentBytes = 16 << 20
    /// Bytes read of an error's body.
    public var maxErrorBytes = 65_536
    /// Most images kept to sort a list.
    public var maxSorted = 50_000
    /// Updates of one image that may wait for each other.
    public var maxWaitingUpdates = 64
    /// Longest wait of an update for those before it.
    public var maxUpdateWait = Duration.seconds(30)

    public init() {}
}
