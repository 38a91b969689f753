import Bytes
import Dialects
import Images
import Upstream

/// Changing an image: read, compare, one PATCH, then its data (mapping §4.3, §6.1).
extension ImageV2Backend {
    func update(
        _ update: ImageUpdate, id: String, _ data: (any BodySource)?, _ session: ImageV2Session
    ) async throws(Failure) -> ImageV2Image {
        guard case .body = update.source else {
            return try await locks.withLock(id) { () async throws(Failure) -> ImageV2Image in
                try locks.requireNoUpload(id)
                let current = try await session.show(id)
                try Self.check(update, current)
                return try await change(current, by: update, session)
            }
        }
        guard let data else { throw Failure(.internal, cause: "data announced and not given") }
        let ready = try await locks.withLock(id) { () async throws(Failure) -> ReadyForData in
            try locks.beginUpload(id)
            do throws(Failure) {
                return try await prepare(update, id: id, length: data.length, session)
            } catch {
                locks.endUpload(id)
                throw error
            }
        }
        // The data come as slowly as the client likes: nobody waits for them.
        defer { locks.endUpload(id) }
        return try await fill(ready, with: data, session)
    }

    /// An image whose metadata are as they shall be, and what its data are sent with.
    private struct ReadyForData {
        var image: ImageV2Image
        var demands: MeasuredBody.Demands
        var store: String?
        var properties: ImageV2Properties
        /// Where the data come from; kept beside them.
        var location: String?
    }

    private func prepare(
        _ update: ImageUpdate, id: String, length: Int64?, _ session: ImageV2Session
    ) async throws(Failure) -> ReadyForData {
        let found = try await session.show(id)
        try Self.check(update, found)
        let properties = await self.properties(session, for: update.image.properties)
        try MeasuredBody.check(length, against: Self.demands(update.image, found))
        let store = try await storeHeader(update.image.text(.store), session)
        let image = try await patched(found, update, properties, session)
        return ReadyForData(
            image: image, demands: Self.demands(update.image, image), store: store, properties: properties,
            location: update.verified.flatMap { _ in update.image.text(.location) })
    }

    /// Data may only be given to an image that waits for them.
    private static func check(_ update: ImageUpdate, _ current: ImageV2Image) throws(Failure) {
        guard update.source != .none else { return }
        let isWaiting =
            current.remoteStatus == ImageStatus.queued.rawValue && current.remoteChecksum == nil
            && !current.isReference && !current.isImporting && (!current.isAwaiting || update.verified != nil)
        guard !isWaiting else { return }
        if case .body = update.source { throw Failure(.conflict, "Image is already activated or cannot take data") }
        throw Failure(.badRequest, "Attempted to update Location field for an image not in queued status.")
    }

    /// Changes everything but the data of an image that was just read; with the lock held.
    func change(
        _ found: ImageV2Image, by update: ImageUpdate, _ session: ImageV2Session
    ) async throws(Failure) -> ImageV2Image {
        let properties = await self.properties(session, for: update.image.properties)
        let current = try await patched(found, update, properties, session)
        if case .copyFrom(let url) = update.source { try await startCopy(of: url, to: current.remoteID, session) }
        return current
    }

    private func fill(
        _ ready: ReadyForData, with data: any BodySource, _ session: ImageV2Session
    ) async throws(Failure) -> ImageV2Image {
        let id = ready.image.remoteID
        let uploaded: ImageV2Image
        do throws(Failure) {
            uploaded = try await upload(
                data, to: id, demands: ready.demands, holdsBack: true, store: ready.store, session)
        } catch {
            guard error.kind == .storeReadOnly, let answer = try? await session.exchange(session.calls.show(id)) else {
                throw error
            }
            await session.discard(answer.reply)
            throw answer.status == 404 ? Failure(.imageGone, error.message, cause: error.cause) : error
        }
        var patch = ImageV2Patch()
        try patch.setMark(.size, nil, on: uploaded, ready.properties)
        if uploaded.marks[.checksum].map(ValueRules.isMD5) ?? false {
            try patch.setMark(.checksum, nil, on: uploaded, ready.properties)
        }
        try patch.setMark(.status, nil, on: uploaded, ready.properties)
        if let location = ready.location { try patch.setMark(.location, location, on: uploaded, ready.properties) }
        return await cleaned(uploaded, patch, ready.properties, session)
    }

    /// What the data must be: as the request says, else as was announced before.
    private static func demands(_ image: Image, _ current: ImageV2Image) -> MeasuredBody.Demands {
        var demands = MeasuredBody.Demands()
        let size = image.integer(.size) ?? current.marks[.size].flatMap { ASCII.decimal($0) }
        if let size, size > 0 { demands.size = size }
        let announced = current.marks[.checksum].flatMap { ValueRules.isMD5($0) ? $0 : nil }
        if let checksum = image.text(.checksum) ?? announced, !checksum.isEmpty { demands.checksum = checksum }
        return demands
    }

    /// The image after everything but its data was changed. When a property vanished meanwhile the image is read and
    /// compared once more.
    private func patched(
        _ found: ImageV2Image, _ update: ImageUpdate, _ properties: ImageV2Properties, _ session: ImageV2Session
    ) async throws(Failure) -> ImageV2Image {
        do throws(Failure) {
            return try await patchedOnce(found, update, properties, session)
        } catch {
            guard error.kind == .conflict else { throw error }
            return try await patchedOnce(try await session.show(found.remoteID), update, properties, session)
        }
    }

    private func patchedOnce(
        _ current: ImageV2Image, _ update: ImageUpdate, _ properties: ImageV2Properties, _ session: ImageV2Session
    ) async throws(Failure) -> ImageV2Image {
        var takesData = false
        if case .body = update.source { takesData = true }
        let changes = try update.changes(on: current.image, by: session.caller) { name in
            settings.starlingx && ImageV2Names.starlingxReadOnly.contains(name)
        }
        var patch = try ImageV2Patch(changes, on: current, properties: properties, demands: takesData)
        if update.source == .location, let location = update.image.text(.location) {
            if Self.isPithos(location) { try patch.setMark(.location, location, on: current, properties) }
            if update.verified == nil, let url = try fetchable(location, by: session.caller) {
                return try await setLocation(url, of: current, patch, properties, session)
            }
        }
        // It is a reference from now on.
        if update.verified != nil, !takesData { try patch.setMark(.status, nil, on: current, properties) }
        guard !patch.isEmpty else { return current }
        let answer = try await sendPatch(patch, to: current, properties, session)
        guard let repair = try patch.repair(after: answer, properties: properties) else { return answer }
        return try await sendPatch(repair, to: answer, properties, session)
    }

    /// Sends one PATCH; without what is forbidden and can be done without when the registry says 403.
    func sendPatch(
        _ patch: ImageV2Patch, to image: ImageV2Image, _ properties: ImageV2Properties, _ session: ImageV2Session
    ) async throws(Failure) -> ImageV2Image {
        var patch = patch
        var mayPublish = mayPublishByMark(session)
        while true {
            let reply = try await session.exchange(session.calls.patch(image.remoteID, patch.operations())).reply
            if reply.status == 200 { return try await session.image(of: reply, id: image.remoteID) }
            if reply.status == 403, patch.changesOwner {
                patch = patch.withoutOwner()
                await session.discard(reply)
                if patch.isEmpty { return image }
            } else if reply.status == 403, patch.publishes, mayPublish {
                patch = try patch.publishingByMark(properties)
                mayPublish = false
                await session.discard(reply)
            } else {
                throw await session.failure(of: reply)
            }
        }
    }
}
