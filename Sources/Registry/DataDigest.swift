import Bytes
import Images

/// What is known of data: how much there is and what it hashes to.
struct UploadReceipt: Sendable, Equatable {
    /// Name of the second digest, as Image API v2 shows it (image-v2 §5).
    static let hashName = "sha512"

    var size: Int64
    /// MD5, lower-case hex.
    var checksum: String
    /// SHA-512, lower-case hex.
    var hash: String

    /// Makes the image one that has this data; its status is the caller's to set.
    func describe(_ image: inout Image) {
        image[.size] = .integer(size)
        image[.checksum] = .text(checksum)
        image[.osHashAlgo] = .text(Self.hashName)
        image[.osHashValue] = .text(hash)
    }
}

/// Both digests of data, step by step. Belongs to one task.
struct DataDigest {
    private let checksum: Digest
    private let hash: Digest
    private(set) var size: Int64 = 0

    init() throws(Failure) {
        do throws(DigestError) {
            checksum = try Digest(.md5)
            hash = try Digest(.sha512)
        } catch {
            throw Self.failure(of: error)
        }
    }

    mutating func update(_ bytes: [UInt8]) {
        checksum.update(bytes)
        hash.update(bytes)
        size += Int64(bytes.count)
    }

    /// Of everything given; no further call is allowed.
    func receipt() throws(Failure) -> UploadReceipt {
        do throws(DigestError) {
            return UploadReceipt(
                size: size, checksum: Hex.encode(try checksum.finalize()), hash: Hex.encode(try hash.finalize()))
        } catch {
            throw Self.failure(of: error)
        }
    }

    private static func failure(of error: DigestError) -> Failure {
        Failure(
            .internal, "The registry cannot compute checksums.",
            cause: "OpenSSL refuses \(error.algorithm.rawValue)")
    }
}
