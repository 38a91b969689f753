import Bytes
import Glibc
public import Images
import Synchronization

extension FileRegistry {
    var rules: ImageRules { ImageRules(settings: settings) }

    func create(_ creation: ImageCreation, _ caller: Caller, _ body: (any BodySource)?) async throws(Failure) -> Image {
        try AccessRules.requireIdentity(caller)
        try requireWritable()
        var record = ImageRecord(image: try newImage(creation, caller), data: .none)
        switch creation.source {
        case .copyFrom(let url): throw ImageRules.externalSource(url)
        case .location:
            let location = try await attach(creation, to: &record, by: caller)
            guard creation.replacesAtLocation || creation.mustExist else { break }
            // Two registrations at once would both find none and make two.
            guard index.withLock({ $0.registering.insert(location).inserted }) else {
                throw Failure(.conflict, "The location is being registered by another request.")
            }
            defer { index.withLock { _ = $0.registering.remove(location) } }
            if let image = try await replace(creation, record, location, caller) { return image }
            if creation.mustExist {
                throw Failure(.imageNotFound, "No image is registered at '\(location)'.")
            }
            return try await publish(record, creation, nil)
        case .body:
            try rules.checkFormats(record.image)
            if creation.verified != nil { record.image[.location] = creation.image[.location] }
            // Refused now rather than after hours of data.
            _ = try RecordCoding.encode(record)
        case .none where creation.verified != nil:
            try rules.checkFormats(record.image)
            record.image[.location] = creation.image[.location]
            record.image[.status] = .text(ImageStatus.saving.rawValue)
            record.data = .awaited
        case .none:
            let isReady = record.image.text(.diskFormat) != nil && record.image.text(.containerFormat) != nil
            if creation.isActiveWhenEmpty, isReady, creation.image.integer(.size) == 0 {
                record.image[.status] = .text(ImageStatus.active.rawValue)
                record.data = .empty
            }
        }
        return try await publish(record, creation, body)
    }

    /// Gives the record the data of the location that its creation names.
    ///
    /// - Returns: the location in the one form in which locations are compared.
    private func attach(
        _ creation: ImageCreation, to record: inout ImageRecord, by caller: Caller
    ) async throws(Failure) -> String {
        let said = creation.image.text(.location) ?? ""
        if let verified = creation.verified {
            try rules.checkFormats(record.image)
            refer(to: verified, at: said, in: &record)
            return said
        }
        let (location, object) = try await object(at: said, for: caller)
        try rules.checkFormats(record.image)
        try attach(object, at: location, to: &record, demanding: creation.image, strictly: creation.replacesAtLocation)
        return location.canonical
    }

    /// The image as described, queued, with what the registry adds.
    private func newImage(_ creation: ImageCreation, _ caller: Caller) throws(Failure) -> Image {
        let said = creation.image
        let id = said.text(.id) ?? UUIDText.random()
        guard ImageKey.isPossible(id) else { throw Failure(.badRequest, "Invalid image id format") }
        var image = Image()
        image[.id] = .text(id)
        image[.name] = .null
        image[.status] = .text(ImageStatus.queued.rawValue)
        image[.diskFormat] = .null
        image[.containerFormat] = .null
        image[.size] = .integer(max(0, said.integer(.size) ?? 0))
        image[.checksum] = said.text(.checksum).map { .text($0) } ?? .null
        image[.store] = said.text(.store).map { .text($0) } ?? .text("file")
        image[.owner] = caller.owner.map { .text($0) } ?? .null
        image[.visibility] = .text(Visibility.shared.rawValue)
        image[.isPublic] = .boolean(false)
        image[.minRAM] = .integer(0)
        image[.minDisk] = .integer(0)
        image[.protected] = .boolean(false)
        image[.hidden] = .boolean(false)
        for field in said.statedFields { try rules.set(field, said[field], in: &image, by: caller) }
        image.properties = said.properties
        image.tags = ImageRules.normalized(said.tags ?? [])
        image.members = ImageRules.normalized(said.members ?? [], present: [])
        try rules.checkCounts(image)
        try rules.checkSize(image.integer(.size) ?? 0)
        return image
    }

    /// Reserves the id, stages the image with its data and makes it visible by one rename.
    private func publish(_ draft: ImageRecord, _ creation: ImageCreation, _ body: (any BodySource)?)
        async throws(Failure) -> Image
    {
        let key = ImageKey(draft.image.id)
        let isFree = index.withLock { $0.records[key] == nil && $0.reserved.insert(key).inserted }
        guard isFree else { throw Failure(.conflict, "An image with identifier \(draft.image.id) already exists") }
        let staging = "\(settings.directory)/staging/\(UUIDText.random())"
        do throws(Failure) {
            var record = draft
            try await onWorker { [self] () throws(Failure) in
                try guarded { () throws(DiskError) in _ = try disk.makeDirectory(staging) }
            }
            if case .body = creation.source {
                guard let body else {
                    throw Failure(.internal, "", cause: "an operation with data came without its body")
                }
                let receipt = try await receive(body, at: "\(staging)/data", demanding: creation.image)
                attach(receipt, to: &record)
            }
            record.image[.createdAt] = .time(.now)
            record.image[.updatedAt] = record.image[.createdAt]
            let whole = record
            try await onWorker { [self] () throws(Failure) in try durablyPublish(whole, key, staging: staging) }
            return whole.image
        } catch {
            await workers.run { [disk] in disk.removeTree(staging) }
            index.withLock { _ = $0.reserved.remove(key) }
            throw error
        }
    }

    /// Plankton's repeated registration: the caller's image at this location starts anew, its id and birth stay (plankton §2).
    /// Nil: there is none.
    private func replace(
        _ creation: ImageCreation, _ fresh: ImageRecord, _ location: String, _ caller: Caller
    ) async throws(Failure) -> Image? {
        guard let image = try registered(at: location, by: caller) else { return nil }
        let rules = rules
        return try await change(image.id) { (record: inout ImageRecord) throws(Failure) -> Bool in
            try AccessRules.requireControl(caller, record.image)
            let old = record.image
            guard creation.verified == nil || (record.data != .file && old.status != .saving) else {
                throw Failure(.conflict, "The image at this location has data of its own: delete it first")
            }
            record = fresh
            record.image[.id] = old[.id]
            record.image[.owner] = old[.owner]
            record.image[.createdAt] = old[.createdAt]
            record.image[.updatedAt] = .time(.now)
            if !creation.purgesOnReplace {
                record.image.properties = old.properties
                for property in fresh.image.properties.list {
                    record.image.properties.set(property.name, property.value)
                }
                try rules.checkCounts(record.image)
            }
            return true
        }.image
    }

    public func image(at location: String, for request: BackendRequest) async throws(Failure) -> Image? {
        try registered(at: location, by: request.caller)
    }

    /// The caller's image that is registered at a location.
    private func registered(at location: String, by caller: Caller) throws(Failure) -> Image? {
        let found = index.withLock { index in
            index.records.values.filter {
                AccessRules.owns(caller, $0.image)
                    && $0.image.text(.location).map { $0.sameBytes(as: location) } == true
            }
        }
        guard found.count <= 1 else {
            throw Failure(.conflict, "\(found.count) images are registered at '\(location)'.")
        }
        return found.first?.image
    }
}
