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
    func apply(_ update: ImageUpdate, to record: inout ImageRecord, by caller: Caller) throws(Failure) -> Bool {
        let before = record.image
        let changes = try update.changes(on: before, by: caller)
        for change in changes.fields { try rules.set(change.field, change.value, in: &record.image, by: caller) }
        for property in changes.setProperties { record.image.properties.set(property.name, property.value) }
        for name in changes.removedProperties { record.image.properties.remove(name) }
        if let tags = changes.tags { record.image.tags = ImageRules.normalized(tags) }
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

    func requireQueued(_ image: Image) throws(Failure) {
        guard image.status == .queued else {
            throw Failure(.badRequest, "Attempted to update Location field for an image not in queued status.")
        }
    }

    // MARK: location

    func relocate(_ update: ImageUpdate, _ caller: Caller) async throws(Failure) -> Image {
        try requireQueued(try visible(update.id, caller).image)
        if let verified = update.verified, let location = update.image.text(.location) {
            return try await refer(update, to: verified, at: location, caller)
        }
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

    private func refer(
        _ update: ImageUpdate, to object: VerifiedObject, at location: String, _ caller: Caller
    ) async throws(Failure) -> Image {
        try await change(update.id) { [self] (record: inout ImageRecord) throws(Failure) -> Bool in
            try AccessRules.requireControl(caller, record.image)
            try requireQueued(record.image)
            _ = try apply(update, to: &record, by: caller)
            try rules.checkFormats(record.image)
            refer(to: object, at: location, in: &record)
            record.image[.updatedAt] = .time(.now)
            return true
        }.image
    }

    /// What the data must be: as said now, else as announced before.
    func demands(of update: ImageUpdate, on image: Image) -> Image {
        var demands = Image()
        for field in [ImageField.size, .checksum] {
            demands[field] = update.image[field].isAbsent ? image[field] : update.image[field]
        }
        return demands
    }
}
