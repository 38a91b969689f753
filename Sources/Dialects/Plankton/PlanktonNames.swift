import Bytes
import Images

/// Names and values of properties that a Plankton server would change or lose: it folds keys, and takes an empty value for
/// removal (plankton §5, §7.3).
enum PlanktonNames {
    /// Longest key and value of the servers since 0.16, in characters; before, values in bytes (plankton §6).
    static let maxKey = 93
    static let maxValue = 256
    /// Properties of one image (plankton §6).
    static let maxProperties = 28

    /// In front of an escaped value: text as it is, the hex digits of its UTF-8, or null.
    private static let plainValue = UInt8(ascii: "=")
    private static let codedValue = UInt8(ascii: "h")
    private static let nullValue = "-"
    private static let token = ByteSet.alphanumeric.union(ByteSet("_"))

    /// Whether the server keeps a property as it is.
    static func survives(_ property: Property, marks: Marks?, takesText: Bool) -> Bool {
        let name = property.name
        guard let value = property.value, !value.isEmpty, !value.utf8.contains(0), !name.isEmpty,
            !name.utf8.contains(0), name.unicodeScalars.count <= maxKey,
            PropertyFold.plankton.apply(name).sameBytes(as: name), !(marks?.isMark(name) ?? false)
        else { return false }
        return takesText || (name.utf8.allSatisfy(token.contains) && value.utf8.allSatisfy { $0 < 0x80 })
    }

    /// Hex digits in small letters, which no folding changes.
    static func escape(_ property: Property, behind prefix: String, takesText: Bool) -> Property {
        Property(prefix + Hex.encode(property.name.utf8), property.value.map { escaped($0, takesText) } ?? nullValue)
    }

    private static func escaped(_ value: String, _ takesText: Bool) -> String {
        let isPlain = value.utf8.allSatisfy { $0 != 0 && (takesText || $0 < 0x80) }
        let lead = String(decoding: [isPlain ? plainValue : codedValue], as: UTF8.self)
        return lead + (isPlain ? value : Hex.encode(value.utf8))
    }

    /// The property that an escaped one stands for; nil for one that nobody escaped.
    static func unescape(_ property: Property, behind prefix: String) -> Property? {
        guard property.name.utf8.starts(with: prefix.utf8), let value = property.value,
            let name = text(property.name.utf8.dropFirst(prefix.utf8.count))
        else { return nil }
        if value.sameBytes(as: nullValue) { return Property(name, nil) }
        let rest = value.utf8.dropFirst()
        switch value.utf8.first {
        case plainValue: return Property(name, String(Substring(rest)))
        case codedValue: return text(rest).map { Property(name, $0) }
        default: return nil
        }
    }

    private static func text(_ digits: Substring.UTF8View) -> String? {
        Hex.decode(digits).flatMap { String(validating: $0, as: UTF8.self) }
    }
}
