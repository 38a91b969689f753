/// The pairs of a query string in order, form-decoded: `+` is a blank, escapes are decoded once.
public struct QueryItems: Sendable {
    public struct Item: Sendable, Equatable {
        public let name: String
        public let value: String
        /// Whether there was a `=`; `?a` and `?a=` have the same empty value.
        public let hasEqualsSign: Bool
    }

    public enum Fault: Error, Sendable, Equatable {
        /// More bytes than `maxBytes`.
        case tooLong
        /// More pairs than `maxItems`.
        case tooMany
        /// The decoded bytes of a name or value are not UTF-8; the text is the pair as sent, shortened.
        case notUTF8(String)
        /// A control character (below 0x20 or 0x7F) in a decoded name or value, as sent, shortened.
        case controlCharacter(String)
    }

    public let all: [Item]

    /// - Parameter raw: what stands behind the `?`, not decoded.
    public init(_ raw: String, maxBytes: Int = 16_384, maxItems: Int = 256) throws(Fault) {
        guard raw.utf8.count <= maxBytes else { throw .tooLong }
        var items: [Item] = []
        for part in raw.utf8.split(separator: UInt8(ascii: "&")) {
            guard items.count < maxItems else { throw .tooMany }
            let sign = part.firstIndex(of: UInt8(ascii: "="))
            let name = PercentCoding.decode(part[..<(sign ?? part.endIndex)], plusIsBlank: true)
            let value = sign.map { PercentCoding.decode(part[part.index(after: $0)...], plusIsBlank: true) } ?? []
            for byte in name + value where byte < 0x20 || byte == 0x7F { throw .controlCharacter(Self.shortened(part)) }
            guard let name = String(validating: name, as: UTF8.self),
                let value = String(validating: value, as: UTF8.self)
            else { throw .notUTF8(Self.shortened(part)) }
            items.append(Item(name: name, value: value, hasEqualsSign: sign != nil))
        }
        all = items
    }

    /// The value of the last pair of this name, compared byte by byte.
    public func last(_ name: String) -> String? {
        all.last { ASCII.sameBytes($0.name, name) }?.value
    }

    /// The values of every pair of this name, in order.
    public func values(_ name: String) -> [String] {
        all.filter { ASCII.sameBytes($0.name, name) }.map(\.value)
    }

    private static func shortened(_ part: Substring.UTF8View) -> String {
        String(decoding: part.prefix(64), as: UTF8.self)
    }
}
