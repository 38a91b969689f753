public import HTTP

/// One request to a registry, in its dialect: what a backend dialect encodes and a transport sends.
///
/// Image data is no part of it: it is pulled, and goes beside the call.
public struct RegistryCall: Sendable {
    public var method: String
    /// Path and query below the registry's root, percent-encoded.
    public var target: String
    /// The whole list of fields but framing and `Host`: built from nothing, never copied from a client.
    public var fields: Fields
    /// A document in memory; nil: none.
    public var document: [UInt8]?

    public init(_ method: String, _ target: String, fields: Fields = Fields(), document: [UInt8]? = nil) {
        self.method = method
        self.target = target
        self.fields = fields
        self.document = document
    }

    /// Whether it asks for a list of images, whatever the dialect.
    public var listsImages: Bool {
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        return method == "GET"
            && ["/images", "/images/", "/images/detail"].contains { path.reversed().starts(with: $0.utf8.reversed()) }
    }

    /// Whether doing it twice is doing it once (mapping §7).
    public var isRepeatable: Bool { method == "GET" || method == "HEAD" || method == "DELETE" }
}
