import Bytes
import Posix

/// The host and port of a URL's authority, as a network stack would understand them.
struct LocationHost: Sendable {
    enum Name: Sendable {
        case address(SocketAddress)
        /// Small letters, no dot at the end.
        case name(String)
    }

    let name: Name
    let port: UInt16

    /// Nil for user information, odd ports and characters that no host name has.
    init?(_ authority: Substring, standardPort: UInt16) {
        var host = authority
        var portText: Substring = ""
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return nil }
            portText = host[host.index(after: end)...]
            guard let port = Self.port(portText, standardPort),
                let address = SocketAddress(literal: host[...end], port: port)
            else { return nil }
            self.port = port
            self.name = .address(address)
            return
        }
        if let colon = host.firstIndex(of: ":") {
            portText = host[colon...]
            host = host[..<colon]
        }
        guard let port = Self.port(portText, standardPort), let name = Self.canonical(host) else { return nil }
        self.port = port
        self.name = Self.number(name).map { .address(.v4($0, port: port)) } ?? .name(name)
    }

    /// The host alone, as it stands in a Host field.
    var text: String {
        switch name {
        case .name(let name): name
        case .address(.v6(let high, let low, let port, let scope)):
            "[\(SocketAddress.v6(high, low, port: port, scope: scope).host)]"
        case .address(let address): address.host
        }
    }

    /// A name in small letters without the dot at its end; nil: no name has such characters.
    static func canonical(_ host: some StringProtocol) -> String? {
        var name = ASCII.lowercased(String(host))
        if name.utf8.last == UInt8(ascii: ".") { name.removeLast() }
        let isName = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x2d || byte == 0x2e || byte == 0x5f
        }
        return name.isEmpty || !isName || name.utf8.count > 253 ? nil : name
    }

    private static func port(_ text: Substring, _ standard: UInt16) -> UInt16? {
        if text.isEmpty { return standard }
        let digits = text.utf8.dropFirst()
        guard text.hasPrefix(":"), digits.count <= 5, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(text.dropFirst()), port > 0
        else { return nil }
        return port
    }

    /// IPv4 in every notation of inet_aton(3): one to four parts, decimal, octal or hexadecimal. Numbers that do not fit
    /// count as 0, which is no public address.
    private static func number(_ name: String) -> UInt32? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        var values: [UInt64] = []
        for part in parts {
            guard isNumeric(part) else { return nil }
            let value: UInt64?
            if part.hasPrefix("0x") {
                value = part.utf8.count == 2 ? 0 : UInt64(part.dropFirst(2), radix: 16)
            } else if part.utf8.first == 0x30, part.utf8.count > 1 {
                value = UInt64(part, radix: 8)
            } else {
                value = UInt64(part)
            }
            guard let value else { return parts.count <= 4 && parts.last.map(isNumeric) == true ? 0 : nil }
            values.append(value)
        }
        guard (1...4).contains(values.count), let last = values.popLast() else { return 0 }
        var result: UInt64 = 0
        for value in values {
            guard value <= 255 else { return 0 }
            result = result << 8 | value
        }
        let bits = UInt64(32 - 8 * values.count)
        guard last < 1 << bits else { return 0 }
        return UInt32(truncatingIfNeeded: result << bits | last)
    }

    private static func isNumeric(_ part: Substring) -> Bool {
        part.utf8.first.map { (0x30...0x39).contains($0) } ?? false
    }
}
