import COpenSSL

/// A SHA-256 digest as a value: a key that stands for a secret without holding it.
public struct SHA256Digest: Sendable, Hashable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// Bytes of a digest.
    public static let byteCount = 32

    /// The digest of a text's UTF-8 bytes. Allocates nothing of Swift's.
    public init(of text: String) throws(DigestError) {
        guard let algorithm = Self.algorithm else { throw DigestError(algorithm: .sha256) }
        var text = text
        var words = words
        let isMade = text.withUTF8 { bytes in
            withUnsafeMutableBytes(of: &words) { result in
                EVP_Digest(
                    bytes.baseAddress, bytes.count, result.bindMemory(to: UInt8.self).baseAddress, nil,
                    algorithm.pointer, nil) == 1
            }
        }
        guard isMade else { throw DigestError(algorithm: .sha256) }
        self.words = words
    }

    /// 64 hex digits of either case; nil for anything else.
    public init?(hex: String) {
        guard hex.utf8.count == 2 * Self.byteCount, let bytes = Hex.decode(hex.utf8) else { return nil }
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
    }

    /// 64 lower-case hex digits.
    public var hex: String { withUnsafeBytes(of: words) { Hex.encode($0) } }

    /// Equality whose time tells nothing.
    public func equalsInConstantTime(_ other: SHA256Digest) -> Bool {
        let (a, b) = (words, other.words)
        return (a.0 ^ b.0) | (a.1 ^ b.1) | (a.2 ^ b.2) | (a.3 ^ b.3) == 0
    }

    public static func == (left: SHA256Digest, right: SHA256Digest) -> Bool { left.equalsInConstantTime(right) }

    /// A quarter is as good as all: nobody makes digests agree in 64 bits at will and in number.
    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }

    /// One of `count` parts of a table, by other bits than the hash.
    public func part(of count: Int) -> Int { Int(words.3 % UInt64(max(1, count))) }

    /// Fetched once: OpenSSL otherwise looks its provider up for every digest.
    private static let algorithm = EVP_MD_fetch(nil, "SHA256", nil).map { Algorithm(pointer: $0) }

    /// Never written and never freed.
    private struct Algorithm: @unchecked Sendable { let pointer: OpaquePointer }
}
