import Bytes
import Images
import Synchronization

/// Data for an image that waits for it.
extension FileRegistry {
    func upload(_ update: ImageUpdate, _ caller: Caller, _ body: (any BodySource)?) async throws(Failure)
        -> Image
    {
        guard let body else { throw Failure(.internal, "", cause: "an operation with data came without its body") }
        try requireWritable()
        let token = UUIDText.random()
        let key = ImageKey(update.id)
        let demands = try await onWorker { [self] () throws(Failure) -> Image in
            try exclusively(key) { () throws(Failure) -> Image in try beginUpload(update, key, token, caller) }
        }
        return try await takeIn(body, for: update.id, token, demanding: demands) {
            [self] (receipt, partial) throws(Failure) -> Image in
            try finishUpload(update, key, token, caller, receipt, from: partial)
        }
    }

    /// Receives the data of an image that `token` shows as being uploaded to, then runs `finish` alone with the image: it
    /// gets the file's path and takes it away. A failure puts the image back to `queued` and leaves nothing.
    func takeIn<R: Sendable>(
        _ body: any BodySource, for id: String, _ token: String, demanding demands: Image,
        _ finish: @escaping @Sendable (UploadReceipt, String) throws(Failure) -> R
    ) async throws(Failure) -> R {
        let key = ImageKey(id)
        let partial = "\(settings.directory)/staging/\(token)"
        do throws(Failure) {
            let receipt = try await receive(body, at: partial, demanding: demands)
            return try await onWorker { [self] () throws(Failure) -> R in
                try exclusively(key) { () throws(Failure) -> R in try finish(receipt, partial) }
            }
        } catch {
            let isGone = await workers.run { [self] in
                disk.removeTree(partial)
                // A change under way holds a copy that says `saving`, and would put it back.
                return exclusively(key) { abandonUpload(key, token) }
            }
            throw isGone ? Failure(.imageGone, "Image \(id) was deleted while its data was uploaded.") : error
        }
    }

    /// Checks everything that can be checked before the data, then shows the image as `saving`.
    private func beginUpload(_ update: ImageUpdate, _ key: ImageKey, _ token: String, _ caller: Caller) throws(Failure)
        -> Image
    {
        guard let record = index.withLock({ $0.records[key] }) else { throw AccessRules.notFound(update.id) }
        // Since the caller was checked the image may have become another's: given away, or deleted and made anew.
        try AccessRules.requireControl(caller, record.image)
        let isAwaited = record.data == .awaited && update.verified != nil && index.withLock { $0.uploads[key] == nil }
        guard record.image.status == .queued || isAwaited else {
            throw Failure(.conflict, "Cannot upload to an unqueued image", isDetail: true)
        }
        var trial = record
        _ = try apply(update, to: &trial, by: caller)
        try rules.checkFormats(trial.image)
        _ = try RecordCoding.encode(trial)
        show(.saving, key, token)
        return demands(of: update, on: record.image)
    }

    /// Shows, in memory only, that data is on its way. To be called alone with the image.
    func show(_ status: ImageStatus, _ key: ImageKey, _ token: String) {
        index.withLock {
            $0.uploads[key] = token
            $0.records[key]?.image[.status] = .text(status.rawValue)
        }
    }

    private func finishUpload(
        _ update: ImageUpdate, _ key: ImageKey, _ token: String, _ caller: Caller, _ receipt: UploadReceipt,
        from partial: String
    ) throws(Failure) -> Image {
        let present = index.withLock { $0.uploads[key] == token ? $0.records[key] : nil }
        guard var record = present else { throw Failure(.imageGone) }
        try AccessRules.requireControl(caller, record.image)
        _ = try apply(update, to: &record, by: caller)
        try rules.checkFormats(record.image)
        if update.verified != nil { record.image[.location] = update.image[.location] }
        attach(receipt, to: &record)
        record.image[.updatedAt] = .time(.now)
        try guarded { () throws(DiskError) in
            try disk.rename(partial, "\(path(key))/data")
            try disk.synchronizeDirectory(path(key))
        }
        do throws(Failure) {
            try durablyReplace(record, key)
        } catch {
            // With a disk that failed the metadata may be there: then the data must be, too.
            if error.kind == .tooLarge { disk.removeTree("\(path(key))/data") }
            throw error
        }
        index.withLock { $0.uploads[key] = nil }
        return record.image
    }

    /// Puts the image back to `queued`; true when it is not there any more.
    private func abandonUpload(_ key: ImageKey, _ token: String) -> Bool {
        index.withLock {
            guard $0.uploads[key] == token else { return true }
            $0.uploads[key] = nil
            let status = $0.records[key]?.data == .awaited ? ImageStatus.saving : .queued
            $0.records[key]?.image[.status] = .text(status.rawValue)
            return false
        }
    }
}
