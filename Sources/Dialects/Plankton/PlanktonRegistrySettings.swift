/// How a Plankton server is used as a backend (plankton §10, mapping §6.4).
public struct PlanktonRegistrySettings: Sendable {
    /// What the server is; the younger one of two that behave alike is not told apart.
    public enum Release: String, Sendable, CaseIterable {
        /// Found out by the answers: what only some releases understand is not said to others.
        case automatic = "auto"
        case r13 = "0.13"
        case r14 = "0.14"
        case r15 = "0.15"
        /// 0.16 to 0.20 and the development branch.
        case r16 = "0.16"

        /// Percent-encodes values in its headers. An unknown release may: what is encoded by nobody hardly looks encoded.
        public var encodesReplies: Bool { self == .automatic || self == .r16 }
        /// Takes keys beyond letters, digits and `_`, and counts characters, not bytes.
        var takesText: Bool { self == .automatic || self == .r16 }
        /// PUT removes the properties that it does not name, and keeps empty ones.
        var replacesProperties: Bool { self == .r13 || self == .r14 }
        /// `shared-images/M` lists the caller's images that M may read.
        public var sharesWith: Bool { self == .r13 }

        /// Whether PUT gets all properties, also those that stay.
        ///
        /// - Parameter knowsSnapshots: the server was seen to be 0.16 or later.
        func wantsAllProperties(knowsSnapshots: Bool) -> Bool {
            replacesProperties || (self == .automatic && !knowsSnapshots)
        }
    }

    public var release = Release.automatic
    /// What stands before `/images` below the server's root.
    public var versionPrefix = "/v1.0"
    /// Prefix of the properties that keep what the server cannot hold. Nil: no marks, such requests are refused.
    public var markPrefix: String? = "gw_"
    /// `host:port` of the server, taken out of its messages.
    public var authority: String?
    /// Largest JSON document taken from the server, bytes; of a list: largest image.
    public var maxDocumentBytes = 16 << 20
    /// Bytes read of an error's body.
    public var maxErrorBytes = 65_536
    /// Members of one image that a client may set at once.
    public var maxMembers = 1024
    /// Member lists asked for at once while looking for the images shared with somebody.
    public var memberLookups = 8
    /// Images looked at for one answer that no call gives: who shares what with whom, what is registered at a location.
    public var maxLookedAt = 100_000
    /// Updates of one image that may wait for each other.
    public var maxWaitingUpdates = 64
    /// Longest wait of an update for those before it.
    public var maxUpdateWait = Duration.seconds(30)

    public init() {}

    /// Versions that an endpoint may end with, as service catalogues spell them (plankton §3.1).
    private static let versions = ["/v1.0", "/v1"]

    /// What really has to stand before `/images`.
    ///
    /// - Parameters:
    ///   - configured: nil: the release's own.
    ///   - rootPath: path of the server's address; one that ends with a version needs no other.
    public static func versionPrefix(_ configured: String?, release: Release, rootPath: String) -> String {
        if let configured { return configured }
        return release == .r13 || versions.contains { rootPath.hasSuffix($0) } ? "" : versions[0]
    }
}
