import COpenSSL

/// OpenSSL refused a digest: the algorithm is not available (MD5 under a FIPS policy) or memory ran out.
public struct DigestError: Error, Sendable, Equatable {
    public let algorithm: Digest.Algorithm
}

/// An incremental digest over OpenSSL's EVP interface. Belongs to one task.
public final class Digest {
    public enum Algorithm: String, Sendable, CaseIterable {
        case md5, sha1, sha256, sha512
    }

    public let algorithm: Algorithm
    private let context: OpaquePointer
    private var failed = false

    public init(_ algorithm: Algorithm) throws(DigestError) {
        guard let context = EVP_MD_CTX_new() else { throw DigestError(algorithm: algorithm) }
        let kind =
            switch algorithm {
            case .md5: EVP_md5()
            case .sha1: EVP_sha1()
            case .sha256: EVP_sha256()
            case .sha512: EVP_sha512()
            }
        guard EVP_DigestInit_ex(context, kind, nil) == 1 else {
            EVP_MD_CTX_free(context)
            throw DigestError(algorithm: algorithm)
        }
        self.algorithm = algorithm
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    public func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    public func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
        if EVP_DigestUpdate(context, start, bytes.count) != 1 { failed = true }
    }

    /// The digest of everything given; no further call is allowed.
    public func finalize() throws(DigestError) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard !failed, EVP_DigestFinal_ex(context, &result, &count) == 1 else {
            throw DigestError(algorithm: algorithm)
        }
        failed = true
        return Array(result.prefix(Int(count)))
    }

    /// The digest of bytes at hand.
    public static func hash(_ algorithm: Algorithm, _ bytes: [UInt8]) throws(DigestError) -> [UInt8] {
        let digest = try Digest(algorithm)
        digest.update(bytes)
        return try digest.finalize()
    }
}
