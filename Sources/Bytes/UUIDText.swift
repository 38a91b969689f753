/// UUIDs as text, which is all that images need of them.
public enum UUIDText {
    /// A random one (RFC 9562 §5.4), lower case with hyphens, from the kernel's generator.
    public static func random() -> String {
        text(RandomBytes.next16(), version: 4)
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

    /// Places of a UUID's text behind which a hyphen stands, in bytes of its value.
    private static let groupEnds = [4, 6, 8, 10]

    private static func text(_ bytes: some Collection<UInt8>, version: UInt8) -> String {
        guard bytes.count >= 16 else { return "" }
        return String(unsafeUninitializedCapacity: 36) { buffer in
            var place = 0
            for (index, byte) in bytes.prefix(16).enumerated() {
                if groupEnds.contains(index) {
                    buffer[place] = UInt8(ascii: "-")
                    place += 1
                }
                var byte = byte
                if index == 6 { byte = byte & 0x0F | version << 4 }
                if index == 8 { byte = byte & 0x3F | 0x80 }
                buffer[place] = Hex.lower(byte >> 4)
                buffer[place + 1] = Hex.lower(byte & 0x0F)
                place += 2
            }
            return place
        }
    }
}
