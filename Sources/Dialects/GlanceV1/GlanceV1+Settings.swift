extension GlanceV1 {
    /// What may differ between registries and releases (glance-v1 §1, §2).
    public struct Settings: Sendable, Equatable {
        /// Paths without version prefix are answered, as Cactus did; else they lead to the versions document (glance-v1 §1).
        public var acceptsUnversioned: Bool
        /// Values of clients whose `User-Agent` begins so are percent-decoded (glance-v1 §2.3); empty: never.
        public var percentEncodingAgents: [String]
        /// Disk formats that are taken (glance-v1 §2.4).
        public var diskFormats: [String]
        /// Container formats that are taken.
        public var containerFormats: [String]
        /// Schemes of `location` and copy-from, in small letters (glance-v1 §5.1).
        public var sourceSchemes: [String]
        /// Largest announced size in bytes.
        public var maxSize: Int64
        /// Images in a list whose client names no limit.
        public var defaultLimit: Int
        /// Larger limits count as this.
        public var maxLimit: Int

        public init(
            acceptsUnversioned: Bool = true, percentEncodingAgents: [String] = ["python-glanceclient"],
            diskFormats: [String] = [
                "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop",
            ],
            containerFormats: [String] = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker"],
            sourceSchemes: [String] = [
                "http", "https", "swift", "swift+http", "swift+https", "s3", "s3+http", "s3+https", "rbd", "cinder",
                "sheepdog", "vsphere", "gridfs", "pithos",
            ],
            maxSize: Int64 = 1 << 40, defaultLimit: Int = 25, maxLimit: Int = 1000
        ) {
            self.acceptsUnversioned = acceptsUnversioned
            self.percentEncodingAgents = percentEncodingAgents
            self.diskFormats = diskFormats
            self.containerFormats = containerFormats
            self.sourceSchemes = sourceSchemes
            self.maxSize = maxSize
            self.defaultLimit = defaultLimit
            self.maxLimit = maxLimit
        }
    }
}
