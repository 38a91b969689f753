import Bytes
import Images

/// A file that is being filled, with the digests of what is in it.
///
/// Unchecked: it goes back and forth between a task and the worker that the task waits for, never used by both.
final class UploadFile: @unchecked Sendable {
    let file: OpenFile
    private let disk: Disk
    private var digest: DataDigest

    init(_ file: OpenFile, _ disk: Disk) throws(Failure) {
        self.file = file
        self.disk = disk
        digest = try DataDigest()
    }

    func append(_ pieces: [[UInt8]]) throws(DiskError) {
        for piece in pieces {
            try disk.write(piece, to: file)
            digest.update(piece)
        }
    }

    func receipt() throws(Failure) -> UploadReceipt { try digest.receipt() }
}

/// Digests a file step by step; handed between task and worker as `UploadFile` is.
final class DigestPass: @unchecked Sendable {
    private static let stepBytes = 4 << 20
    private let file: OpenFile
    private let size: Int64
    private var digest: DataDigest

    init(_ file: OpenFile, _ size: Int64) throws(Failure) {
        self.file = file
        self.size = size
        digest = try DataDigest()
    }

    /// What the file holds, once its end is reached.
    func step() throws(Failure) -> UploadReceipt? {
        let stop = min(size, digest.size + Int64(Self.stepBytes))
        while digest.size < stop {
            let count = Int(min(stop - digest.size, Int64(FileRegistry.pieceBytes)))
            guard let bytes = try? file.read(count, at: digest.size), bytes.count == count else {
                throw Failure(.unavailable, "The object changed or cannot be read.")
            }
            digest.update(bytes)
        }
        return digest.size == size ? try digest.receipt() : nil
    }
}
