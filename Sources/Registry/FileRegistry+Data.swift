import Bytes
import Glibc
import Images
import Synchronization

/// What came of an upload.
struct UploadReceipt: Sendable {
    var size: Int64
    /// MD5, lower-case hex.
    var checksum: String
}

/// An object of the objects folder with its digest.
struct DigestedObject: Sendable {
    var status: OpenFile.Status
    var checksum: String
}

extension FileRegistry {
    /// Bytes moved in one turn of a worker.
    static let pieceBytes = 256 << 10

    /// Stores a body in a new file and synchronizes it; nothing is left of it when that fails.
    ///
    /// - Parameter demands: `size` and `checksum` that the data must have, where they are said (mapping §3.7).
    func receive(_ body: any BodySource, at path: String, demanding demands: Image) async throws(Failure)
        -> UploadReceipt
    {
        let size = demands.integer(.size).flatMap { $0 > 0 ? $0 : nil }
        if let length = body.length {
            try rules.checkSize(length)
            if let size, size != length { throw Self.sizeMismatch(size, length) }
        }
        let file = try await onWorker { [self] () throws(Failure) in
            try guarded { () throws(DiskError) in UploadFile(try disk.open(path, O_WRONLY | O_CREAT | O_EXCL), disk) }
        }
        do throws(Failure) {
            try await fill(file, from: body, atMost: size)
            let receipt = try await onWorker { [self] () throws(Failure) -> UploadReceipt in
                try guarded { () throws(DiskError) in try disk.synchronize(file.file) }
                return try file.receipt()
            }
            if let size, size != receipt.size { throw Self.sizeMismatch(size, receipt.size) }
            if let checksum = demands.text(.checksum), !checksum.sameBytes(as: receipt.checksum) {
                throw Failure(
                    .badRequest,
                    "Supplied checksum (\(checksum)) and checksum generated from uploaded image (\(receipt.checksum)) did not match. Setting image status to 'killed'."
                )
            }
            return receipt
        } catch {
            await workers.run { _ = unlink(path) }
            throw error
        }
    }

    private func fill(_ file: UploadFile, from body: any BodySource, atMost size: Int64?) async throws(Failure) {
        var total: Int64 = 0
        var pieces: [[UInt8]] = []
        var held = 0
        while true {
            let piece: [UInt8]?
            do throws(BodyError) {
                piece = try await body.next()
            } catch {
                throw Self.failure(of: error)
            }
            if let piece {
                total += Int64(piece.count)
                held += piece.count
                try rules.checkSize(total)
                if let size, total > size { throw Self.sizeMismatch(size, total) }
                pieces.append(piece)
                if held < Self.pieceBytes { continue }
            }
            let batch = pieces
            pieces = []
            held = 0
            if !batch.isEmpty {
                try await onWorker { [self] () throws(Failure) in
                    try guarded { () throws(DiskError) in try file.append(batch) }
                }
            }
            if piece == nil { return }
        }
    }

    private static func sizeMismatch(_ supplied: Int64, _ received: Int64) -> Failure {
        Failure(
            .badRequest,
            "Supplied size (\(supplied)) and size generated from uploaded image (\(received)) did not match. Setting image status to 'killed'."
        )
    }

    private static func failure(of error: BodyError) -> Failure {
        switch error {
        case .disconnected, .cancelled:
            Failure(.clientDisconnected, "Client disconnected before sending all data to backend")
        case .timedOut: Failure(.clientTimedOut, "The image data came too slowly.")
        case .malformed(let why): Failure(.badRequest, why)
        case .tooLarge(let why): Failure(.tooLarge, why)
        case .failed(let why): Failure(.internal, cause: why)
        }
    }

    func attach(_ receipt: UploadReceipt, to record: inout ImageRecord) throws(Failure) {
        record.image[.size] = .integer(receipt.size)
        record.image[.checksum] = .text(receipt.checksum)
        record.image[.status] = .text(ImageStatus.active.rawValue)
        record.data = .file
    }

    // MARK: objects

    /// Finds and digests the object of a `pithos:` location; the account must be the caller's (plankton §7.2).
    func object(at text: String, for caller: Caller) async throws(Failure) -> (ObjectStore.Location, DigestedObject) {
        guard !text.isEmpty else { throw Failure(.locationMissing, "External source should not be empty") }
        guard let location = try ObjectStore.Location(text) else { throw ImageRules.externalSource(text) }
        guard let objects else { throw ImageRules.externalSource(text) }
        let names = [caller.user, caller.owner].compactMap { $0 }
        guard caller.isAdministrator || names.contains(where: { $0.sameBytes(as: location.account) }) else {
            throw Failure(.forbidden, "The account of '\(location.canonical)' is not yours.")
        }
        let (file, status) = try await onWorker { () throws(Failure) in try objects.open(location) }
        try rules.checkSize(status.size)
        return (location, DigestedObject(status: status, checksum: try await digest(file, status.size)))
    }

    /// MD5 of a file, piece by piece, so that cancellation is noticed and workers are shared.
    private func digest(_ file: OpenFile, _ size: Int64) async throws(Failure) -> String {
        let pass = try await onWorker { () throws(Failure) in try DigestPass(file, size) }
        while true {
            if Task.isCancelled { throw Failure(.clientDisconnected) }
            if let checksum = try await onWorker({ () throws(Failure) in try pass.step() }) { return checksum }
        }
    }

    /// Makes the record one whose data is this object.
    func attach(
        _ object: DigestedObject, at location: ObjectStore.Location, to record: inout ImageRecord,
        demanding demands: Image,
        strictly isPlankton: Bool
    ) throws(Failure) {
        let size = object.status.size
        if let wanted = demands.integer(.size), wanted != size, isPlankton || wanted != 0 {
            throw isPlankton
                ? Failure(.badRequest, "Invalid 'size' field")
                : Failure(
                    .conflict,
                    "Provided image size must match the stored image size. (provided size: \(wanted), stored size: \(size))"
                )
        }
        if let wanted = demands.text(.checksum), !ASCII.equalIgnoringCase(wanted, object.checksum) {
            throw Failure(
                .badRequest,
                isPlankton ? "Invalid checksum field" : "The provided checksum is not that of the stored image.")
        }
        record.image[.location] = .text(location.canonical)
        record.image[.store] = .text("pithos")
        record.image[.size] = .integer(size)
        record.image[.checksum] = .text(object.checksum)
        record.image[.status] = .text(ImageStatus.active.rawValue)
        record.data = .object(size: size, modified: object.status.modified)
    }

    // MARK: download

    func download(_ id: String, _ caller: Caller) async throws(Failure) -> Outcome {
        let record = try visible(id, caller)
        switch record.image.status {
        case .active: break
        case .deactivated: throw Failure(.deactivated, "Image \(id) is deactivated", isDetail: true)
        default: throw Failure(.noData, "Image \(id) is not active", isDetail: true)
        }
        switch record.data {
        case .none, .empty: return .data(record.image, BytesBody([]))
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
            return .data(record.image, FileBody(file, length: status.size, workers))
        case .object(let size, let modified):
            return try await downloadObject(record, size: size, modified: modified)
        }
    }

    /// The object may have been written anew since it was digested: then the image's size and checksum follow it first.
    private func downloadObject(_ record: ImageRecord, size: Int64, modified: Int64) async throws(Failure) -> Outcome {
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
            return .data(record.image, FileBody(file, length: size, workers))
        }
        let object = DigestedObject(status: status, checksum: try await digest(file, status.size))
        var fresh = record
        try attach(object, at: location, to: &fresh, demanding: Image(), strictly: false)
        if let noted = try await note(object, at: location, of: record), noted.isSameData(as: fresh) { fresh = noted }
        return .data(fresh.image, FileBody(file, length: status.size, workers))
    }

    /// Lets a record follow its object. The digest took its time: an image that is not as it was is left alone. Nil: it
    /// cannot be written now, which is no reason to refuse a reader.
    private func note(_ object: DigestedObject, at location: ObjectStore.Location, of seen: ImageRecord)
        async throws(Failure) -> ImageRecord?
    {
        do throws(Failure) {
            return try await change(seen.image.id) { [self] (record: inout ImageRecord) throws(Failure) -> Bool in
                guard record.isSameData(as: seen) else { return false }
                try attach(object, at: location, to: &record, demanding: Image(), strictly: false)
                record.image[.updatedAt] = .time(.now)
                return true
            }
        } catch {
            if error.kind == .imageNotFound { throw error }
            return nil
        }
    }
}
