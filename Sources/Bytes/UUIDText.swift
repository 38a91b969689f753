/// UUIDs as text, which is all that images need of them.
public enum UUIDText {
    /// A random one (RFC 9562 §5.4), lower case with hyphens, from the kernel's generator.
    public static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        for _ in 0..<2 {
            let word = generator.next()
            for shift in stride(from: 0 as UInt64, to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return text(bytes, version: 4)
    }

    /// The name-based one of a namespace and a name (RFC 9562 §5.5): the same for the same input everywhere.
    ///
    /// - Parameter namespace: a UUID with or without hyphens; any other text is used as its own bytes.
    public static func version5(namespace: String, name: String) throws(DigestError) -> String {
        let space = Hex.decode(namespace.utf8.filter { $0 != UInt8(ascii: "-") }) ?? Array(namespace.utf8)
        return text(try Digest.hash(.sha1, space + Array(name.utf8)), version: 5)
    }

    /// 8-4-4-4-12 hex digits of either case.
    public static func isCanonical(_ text: String) -> Bool {
        guard text.utf8.count == 36 else { return false }
        for (place, byte) in text.utf8.enumerated() {
            let hyphen = place == 8 || place == 13 || place == 18 || place == 23
            guard hyphen ? byte == UInt8(ascii: "-") : ByteSet.hexDigits.contains(byte) else { return false }
        }
        return true
    }

    /// What Glance takes for a UUID (`oslo_utils.uuidutils.is_uuid_like`): 32 hex digits of either case, hyphens
    /// anywhere, braces and `urn:uuid:` allowed.
    public static func isLike(_ text: String) -> Bool {
        var bytes = ASCII.lowercased(text).utf8.filter { $0 != UInt8(ascii: "-") }[...]
        for prefix in ["urn:", "uuid:"] where bytes.starts(with: prefix.utf8) {
            bytes = bytes.dropFirst(prefix.utf8.count)
        }
        while let first = bytes.first, first == UInt8(ascii: "{") || first == UInt8(ascii: "}") { bytes.removeFirst() }
        while let last = bytes.last, last == UInt8(ascii: "{") || last == UInt8(ascii: "}") { bytes.removeLast() }
        return bytes.count == 32 && bytes.allSatisfy(ByteSet.hexDigits.contains)
    }

    private static func text(_ bytes: [UInt8], version: UInt8) -> String {
        var bytes = Array(bytes.prefix(16))
        guard bytes.count == 16 else { return "" }
        bytes[6] = bytes[6] & 0x0F | version << 4
        bytes[8] = bytes[8] & 0x3F | 0x80
        var digits = Array(Hex.encode(bytes).utf8)
        for place in [20, 16, 12, 8] { digits.insert(UInt8(ascii: "-"), at: place) }
        return String(decoding: digits, as: UTF8.self)
    }
}
