import Bytes
import Glibc
import Images
import Synchronization

/// An object of the objects folder with its digest.
struct DigestedObject: Sendable {
    var status: OpenFile.Status
    var receipt: UploadReceipt
}

extension FileRegistry {
    /// Bytes moved in one turn of a worker.
    static let pieceBytes = BodyDrain.batchBytes

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
            try UploadFile(
                try guarded { () throws(DiskError) in try disk.open(path, O_WRONLY | O_CREAT | O_EXCL) }, disk)
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
        let check = { [rules] (total: Int64) throws(Failure) in
            try rules.checkSize(total)
            if let size, total > size { throw Self.sizeMismatch(size, total) }
        }
        try await BodyDrain.run(body, checking: check) { [self] batch async throws(Failure) in
            try await onWorker { [self] () throws(Failure) in
                try guarded { () throws(DiskError) in try file.append(batch) }
            }
        }
    }

    private static func sizeMismatch(_ supplied: Int64, _ received: Int64) -> Failure {
        Failure(
            .badRequest,
            "Supplied size (\(supplied)) and size generated from uploaded image (\(received)) did not match. Setting image status to 'killed'."
        )
    }

    func attach(_ receipt: UploadReceipt, to record: inout ImageRecord) {
        receipt.describe(&record.image)
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
        return (location, DigestedObject(status: status, receipt: try await digest(file, status.size)))
    }

    /// The digests of a file, piece by piece, so that cancellation is noticed and workers are shared.
    func digest(_ file: OpenFile, _ size: Int64) async throws(Failure) -> UploadReceipt {
        let pass = try await onWorker { () throws(Failure) in try DigestPass(file, size) }
        while true {
            if Task.isCancelled { throw Failure(.clientDisconnected) }
            if let receipt = try await onWorker({ () throws(Failure) in try pass.step() }) { return receipt }
        }
    }

    /// Makes the record one whose data stays in another store.
    func refer(to object: VerifiedObject, at location: String, in record: inout ImageRecord) {
        record.image[.location] = .text(location)
        record.image[.store] = .text("pithos")
        record.image[.status] = .text(ImageStatus.active.rawValue)
        record.image[.size] = .integer(object.size)
        record.image[.checksum] = .text(object.hash)
        record.image[.osHashAlgo] = .null
        record.image[.osHashValue] = .null
        record.data = .remote
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
        if let wanted = demands.text(.checksum), !ASCII.equalIgnoringCase(wanted, object.receipt.checksum) {
            throw Failure(
                .badRequest,
                isPlankton ? "Invalid checksum field" : "The provided checksum is not that of the stored image.")
        }
        record.image[.location] = .text(location.canonical)
        record.image[.store] = .text("pithos")
        record.image[.status] = .text(ImageStatus.active.rawValue)
        follow(object, in: &record)
    }

    /// Takes over what the object is now; a deactivated image stays one.
    func follow(_ object: DigestedObject, in record: inout ImageRecord) {
        object.receipt.describe(&record.image)
        record.data = .object(size: object.status.size, modified: object.status.modified)
    }
}
