import Bytes
import Images

/// A file that is being filled, with the digest of what is in it.
///
/// Unchecked: it goes back and forth between a task and the worker that the task waits for, never used by both.
final class UploadFile: @unchecked Sendable {
    let file: OpenFile
    private let disk: Disk
    private let digest: Digest?
    private var size: Int64 = 0

    init(_ file: OpenFile, _ disk: Disk) {
        self.file = file
        self.disk = disk
        digest = try? Digest(.md5)
    }

    func append(_ pieces: [[UInt8]]) throws(DiskError) {
        for piece in pieces {
            try disk.write(piece, to: file)
            digest?.update(piece)
            size += Int64(piece.count)
        }
    }

    func receipt() throws(Failure) -> UploadReceipt {
        guard let bytes = try? digest?.finalize() else { throw Self.noDigest }
        return UploadReceipt(size: size, checksum: Hex.encode(bytes))
    }

    static let noDigest = Failure(.internal, "The registry cannot compute checksums.", cause: "OpenSSL refuses MD5")
}

/// Digests a file step by step; handed between task and worker as `UploadFile` is.
final class DigestPass: @unchecked Sendable {
    private static let stepBytes = 4 << 20
    private let file: OpenFile
    private let size: Int64
    private let digest: Digest
    private var offset: Int64 = 0

    init(_ file: OpenFile, _ size: Int64) throws(Failure) {
        guard let digest = try? Digest(.md5) else { throw UploadFile.noDigest }
        self.file = file
        self.size = size
        self.digest = digest
    }

    /// The checksum once the end is reached.
    func step() throws(Failure) -> String? {
        let stop = min(size, offset + Int64(Self.stepBytes))
        while offset < stop {
            let count = Int(min(stop - offset, Int64(FileRegistry.pieceBytes)))
            guard let bytes = try? file.read(count, at: offset), bytes.count == count else {
                throw Failure(.unavailable, "The object changed or cannot be read.")
            }
            digest.update(bytes)
            offset += Int64(count)
        }
        guard offset == size else { return nil }
        guard let bytes = try? digest.finalize() else { throw UploadFile.noDigest }
        return Hex.encode(bytes)
    }
}
