/// Rules for `Host` and the authority of an absolute target (RFC 9110 §7.2, RFC 3986 §3.2).
enum Authority {
    /// Whether the bytes are a host with an optional port: a registered name or IPv4 address, or an IP literal in brackets.
    static func isValid(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first else { return false }
        var rest = bytes
        if first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let inside = bytes[(bytes.startIndex + 1)..<end]
            guard inside.count >= 2, ByteClass.literalAddress.containsAll(inside) else { return false }
            rest = bytes[(end + 1)...]
        } else {
            let name = bytes.prefix { $0 != UInt8(ascii: ":") }
            guard !name.isEmpty, ByteClass.registeredName.containsAll(name) else { return false }
            rest = bytes[name.endIndex...]
        }
        guard let colon = rest.first else { return true }
        let port = rest.dropFirst()
        guard colon == UInt8(ascii: ":"), (1...5).contains(port.count) else { return false }
        var number = 0
        for digit in port {
            guard digit >= 0x30, digit <= 0x39 else { return false }
            number = number * 10 + Int(digit - 0x30)
        }
        return number <= 65_535
    }
}
