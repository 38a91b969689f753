import Posix

/// Where a remote service lives: `http://10.0.0.5:9292`, `https://cyclades.example/image/v1.0`.
public struct UpstreamURL: Sendable, Equatable, CustomStringConvertible {
    public enum Scheme: String, Sendable { case http, https }

    public let scheme: Scheme
    /// A name or a literal address; v6 without brackets.
    public let host: String
    public let port: UInt16
    /// Put before every target; empty or `/...` without a slash at the end.
    public let path: String

    /// Nil unless it is a plain http or https URL without user, query and fragment.
    public init?(_ text: String) {
        guard let mark = text.utf8.firstIndex(of: 0x3a), text[mark...].hasPrefix("://"),
            let scheme = Scheme(rawValue: String(text[..<mark]))
        else { return nil }
        let rest = text[mark...].dropFirst(3)
        let authority = rest.prefix { $0 != "/" }
        var path = String(rest[authority.endIndex...])
        while path.utf8.last == 0x2f { path.removeLast() }
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x3f && $0 != 0x23 }) else { return nil }
        var host = authority
        var port: UInt16 = scheme == .http ? 80 : 443
        let hostEnd = authority.lastIndex(of: "]") ?? authority.startIndex
        if let colon = authority[hostEnd...].lastIndex(of: ":") {
            let digits = authority[authority.index(after: colon)...]
            guard digits.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let number = UInt16(digits), number > 0 else {
                return nil
            }
            port = number
            host = authority[..<colon]
        }
        if host.hasPrefix("[") {
            guard host.hasSuffix("]"), case .v6? = SocketAddress(literal: host, port: port) else { return nil }
            host = host.dropFirst().dropLast()
        } else {
            let allowed = host.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || byte == 0x2d || byte == 0x2e
                    || byte == 0x5f
            }
            guard !host.isEmpty, allowed, host.utf8.count <= 253 else { return nil }
        }
        self.scheme = scheme
        self.host = String(host)
        self.port = port
        self.path = path
    }

    /// The Host field of calls (RFC 9110 §7.2): without the scheme's own port.
    var hostField: String {
        let name = host.utf8.contains(0x3a) ? "[\(host)]" : host
        return port == (scheme == .http ? 80 : 443) ? name : "\(name):\(port)"
    }

    /// Scheme, host and port.
    var origin: String { "\(scheme.rawValue)://\(hostField)" }

    public var description: String { origin + path }
}
