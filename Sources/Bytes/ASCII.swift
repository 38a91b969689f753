import Glibc

/// Reading of ASCII where the standard library is too lenient for the wire: no signs, folds or equivalences it adds.
public enum ASCII {
    /// A number of decimal digits only, no sign or blank; nil when empty, anything else, or more than `Int64.max`.
    public static func decimal(_ digits: some Sequence<UInt8>) -> Int64? {
        var value: Int64 = 0
        var any = false
        for digit in digits {
            guard digit &- 0x30 < 10 else { return nil }
            any = true
            let (scaled, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, overToo) = scaled.addingReportingOverflow(Int64(digit &- 0x30))
            guard !over, !overToo else { return nil }
            value = sum
        }
        return any ? value : nil
    }

    public static func decimal(_ text: String) -> Int64? { decimal(text.utf8) }

    /// As ``decimal(_:)`` with an optional leading `-` (no `+`); `-0` is 0.
    public static func signedDecimal(_ bytes: some Collection<UInt8>) -> Int64? {
        guard bytes.first == UInt8(ascii: "-") else { return decimal(bytes) }
        var value: Int64 = 0
        let digits = bytes.dropFirst()
        guard !digits.isEmpty else { return nil }
        for digit in digits {
            guard digit &- 0x30 < 10 else { return nil }
            let (scaled, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, overToo) = scaled.subtractingReportingOverflow(Int64(digit &- 0x30))
            guard !over, !overToo else { return nil }
            value = sum
        }
        return value
    }

    /// `A`-`Z` to `a`-`z`, every other byte as it is.
    @inlinable public static func lower(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }

    @inlinable public static func upper(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "a") < 26 ? byte & 0xDF : byte
    }

    /// Lower case of ASCII letters only: U+212A stays the Kelvin sign.
    public static func lowercased(_ text: String) -> String {
        text.utf8.contains { $0 &- UInt8(ascii: "A") < 26 }
            ? String(decoding: text.utf8.map(lower), as: UTF8.self) : text
    }

    public static func uppercased(_ text: String) -> String {
        text.utf8.contains { $0 &- UInt8(ascii: "a") < 26 }
            ? String(decoding: text.utf8.map(upper), as: UTF8.self) : text
    }

    /// Equality of strings byte by byte, where `==` knows canonical equivalence.
    public static func sameBytes(_ a: String, _ b: String) -> Bool {
        // `==` is quick where it says no.
        guard a.utf8.count == b.utf8.count, a == b else { return false }
        let isSame = a.utf8.withContiguousStorageIfAvailable { left in
            b.utf8.withContiguousStorageIfAvailable { right in
                guard let left = left.baseAddress, let start = right.baseAddress else { return true }
                return memcmp(left, start, right.count) == 0
            }
        }
        return (isSame ?? nil) ?? a.utf8.elementsEqual(b.utf8)
    }

    /// Equality but for the case of ASCII letters.
    public static func equalIgnoringCase(_ a: String, _ b: String) -> Bool {
        equalIgnoringCase(a.utf8, b.utf8)
    }

    public static func equalIgnoringCase(_ a: some Sequence<UInt8>, _ b: some Sequence<UInt8>) -> Bool {
        a.elementsEqual(b) { lower($0) == lower($1) }
    }

    /// Without blanks and tabs at both ends (OWS, RFC 9110 §5.6.3), and nothing else.
    public static func trim(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let kept = trim(bytes[...])
        return kept.count == bytes.count ? text : String(decoding: kept, as: UTF8.self)
    }

    public static func trim(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return bytes
    }

    /// The parts between separators, empty ones included.
    public static func split(_ text: String, _ separator: UInt8) -> [String] {
        text.utf8.split(separator: separator, omittingEmptySubsequences: false).map { String(Substring($0)) }
    }
}
