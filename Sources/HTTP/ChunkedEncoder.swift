/// Applies the chunked coding (RFC 9112 §7.1): one chunk a piece, no extensions, no trailers.
public enum ChunkedEncoder {
    /// The line before a piece of `count` bytes; a piece is never empty.
    public static func opening(_ count: Int) -> [UInt8] { Array((String(count, radix: 16) + "\r\n").utf8) }

    /// What follows a piece.
    public static let closing: [UInt8] = [0x0d, 0x0a]

    /// The last chunk with its empty trailer section: sent only when the source's end is proven.
    public static let end: [UInt8] = Array("0\r\n\r\n".utf8)
}
