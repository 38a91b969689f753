/// What an embedded registry is told.
public struct RegistrySettings: Sendable {
    public enum Publishers: String, Sendable, CaseIterable {
        case anyone, admin
    }

    /// Where the registry lives; made when it is not there, its parents too.
    public var directory: String
    /// The folder that stands in for Pithos+: `pithos://ACCOUNT/CONTAINER/PATH` is `ACCOUNT/CONTAINER/PATH` in it. Nil:
    /// such locations are refused.
    public var objects: String?
    /// Who may make an image public.
    public var publish: Publishers
    /// Largest image in bytes (glance-v1 §2.3: 1 TiB).
    public var maxImageBytes: Int64
    /// Most custom properties of one image (glance-v1 §2.2).
    public var maxProperties: Int
    /// Most members of one image (glance-v1 §6).
    public var maxMembers: Int
    /// Most tags of one image (image-v2 §15).
    public var maxTags: Int
    public var calls: DiskCalls

    public init(
        directory: String, objects: String? = nil, publish: Publishers = .anyone, maxImageBytes: Int64 = 1 << 40,
        maxProperties: Int = 128, maxMembers: Int = 128, maxTags: Int = 128, calls: DiskCalls = DiskCalls()
    ) {
        self.directory = directory
        self.objects = objects
        self.publish = publish
        self.maxImageBytes = maxImageBytes
        self.maxProperties = maxProperties
        self.maxMembers = maxMembers
        self.maxTags = maxTags
        self.calls = calls
    }
}
