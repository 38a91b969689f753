import Bytes
import Dialects
import Images
import Upstream

/// Changing an image: read, compare, one PUT (mapping §4.3, §6.3).
extension GlanceV1Backend {
    func update(
        _ update: ImageUpdate, _ data: (any BodySource)?, _ session: GlanceV1Session
    ) async throws(Failure) -> GlanceV1Image {
        let id = try await session.remoteID(update.id)
        guard case .body = update.source else {
            return try await locks.withLock(id) { () async throws(Failure) -> GlanceV1Image in
                try locks.requireNoUpload(id)
                return try await change(try await session.show(id), by: update, session)
            }
        }
        guard let data else { throw Failure(.internal, cause: "data announced and not given") }
        let ready = try await locks.withLock(id) { () async throws(Failure) -> ReadyForData in
            try locks.beginUpload(id)
            do throws(Failure) {
                return try await prepare(update, id: id, session)
            } catch {
                locks.endUpload(id)
                throw error
            }
        }
        // The data come as slowly as the client likes: nobody waits for them.
        defer { locks.endUpload(id) }
        let call = try session.calls.update(id, ready.metadata, purges: false)
        let image = try await send(call, ready.metadata, data, id: id, session)
        guard ready.wasAwaiting, let mark = session.held.marks?.name(.status) else { return image }
        // Of an image that has data it says nothing any more.
        var cleaning = GlanceV1Image.Change()
        cleaning.removed = [mark]
        return (try? await put(GlanceV1.Metadata(Image()), cleaning, to: image, purgesAll: false, session)) ?? image
    }

    private struct ReadyForData {
        var metadata: GlanceV1.Metadata
        var wasAwaiting: Bool
    }

    /// Changes everything but the data of an image that was just read; with the lock held.
    func change(
        _ current: GlanceV1Image, by update: ImageUpdate, _ session: GlanceV1Session
    ) async throws(Failure) -> GlanceV1Image {
        try Self.check(update, current)
        var changes = try update.changes(on: current.image, by: session.caller)
        var location: String?
        if update.source == .location, let text = update.image.text(.location) {
            if GlanceV1Image.isPithos(text) {
                changes.fields.append((.location, .text(text)))
            } else {
                location = text
            }
        }
        // It is a reference from now on.
        if update.verified != nil, current.isAwaiting { changes.fields.append((.status, .null)) }
        // What is announced of data that are still to come.
        for announced in update.guards where announced.scope == .whileActive && current.native.status == .queued {
            let value = update.image[announced.field]
            if !value.isAbsent { changes.fields.append((announced.field, value)) }
        }
        let change = try current.change(changes, registry)
        var metadata = GlanceV1.Metadata(change.fields)
        metadata.image[.location] = location.map { .text($0) } ?? .absent
        if case .copyFrom(let url) = update.source { metadata.copySource = url }
        guard !change.isEmpty || location != nil || metadata.copySource != nil else { return current }
        return try await put(metadata, change, to: current, purgesAll: update.purgesProperties, session)
    }

    /// Data may only be given to an image that waits for them.
    private static func check(_ update: ImageUpdate, _ current: GlanceV1Image) throws(Failure) {
        guard update.source != .none else { return }
        let isTaken = current.isReference || (current.isAwaiting && update.verified == nil)
        guard current.native.status != .queued || isTaken else { return }
        if case .body = update.source { throw Failure(.conflict, "Cannot upload to an unqueued image", isDetail: true) }
        throw Failure(.badRequest, "Attempted to update Location field for an image not in queued status.")
    }

    /// What the data are sent with. Properties that go have gone before: data never go with a purge (glance-v1 §5.3).
    private func prepare(
        _ update: ImageUpdate, id: String, _ session: GlanceV1Session
    ) async throws(Failure) -> ReadyForData {
        let current = try await session.show(id)
        try Self.check(update, current)
        let changes = try update.changes(on: current.image, by: session.caller)
        var change = try current.change(changes, registry)
        var image = current
        // A change that the data must not cost, should they fail, or that cannot go with them.
        if !change.removed.isEmpty {
            image = try await put(
                GlanceV1.Metadata(change.fields), change, to: current, purgesAll: update.purgesProperties, session)
            change = GlanceV1Image.Change()
        }
        var metadata = GlanceV1.Metadata(change.fields)
        metadata.image.properties = Properties(change.set)
        if update.verified != nil, let location = update.image.text(.location) {
            let mark = try session.held.property(.location, location)
            metadata.image.properties.set(mark.name, mark.value)
        }
        metadata.hasData = true
        if let store = update.image.text(.store) ?? image.image.text(.store), !store.isEmpty, store != "pithos" {
            metadata.image[.store] = .text(store)
        }
        // What was announced before is demanded now.
        let size = update.image.integer(.size) ?? image.native.integer(.size)
        if let size, size > 0 { metadata.image[.size] = .integer(size) }
        if let checksum = update.image.text(.checksum) ?? image.native.text(.checksum), ValueRules.isMD5(checksum) {
            metadata.image[.checksum] = .text(checksum)
        }
        return ReadyForData(metadata: metadata, wasAwaiting: current.isAwaiting)
    }

    /// Sends one PUT: with all properties when one of them goes, else with those that change.
    private func put(
        _ metadata: GlanceV1.Metadata, _ change: GlanceV1Image.Change, to current: GlanceV1Image, purgesAll: Bool,
        _ session: GlanceV1Session
    ) async throws(Failure) -> GlanceV1Image {
        var metadata = metadata
        let id = current.remoteID
        let purges = !change.removed.isEmpty
        metadata.image.properties = Properties(change.set)
        if purges {
            var present = current.native.properties
            if !purgesAll {
                // Headers show no null properties, documents do: those of a change that changes nothing.
                let empty = try session.calls.update(id, GlanceV1.Metadata(Image()), purges: false)
                let whole = try await sendPut(empty, current, session).native.properties
                for property in whole.list where !present.contains(property.name) {
                    present.set(property.name, property.value)
                }
            }
            metadata.image.properties = change.all(of: present)
        }
        return try await sendPut(try session.calls.update(id, metadata, purges: purges), current, session)
    }

    /// Some releases fail where they should refuse a change of an image that is only shared with the caller
    /// (glance-v1 §5.3).
    private func sendPut(
        _ call: RegistryCall, _ current: GlanceV1Image, _ session: GlanceV1Session
    ) async throws(Failure) -> GlanceV1Image {
        let answer = try await session.exchange(call)
        if answer.status == 500, let tenant = session.caller.tenant, !session.caller.isAdministrator,
            let owner = current.native.text(.owner), !owner.sameBytes(as: tenant)
        {
            let failure = await session.failure(of: answer.reply)
            throw Failure(.forbidden, "You are not permitted to modify this image.", cause: failure.cause)
        }
        return try await session.image(document: answer.reply, id: current.remoteID)
    }

    /// Changes the tags of an image that was just read.
    func changeTags(
        of id: String, _ session: GlanceV1Session, _ edit: (inout [String]) throws(Failure) -> Void
    ) async throws(Failure) {
        let remote = try await session.remoteID(id)
        try await locks.withLock(remote) { () async throws(Failure) in
            try locks.requireNoUpload(remote)
            let current = try await session.show(remote)
            var tags = current.image.tags ?? []
            try edit(&tags)
            var image = Image()
            image.tags = tags
            _ = try await change(current, by: ImageUpdate(id: id, image: image), session)
        }
    }
}
