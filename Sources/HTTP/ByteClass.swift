/// Classes of bytes as 256-entry tables.
@usableFromInline struct ByteClass: Sendable {
    @usableFromInline let members: [Bool]

    init(_ contains: (UInt8) -> Bool) { members = (0...255).map { contains(UInt8($0)) } }

    @inlinable func contains(_ byte: UInt8) -> Bool { members[Int(byte)] }
    @inlinable func containsAll(_ bytes: some Sequence<UInt8>) -> Bool {
        // The table has an entry for every byte.
        members.withUnsafeBufferPointer { members in bytes.allSatisfy { members[Int($0)] } }
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: false
        }
    }

    /// `tchar` of RFC 9110 §5.6.2.
    static let token = ByteClass { isAlphanumeric($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    /// `field-vchar`, blank and tab of RFC 9110 §5.5; `obs-text` is let through: v1 clients send raw UTF-8.
    static let fieldValue = ByteClass { $0 == 0x09 || $0 >= 0x20 && $0 != 0x7f }
    /// What a request target may hold: printable ASCII. `"<>^`{|}` are outside the URI grammar but harmless here; `#` and
    /// `\` are refused.
    static let target = ByteClass { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") }
    /// `unreserved`, `pct-encoded` and `sub-delims` but the comma, of RFC 3986 §3.2.2: a comma in Host is a joined field.
    static let registeredName = ByteClass { isAlphanumeric($0) || "-._~%!$&'()*+;=".utf8.contains($0) }
    /// Inside the brackets of an IP literal.
    static let literalAddress = ByteClass { isAlphanumeric($0) || ":.".utf8.contains($0) }
}
