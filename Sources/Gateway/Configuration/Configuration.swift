/// A checked configuration: every value is there and of its kind.
public struct Configuration: Sendable {
    struct Mount: Sendable, Equatable {
        /// Without a slash at the end; empty for the root.
        var prefix: String
        var dialect: String
        var fallback: String?
        var backend: String
        /// Name of an entry of `identities`; nil: the backend's, else `identity`.
        var identity: String?
    }

    struct Backend: ConfigSection {
        var name: String
        var dialect: String
        var values: [String: ConfigValue]

        var isEmbedded: Bool { dialect == "embedded" }
    }

    /// Where it was read from, for messages.
    public internal(set) var origin: String
    var listen: [String] = ["127.0.0.1:9292"]
    var mounts: [Mount] = Configuration.standardMounts
    var backends: [Backend] = []
    /// Entries of `identities`, by name.
    var identities: [String: Identity] = [:]
    var values: [String: ConfigValue] = [:]

    init(origin: String) { self.origin = origin }

    /// The mounts of a configuration that names none: every address that clients of these dialects were configured with.
    static let standardMounts: [Mount] = [
        Mount(prefix: "/image/v1.0", dialect: "plankton", backend: "main"),
        Mount(prefix: "/image/v1", dialect: "plankton", backend: "main"),
        Mount(prefix: "/plankton", dialect: "plankton", backend: "main"),
        Mount(prefix: "/v1", dialect: "glance-v1", backend: "main"),
        Mount(prefix: "/v1.0", dialect: "glance-v1", backend: "main"),
        Mount(prefix: "/v1.1", dialect: "glance-v1", backend: "main"),
        Mount(prefix: "/v2", dialect: "image-v2", backend: "main"),
        Mount(prefix: "", dialect: "glance-2010", backend: "main"),
    ]

    func text(_ path: String) -> String? { if case .text(let text)? = values[path] { text } else { nil } }
    func texts(_ path: String) -> [String] { if case .texts(let texts)? = values[path] { texts } else { [] } }
    func integer(_ path: String) -> Int64? { if case .integer(let value)? = values[path] { value } else { nil } }
    func count(_ path: String) -> Int { Int(clamping: integer(path) ?? 0) }
    func duration(_ path: String) -> Duration { if case .duration(let value)? = values[path] { value } else { .zero } }
    /// Nil when the key is null.
    func boolean(_ path: String) -> Bool? { if case .boolean(let value)? = values[path] { value } else { nil } }
}

/// Everything that is wrong with a configuration, all at once.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    public let mistakes: [String]
    public var description: String { mistakes.joined(separator: "\n") }
}
