import Glibc

/// Where a stream socket listens or connects to.
public enum SocketAddress: Sendable, Hashable {
    /// The address as a number (127.0.0.1 is 0x7f000001).
    case v4(UInt32, port: UInt16)
    /// The upper and lower eight bytes as numbers; the scope only for link-local addresses.
    case v6(UInt64, UInt64, port: UInt16, scope: UInt32)
    /// A path in the file system.
    case unix(String)

    /// A literal address without a port: `127.0.0.1`, `::1` or `[::1]`; nil for names and for anything sloppy.
    public init?(literal: some StringProtocol, port: UInt16) {
        var text = String(literal)
        if text.utf8.first == UInt8(ascii: "["), text.utf8.last == UInt8(ascii: "]") {
            text = String(text.dropFirst().dropLast())
            guard text.utf8.contains(UInt8(ascii: ":")) else { return nil }
        }
        var four = in_addr()
        var six = in6_addr()
        if text.utf8.contains(0) {
            return nil
        } else if inet_pton(AF_INET, text, &four) == 1 {
            self = .v4(UInt32(bigEndian: four.s_addr), port: port)
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            self.init(six, port: port, scope: 0)
        } else {
            return nil
        }
    }

    /// `127.0.0.1:9292`, `[::1]:9292` or `unix:/run/baleen.socket`; nil for anything else. `*:9292` is every v4
    /// address.
    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty, path.utf8.count < Self.unixPathBytes, !path.utf8.contains(0) else { return nil }
            self = .unix(path)
            return
        }
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        let digits = text.utf8[text.utf8.index(after: colon)...]
        guard !digits.isEmpty, digits.count <= 5, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(Substring(digits))
        else { return nil }
        let host = text[..<colon]
        if host == "*" {
            self = .v4(0, port: port)
            return
        }
        let bare = host.utf8.contains(UInt8(ascii: ":")) && host.utf8.first != UInt8(ascii: "[")
        guard !bare else { return nil }
        self.init(literal: host, port: port)
    }

    static var unixPathBytes: Int { MemoryLayout.size(ofValue: sockaddr_un().sun_path) }

    init(_ six: in6_addr, port: UInt16, scope: UInt32) {
        let (high, low) = withUnsafeBytes(of: six) {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self = .v6(UInt64(bigEndian: high), UInt64(bigEndian: low), port: port, scope: scope)
    }

    /// The port, nil for a path.
    public var port: UInt16? {
        switch self {
        case .v4(_, let port), .v6(_, _, let port, _): port
        case .unix: nil
        }
    }

    /// The address without the port, v6 without brackets: what a log or an access rule names.
    public var host: String {
        switch self {
        case .v4(let bits, _):
            return "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)"
        case .v6(let high, let low, _, _):
            var address = in6_addr()
            withUnsafeMutableBytes(of: &address) {
                $0.storeBytes(of: high.bigEndian, as: UInt64.self)
                $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            guard inet_ntop(AF_INET6, &address, &text, socklen_t(text.count)) != nil else { return "?" }
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        case .unix(let path):
            return "unix:\(path)"
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    public var description: String {
        switch self {
        case .v4(_, let port): "\(host):\(port)"
        case .v6(_, _, let port, _): "[\(host)]:\(port)"
        case .unix: host
        }
    }
}
