import Bytes
public import Images

/// Custom properties of registries that take them as metadata headers (mapping §4): such a registry makes letters small and
/// `-` to `_`, drops blanks at the ends, and has no empty text beside null.
extension FieldMarks {
    /// What a name may hold to come back as it is.
    private static let plain = ByteSet("abcdefghijklmnopqrstuvwxyz0123456789_.~!#$&'*+^`|")
    /// Stands for an empty text.
    private static let emptyText = "%"
    /// Older servers write it for null.
    private static let pythonNull = "None"

    /// A property under the name and with the value that the registry can hold.
    ///
    /// - Throws: `badRequest` for a property that needs another name when there are no marks.
    public func escaped(_ property: Property) throws(Failure) -> Property {
        guard needsEscape(property) else { return property }
        guard let marks else {
            throw Failure(.badRequest, "This registry cannot hold property '\(property.name)'")
        }
        return Property(
            marks.escapePrefix + Self.lowercasedEscapes(property.name), property.value.map(Self.escaped(value:)))
    }

    /// Undoes ``escaped(_:)``; nil: the property is a mark, which clients never see.
    public func unescaped(_ property: Property) -> Property? {
        guard let marks, marks.isMark(property.name) else { return property }
        let name = property.name.utf8
        guard name.starts(with: marks.escapePrefix.utf8),
            let bytes = PercentCoding.decodeStrict(name.dropFirst(marks.escapePrefix.utf8.count)),
            let original = String(validating: bytes, as: UTF8.self)
        else { return nil }
        return Property(original, property.value.map(Self.unescaped(value:)))
    }

    private func needsEscape(_ property: Property) -> Bool {
        let name = property.name
        if name.isEmpty || !name.utf8.allSatisfy(Self.plain.contains) || isMark(name) { return true }
        guard let value = property.value else { return false }
        return value.isEmpty || value.sameBytes(as: Self.pythonNull) || Self.isFragile(value)
    }

    /// Whether a text does not come back from a header as it was sent.
    static func isFragile(_ value: String) -> Bool {
        value.utf8.contains { isControl($0) || $0 >= fourByteLead } || value.utf8.first == 0x20
            || value.utf8.last.map(isStripped) ?? false
    }

    /// Leads a character beyond U+FFFF, which registries of these dialects refuse.
    private static let fourByteLead: UInt8 = 0xF0

    /// Bytes that some server takes for a blank at the end: those of Python 3 read headers as Latin-1, where the last byte
    /// of `à` is one.
    private static func isStripped(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x85 || byte == 0xA0 }

    static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7F }

    /// Capitals too are coded, and hex digits are small, so that a registry that makes letters small loses nothing.
    private static func lowercasedEscapes(_ name: String) -> String {
        ASCII.lowercased(PercentCoding.encode(name, keeping: plain))
    }

    /// A text that comes back from a header; ``unescaped(value:)`` undoes it.
    static func escaped(value: String) -> String {
        guard !value.isEmpty else { return emptyText }
        var result = ""
        let scalars = value.unicodeScalars
        for place in scalars.indices {
            let bytes = Array(scalars[place].utf8)
            let isFirst = place == scalars.startIndex
            let isLast = scalars.index(after: place) == scalars.endIndex
            // The first letter of the word for null is coded as blanks at the ends are.
            let isCoded =
                bytes.contains { isControl($0) || $0 == UInt8(ascii: "%") || $0 >= fourByteLead }
                || (isFirst && (bytes == [0x20] || value.sameBytes(as: pythonNull)))
                || (isLast && bytes.last.map(isStripped) ?? false)
            if isCoded {
                result += PercentCoding.encode(bytes, keeping: ByteSet([]))
            } else {
                result.unicodeScalars.append(scalars[place])
            }
        }
        return result
    }

    static func unescaped(value: String) -> String {
        value.sameBytes(as: emptyText)
            ? "" : String(validating: PercentCoding.decode(value.utf8), as: UTF8.self) ?? value
    }
}
