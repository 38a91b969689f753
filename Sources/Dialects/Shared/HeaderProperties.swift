import Images

/// Properties as a dialect with metadata headers can show them.
enum HeaderProperties {
    /// Of names that fold to one another only the folded one is shown, else the first by code point: two equal headers
    /// would be joined by the client. Properties without name or value have no header.
    static func shown(of image: Image, fold: PropertyFold) -> [(name: String, value: String)] {
        guard !image.properties.isEmpty else { return [] }
        var chosen: [[UInt8]: String] = [:]
        for property in image.properties.list where !property.name.isEmpty && property.value != nil {
            let folded = fold.apply(property.name)
            let key = Array(folded.utf8)
            if let rival = chosen[key] {
                if rival.sameBytes(as: folded) { continue }
                if !property.name.sameBytes(as: folded), rival.precedesByCodePoint(property.name) { continue }
            }
            chosen[key] = property.name
        }
        return image.properties.list.compactMap { property in
            guard let value = property.value, !property.name.isEmpty,
                let name = chosen[Array(fold.apply(property.name).utf8)], name.sameBytes(as: property.name)
            else { return nil }
            return (name, value)
        }
    }

    /// Text that no header can carry loses what splits or ends a line: control characters become blanks (glance-v1 §3).
    static func harmless(_ text: String) -> String {
        text.utf8.allSatisfy { !isControl($0) }
            ? text : String(decoding: text.utf8.map { isControl($0) ? 0x20 : $0 }, as: UTF8.self)
    }

    private static func isControl(_ byte: UInt8) -> Bool { (byte < 0x20 && byte != 0x09) || byte == 0x7F }
}
