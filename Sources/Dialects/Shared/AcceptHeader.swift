import Bytes
import HTTP

/// What media types a client would take (RFC 9110 §12.5.1).
struct AcceptHeader {
    private struct Range {
        let type: String
        let subtype: String
        /// In thousandths.
        let quality: Int

        /// 2 for `a/b`, 1 for `a/*`, 0 for `*/*`.
        var precision: Int { (type == "*" ? 0 : 1) + (subtype == "*" ? 0 : 1) }
    }

    private var ranges: [Range] = []

    /// More ranges than this are not looked at.
    private static let maxRanges = 64

    init(_ fields: Fields) {
        for line in fields.all("accept") {
            for part in line.split(separator: UInt8(ascii: ",")).prefix(Self.maxRanges - ranges.count) {
                if let range = Self.range(part) { ranges.append(range) }
            }
        }
    }

    private static func range(_ part: ArraySlice<UInt8>) -> Range? {
        let pieces = part.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        guard let name = pieces.first else { return nil }
        let halves = ASCII.trim(name).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        var quality = 1000
        for parameter in pieces.dropFirst() {
            let text = ASCII.lowercased(String(decoding: ASCII.trim(parameter), as: UTF8.self))
            if text.hasPrefix("q=") { quality = thousandths(text.utf8.dropFirst(2)) }
        }
        return Range(
            type: ASCII.lowercased(String(decoding: halves[0], as: UTF8.self)),
            subtype: ASCII.lowercased(String(decoding: halves[1], as: UTF8.self)), quality: quality)
    }

    /// `0`, `0.5`, `1.000`; anything else counts as 1.
    private static func thousandths(_ text: some Sequence<UInt8>) -> Int {
        let digits = Array(text)
        guard digits.first == UInt8(ascii: "0") else { return 1000 }
        guard digits.count > 1 else { return 0 }
        let fraction = digits.dropFirst(2).prefix(3)
        guard digits[1] == UInt8(ascii: "."), fraction.allSatisfy(ByteSet.digits.contains) else { return 1000 }
        let padded = Array(fraction) + Array(repeating: UInt8(ascii: "0"), count: 3 - fraction.count)
        return Int(ASCII.decimal(padded) ?? 1000)
    }

    /// Thousandths; 0 when the client does not take it. Of the ranges that match, the most precise one decides.
    func quality(_ type: String, _ subtype: String) -> Int {
        var best: Range?
        for range in ranges
        where (range.type == type && (range.subtype == subtype || range.subtype == "*"))
            || (range.type == "*" && range.subtype == "*")
        {
            if let found = best, found.precision >= range.precision { continue }
            best = range
        }
        return best?.quality ?? 0
    }

    /// Whether one of the ranges is exactly this type.
    func names(_ type: String, _ subtype: String) -> Bool {
        ranges.contains { $0.type == type && $0.subtype == subtype && $0.quality > 0 }
    }
}
