import Bytes

/// The scheme of `scheme://…`.
enum URLScheme {
    private static let allowed = ByteSet.alphanumeric.union(ByteSet("+.-"))

    /// In small letters; nil when there is none.
    static func of(_ url: String) -> String? {
        let bytes = Array(url.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0,
            bytes[(colon + 1)...].starts(with: "//".utf8), bytes[..<colon].allSatisfy(allowed.contains)
        else { return nil }
        return String(decoding: bytes[..<colon].map(ASCII.lower), as: UTF8.self)
    }
}
