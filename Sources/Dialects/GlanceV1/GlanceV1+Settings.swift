extension GlanceV1 {
    /// What may differ between registries and releases (glance-v1 §1, §2).
    public struct Settings: Sendable, Equatable {
        /// Paths without version prefix are answered, as Cactus did; else they lead to the versions document (glance-v1 §1).
        public var acceptsUnversioned: Bool
        /// Values of clients whose `User-Agent` begins so are percent-decoded (glance-v1 §2.3); empty: never.
        public var percentEncodingAgents: [String]
        public var values: GlanceValues
        /// Images in a list whose client names no limit.
        public var defaultLimit: Int
        /// Larger limits count as this.
        public var maxLimit: Int

        public init(
            acceptsUnversioned: Bool = true, percentEncodingAgents: [String] = ["python-glanceclient"],
            values: GlanceValues = GlanceValues(), defaultLimit: Int = 25, maxLimit: Int = 1000
        ) {
            self.acceptsUnversioned = acceptsUnversioned
            self.percentEncodingAgents = percentEncodingAgents
            self.values = values
            self.defaultLimit = defaultLimit
            self.maxLimit = maxLimit
        }
    }
}
