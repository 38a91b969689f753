import Bytes

/// References as redirections have them, made whole by the URL they were found at (RFC 3986 §5.2). Nothing is judged here:
/// what comes out is still any text.
enum URLReference {
    /// The scheme in small letters; nil: there is none.
    static func scheme(of reference: String) -> String? {
        guard let colon = reference.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let name = reference.utf8[..<colon]
        let isScheme = name.enumerated().allSatisfy { place, byte in
            let isLetter = (0x61...0x7a).contains(byte | 0x20)
            return isLetter || place > 0 && ((0x30...0x39).contains(byte) || [0x2b, 0x2d, 0x2e].contains(byte))
        }
        return name.isEmpty || !isScheme ? nil : ASCII.lowercased(text(name))
    }

    static func resolve(_ reference: String, against base: String) -> String {
        guard scheme(of: reference) == nil else { return reference }
        let bytes = reference.utf8
        let start = base.utf8.firstIndex(of: UInt8(ascii: ":")) ?? base.utf8.startIndex
        if bytes.starts(with: "//".utf8) { return text(base.utf8[...start]) + reference }
        // "://" stands before the authority.
        let authority = base.utf8.index(start, offsetBy: 3, limitedBy: base.utf8.endIndex) ?? base.utf8.endIndex
        let pathStart = base.utf8[authority...].firstIndex(where: isOne(of: "/?#")) ?? base.utf8.endIndex
        let origin = text(base.utf8[..<pathStart])
        if bytes.first == UInt8(ascii: "/") { return origin + reference }
        let rest = base.utf8[pathStart...]
        let path = rest.prefix { !isOne(of: "?#")($0) }
        switch bytes.first {
        case nil: return origin + text(rest.prefix { $0 != UInt8(ascii: "#") })
        case UInt8(ascii: "?"): return origin + text(path) + reference
        case UInt8(ascii: "#"): return origin + text(rest.prefix { $0 != UInt8(ascii: "#") })
        default:
            let folder = path.lastIndex(of: UInt8(ascii: "/")).map { text(path[...$0]) } ?? "/"
            return origin + folder + reference
        }
    }

    /// A part of a text that begins and ends at ASCII characters.
    private static func text(_ part: Substring.UTF8View) -> String { String(Substring(part)) }

    private static func isOne(of marks: StaticString) -> (UInt8) -> Bool {
        let bytes = Array(marks.description.utf8)
        return { bytes.contains($0) }
    }
}
