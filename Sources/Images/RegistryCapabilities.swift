/// What a backend can do beyond the operations that all have: the ground of versions, schemas and `info` answers of an
/// Image API v2 front (image-v2 §3, §14, §17).
public struct RegistryCapabilities: Sendable, Equatable {
    /// A store that data can be put into (`/v2/info/stores`).
    public struct Store: Sendable, Equatable {
        public var id: String
        public var isDefault: Bool

        public init(id: String, isDefault: Bool = false) {
            self.id = id
            self.isDefault = isDefault
        }
    }

    /// Import methods that work: `glance-direct`, `web-download`, `copy-image`. Empty: staging and imports are not there.
    public var importMethods: [String]
    /// Empty: one store without a name, so that there is no call that lists stores.
    public var stores: [Store]
    /// `POST` and `GET /v2/images/ID/locations` work (2.17).
    public var hasLocationCalls: Bool
    /// Takes image data from clients; false: only locations where data are already.
    public var takesData: Bool
    /// The formats that the registry takes, for schemas and validation; the lists of Glance where it cannot be asked.
    public var diskFormats: [String]
    public var containerFormats: [String]

    public init(
        importMethods: [String] = [], stores: [Store] = [], hasLocationCalls: Bool = false,
        takesData: Bool = true, diskFormats: [String] = Self.glanceDiskFormats,
        containerFormats: [String] = Self.glanceContainerFormats
    ) {
        self.importMethods = importMethods
        self.stores = stores
        self.hasLocationCalls = hasLocationCalls
        self.takesData = takesData
        self.diskFormats = diskFormats
        self.containerFormats = containerFormats
    }

    /// Image-v2 §5.
    public static let glanceDiskFormats = [
        "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop",
    ]
    /// Image-v2 §5.
    public static let glanceContainerFormats = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"]
}
