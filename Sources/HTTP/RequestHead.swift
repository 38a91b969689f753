/// Protocol version of a message. Only the two that an HTTP/1.1 connection can carry (RFC 9112 §2.3).
public enum Version: Sendable, Equatable {
    case http10, http11
}

/// A request's method, target and fields, after the parser accepted them.
public struct RequestHead: Sendable {
    /// The method as sent; methods are case-sensitive (RFC 9110 §9.1).
    public var method: String
    /// The target as sent: origin form or, for a proxy-style request, absolute form reduced to origin form by the
    /// parser. Printable ASCII without blanks.
    public var target: String
    public var version: Version
    public var fields: Fields

    public init(method: String, target: String, version: Version = .http11, fields: Fields = Fields()) {
        self.method = method
        self.target = target
        self.version = version
        self.fields = fields
    }

    /// The part of the target before `?`, still percent-encoded.
    public var path: Substring { target[..<(mark ?? target.endIndex)] }

    private var mark: String.Index? { target.utf8.firstIndex(of: UInt8(ascii: "?")) }

    /// The part behind the first `?`, nil when there is none.
    public var query: Substring? {
        guard let mark else { return nil }
        return target[target.utf8.index(after: mark)...]
    }
}
