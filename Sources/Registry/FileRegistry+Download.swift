import Bytes
import Glibc
import Images

extension FileRegistry {
    /// The data of an active image, or the range of them that is asked for (image-v2 §10). Those of a deactivated one are
    /// an administrator's only.
    func download(_ id: String, _ range: DataRange?, _ caller: Caller) async throws(Failure) -> Outcome {
        let record = try visible(id, caller)
        switch record.image.status {
        case .active: break
        case .deactivated where caller.isAdministrator: break
        case .deactivated: throw Failure(.deactivated, "Image \(id) is deactivated", isDetail: true)
        default: throw Failure(.noData, "Image \(id) is not active", isDetail: true)
        }
        switch record.data {
        case .none, .empty, .staged:
            guard range == nil else { throw Self.unsatisfiable(0) }
            return .data(record.image, BytesBody([]))
        case .remote, .awaited: throw Failure(.noData, "Image \(id) has no data here", isDetail: true)
        case .file:
            let path = "\(path(ImageKey(id)))/data"
            let (file, status) = try await onWorker { [self] () throws(Failure) -> (OpenFile, OpenFile.Status) in
                do throws(DiskError) {
                    let file = try disk.open(path, O_RDONLY)
                    return (file, try file.status())
                } catch {
                    guard error.code == ENOENT else { throw failure(of: error) }
                    // Deleted between the look-up and here.
                    throw AccessRules.notFound(id)
                }
            }
            guard status.size == record.image.integer(.size) else {
                throw Failure(
                    .internal, "The data of image \(id) is damaged.", cause: "\(path) has \(status.size) bytes")
            }
            return try outcome(record.image, file, status.size, range)
        case .object(let size, let modified):
            return try await downloadObject(record, size: size, modified: modified, range)
        }
    }

    private func outcome(_ image: Image, _ file: OpenFile, _ size: Int64, _ range: DataRange?) throws(Failure)
        -> Outcome
    {
        guard let range else { return .data(image, FileBody(file, 0..<size, workers)) }
        guard let offsets = range.resolved(size: size) else { throw Self.unsatisfiable(size) }
        return .part(image, FileBody(file, offsets, workers), range: offsets)
    }

    private static func unsatisfiable(_ size: Int64) -> Failure {
        Failure(.rangeNotSatisfiable, "The requested range is not within the image's \(size) bytes.")
    }

    /// The object may have been written anew since it was digested: then the image's size and checksum follow it first.
    private func downloadObject(
        _ record: ImageRecord, size: Int64, modified: Int64, _ range: DataRange?
    ) async throws(Failure) -> Outcome {
        guard let objects, let location = try ObjectStore.Location(record.image.text(.location) ?? "") else {
            throw Failure(.noData, "The objects folder is not configured.")
        }
        let opened: (OpenFile, OpenFile.Status)
        do throws(Failure) {
            opened = try await onWorker { () throws(Failure) in try objects.open(location) }
        } catch {
            throw error.kind == .locationNotFound ? Failure(.noData, error.message, isDetail: true) : error
        }
        let (file, status) = opened
        if status.size == size, status.modified == modified {
            return try outcome(record.image, file, size, range)
        }
        let object = DigestedObject(status: status, receipt: try await digest(file, status.size))
        var fresh = record
        follow(object, in: &fresh)
        if let noted = try await note(object, of: record), noted.isSameData(as: fresh) { fresh = noted }
        return try outcome(fresh.image, file, status.size, range)
    }

    /// Lets a record follow its object. The digest took its time: an image that is not as it was is left alone. Nil: it
    /// cannot be written now, which is no reason to refuse a reader.
    private func note(_ object: DigestedObject, of seen: ImageRecord) async throws(Failure) -> ImageRecord? {
        do throws(Failure) {
            return try await change(seen.image.id) { [self] (record: inout ImageRecord) throws(Failure) -> Bool in
                guard record.isSameData(as: seen) else { return false }
                follow(object, in: &record)
                record.image[.updatedAt] = .time(.now)
                return true
            }
        } catch {
            if error.kind == .imageNotFound { throw error }
            return nil
        }
    }
}
