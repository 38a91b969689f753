/// A registry of the Image API v1 used as a backend (mapping §6.3).
public struct GlanceV1Registry: Sendable {
    /// Prefix of the custom properties that keep what the registry cannot hold. Nil: no marks, such requests are refused.
    public var markPrefix: String? = "gw_"
    /// Container formats that it takes; others are kept by a mark. The newest of its releases takes these (glance-v1 §2.4).
    public var containerFormats = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker"]
    /// Images asked for at once; the registry itself cuts at 1000.
    public var pageSize = 1000
    /// `host:port` of the registry, taken out of its messages.
    public var authority: String?
    /// Largest JSON document taken from the registry, bytes; of a list: largest image.
    public var maxDocumentBytes = 16 << 20
    /// Bytes read of an error's body.
    public var maxErrorBytes = 65_536
    /// Images looked at for one shared-images answer.
    public var maxSharedImages = 100_000
    /// Updates of one image that may wait for each other.
    public var maxWaitingUpdates = 64
    /// Longest wait of an update for those before it.
    public var maxUpdateWait = Duration.seconds(30)

    public init() {}

    /// What is written into marks and read from them.
    public var fieldMarks: FieldMarks { FieldMarks(markPrefix.map(Marks.init(prefix:)), .glanceV1) }
}
