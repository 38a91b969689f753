import Bytes
import Images

/// A file's bytes, read piece by piece by a worker. The file stays whole for its reader when the image is deleted.
final class FileBody: BodySource {
    private let file: OpenFile
    private let workers: any DiskWorkers
    private let end: Int64
    private var offset: Int64

    /// - Parameter range: the offsets that are read.
    init(_ file: OpenFile, _ range: Range<Int64>, _ workers: any DiskWorkers) {
        self.file = file
        self.workers = workers
        offset = range.lowerBound
        end = range.upperBound
    }

    var length: Int64? { end - offset }

    func next() async throws(BodyError) -> [UInt8]? {
        guard offset < end else { return nil }
        if Task.isCancelled { throw .cancelled }
        let count = Int(min(end - offset, Int64(FileRegistry.pieceBytes)))
        let file = file
        let offset = offset
        let piece = await workers.run { () -> Result<[UInt8], DiskError> in
            do throws(DiskError) {
                return .success(try file.read(count, at: offset))
            } catch {
                return .failure(error)
            }
        }
        switch piece {
        case .success(let bytes) where bytes.count == count:
            self.offset += Int64(count)
            return bytes
        case .success: throw .failed("\(file.path) became shorter while it was read")
        case .failure(let error): throw .failed("\(error)")
        }
    }
}
