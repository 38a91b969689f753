import Bytes
import Images
import Synchronization

extension FileRegistry {
    func update(_ update: ImageUpdate, _ caller: Caller, _ body: (any BodySource)?) async throws(Failure) -> Image {
        let present = try visible(update.id, caller)
        try AccessRules.requireControl(caller, present.image)
        switch update.source {
        case .none:
            // What changes nothing costs no worker and no write.
            var copy = present
            guard try apply(update, to: &copy, by: caller) else { return present.image }
            return try await change(update.id) { [self] (record: inout ImageRecord) throws(Failure) -> Bool in
                try AccessRules.requireControl(caller, record.image)
                return try apply(update, to: &record, by: caller)
            }.image
        case .body: return try await upload(update, caller, body)
        case .location: return try await relocate(update, caller)
        case .copyFrom(let url):
            try requireQueued(present.image)
            throw ImageRules.externalSource(url)
        }
    }

    /// Applies what the update changes; false when that is nothing.
    private func apply(_ update: ImageUpdate, to record: inout ImageRecord, by caller: Caller) throws(Failure) -> Bool {
        let before = record.image
        let changes = try update.changes(on: before, by: caller)
        for change in changes.fields { try rules.set(change.field, change.value, in: &record.image, by: caller) }
        for property in changes.setProperties { record.image.properties.set(property.name, property.value) }
        for name in changes.removedProperties { record.image.properties.remove(name) }
        if let tags = update.image.tags { record.image.tags = tags }
        if update.source == .none, before.status == .queued { try announce(update, in: &record.image) }
        guard record.image != before else { return false }
        try rules.checkCounts(record.image)
        record.image[.updatedAt] = .time(.now)
        return true
    }

    /// Size and checksum said of a queued image are demands on the data to come (mapping §3.7).
    private func announce(_ update: ImageUpdate, in image: inout Image) throws(Failure) {
        for field in [ImageField.size, .checksum] where !update.image[field].isAbsent {
            if update.guards.contains(where: { $0.field == field && $0.scope != .whileActive }) { continue }
            image[field] = field == .size ? .integer(max(0, update.image.integer(.size) ?? 0)) : update.image[field]
        }
        try rules.checkSize(image.integer(.size) ?? 0)
    }

    private func requireQueued(_ image: Image) throws(Failure) {
        guard image.status == .queued else {
            throw Failure(.badRequest, "Attempted to update Location field for an image not in queued status.")
        }
    }

    // MARK: location

    private func relocate(_ update: ImageUpdate, _ caller: Caller) async throws(Failure) -> Image {
        try requireQueued(try visible(update.id, caller).image)
        let (location, object) = try await object(at: update.image.text(.location) ?? "", for: caller)
        return try await change(update.id) { [self] (record: inout ImageRecord) throws(Failure) -> Bool in
            try AccessRules.requireControl(caller, record.image)
            try requireQueued(record.image)
            let demands = self.demands(of: update, on: record.image)
            _ = try apply(update, to: &record, by: caller)
            try rules.checkFormats(record.image)
            try attach(object, at: location, to: &record, demanding: demands, strictly: false)
            record.image[.updatedAt] = .time(.now)
            return true
        }.image
    }

    /// What the data must be: as said now, else as announced before.
    private func demands(of update: ImageUpdate, on image: Image) -> Image {
        var demands = Image()
        for field in [ImageField.size, .checksum] {
            demands[field] = update.image[field].isAbsent ? image[field] : update.image[field]
        }
        return demands
    }

    // MARK: data

    private func upload(_ update: ImageUpdate, _ caller: Caller, _ body: (any BodySource)?) async throws(Failure)
        -> Image
    {
        guard let body else { throw Failure(.internal, "", cause: "an operation with data came without its body") }
        try requireWritable()
        let token = UUIDText.random()
        let key = ImageKey(update.id)
        let demands = try await onWorker { [self] () throws(Failure) -> Image in
            try exclusively(key) { () throws(Failure) -> Image in try beginUpload(update, key, token, caller) }
        }
        let partial = "\(settings.directory)/staging/\(token)"
        do throws(Failure) {
            let receipt = try await receive(body, at: partial, demanding: demands)
            return try await onWorker { [self] () throws(Failure) -> Image in
                try exclusively(key) { () throws(Failure) -> Image in
                    try finishUpload(update, key, token, caller, receipt, from: partial)
                }
            }
        } catch {
            let isGone = await workers.run { [self] in
                disk.removeTree(partial)
                // A change under way holds a copy that says `saving`, and would put it back.
                return exclusively(key) { abandonUpload(key, token) }
            }
            throw isGone ? Failure(.imageGone, "Image \(update.id) was deleted while its data was uploaded.") : error
        }
    }

    /// Checks everything that can be checked before the data, then shows the image as `saving`.
    private func beginUpload(_ update: ImageUpdate, _ key: ImageKey, _ token: String, _ caller: Caller) throws(Failure)
        -> Image
    {
        guard let record = index.withLock({ $0.records[key] }) else { throw AccessRules.notFound(update.id) }
        // Since the caller was checked the image may have become another's: given away, or deleted and made anew.
        try AccessRules.requireControl(caller, record.image)
        guard record.image.status == .queued else {
            throw Failure(.conflict, "Cannot upload to an unqueued image", isDetail: true)
        }
        var trial = record
        _ = try apply(update, to: &trial, by: caller)
        try rules.checkFormats(trial.image)
        _ = try RecordCoding.encode(trial)
        index.withLock {
            $0.uploads[key] = token
            $0.records[key]?.image[.status] = .text(ImageStatus.saving.rawValue)
        }
        return demands(of: update, on: record.image)
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
        try attach(receipt, to: &record)
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
            $0.records[key]?.image[.status] = .text(ImageStatus.queued.rawValue)
            return false
        }
    }
}
