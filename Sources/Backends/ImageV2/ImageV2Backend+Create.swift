import Bytes
import Dialects
import Images
import Upstream

/// Creating an image and everything that must be undone when it does not come to its end (mapping §6.1, §7).
extension ImageV2Backend {
    func create(
        _ creation: ImageCreation, _ data: (any BodySource)?, _ session: ImageV2Session
    ) async throws(Failure) -> ImageV2Image {
        if creation.replacesAtLocation || creation.mustExist {
            if let found = try await registered(at: creation.image.text(.location) ?? "", session) {
                return try await replace(found, by: creation, session)
            }
            if creation.mustExist { throw Failure(.imageNotFound, "No image is registered at this location") }
        }
        let plan = try await CreationPlan(creation, data, self, session)
        let created = try await post(plan.encoder, session)
        do throws(Failure) {
            return try await finish(created, plan, session)
        } catch {
            let isProtected = created.image.boolean(.protected) ?? false
            let undone = await undo(created.remoteID, isProtected: isProtected, session)
            throw error.kind == .storeReadOnly && undone == .wasGone
                ? Failure(.imageGone, error.message, cause: error.cause) : error
        }
    }

    private func finish(
        _ created: ImageV2Image, _ plan: CreationPlan, _ session: ImageV2Session
    ) async throws(Failure) -> ImageV2Image {
        switch plan.step {
        case .nothing: return created
        case .upload(let data, let store):
            try locks.beginUpload(created.remoteID)
            defer { locks.endUpload(created.remoteID) }
            let image = try await upload(
                data, to: created.remoteID, demands: plan.demands, holdsBack: false, store: store, session)
            guard plan.encoder.isAwaiting else { return image }
            var patch = ImageV2Patch()
            try patch.setMark(.status, nil, on: image, plan.encoder.properties)
            return await cleaned(image, patch, plan.encoder.properties, session)
        case .copy(let url):
            try await startCopy(of: url, to: created.remoteID, session)
            return created
        case .location(let url):
            let image = try await setLocation(url, of: created, ImageV2Patch(), plan.encoder.properties, session)
            if let announced = plan.demands.size, announced > 0, let size = image.remoteSize, size != announced {
                throw Failure(.conflict, "Size \(announced) was announced, the location holds \(size) bytes")
            }
            return image
        }
    }

    // MARK: Data

    /// The image without marks that say nothing any more now that it has data, nor harm when they stay.
    func cleaned(
        _ image: ImageV2Image, _ patch: ImageV2Patch, _ properties: ImageV2Properties, _ session: ImageV2Session
    ) async -> ImageV2Image {
        guard !patch.isEmpty else { return image }
        let answer = try? await locks.withLock(image.remoteID) { () async throws(Failure) -> ImageV2Image in
            try await sendPatch(patch, to: image, properties, session)
        }
        return answer ?? image
    }

    /// Uploads and compares what arrived with what was sent and what was demanded.
    func upload(
        _ data: any BodySource, to id: String, demands: MeasuredBody.Demands, holdsBack: Bool, store: String?,
        _ session: ImageV2Session
    ) async throws(Failure) -> ImageV2Image {
        try MeasuredBody.check(data.length, against: demands)
        let measured = try MeasuredBody(data, demands: demands, holdsBack: holdsBack)
        let call = session.calls.upload(id, size: data.length ?? demands.size, store: store)
        let reply: UpstreamReply
        do throws(TransportError) {
            reply = try await session.send(call, data: measured)
        } catch {
            throw measured.refusal ?? measured.fault.map(ImageV2Session.failure(client:))
                ?? ImageV2Session.failure(error)
        }
        guard (200...204).contains(reply.status) else { throw await session.failure(of: reply) }
        await session.discard(reply)
        guard let checksum = await measured.finish() else {
            throw measured.fault.map(ImageV2Session.failure(client:))
                ?? Failure(.badGateway, cause: "registry took the data for complete before their end")
        }
        let sent = (count: measured.count, checksum: checksum)
        let result = await session.shielded { () async -> Result<ImageV2Image, Failure> in
            do throws(Failure) {
                return .success(try await session.show(id))
            } catch {
                return .failure(error)
            }
        }
        let image = try result.get()
        if let refusal = demands.refusal(count: sent.count, checksum: sent.checksum) { throw refusal }
        guard image.remoteStatus == ImageStatus.active.rawValue, image.remoteSize != nil else {
            throw Failure(.badGateway, cause: "registry took the data, but its image is \(image.remoteStatus)")
        }
        let isSame =
            image.remoteSize == sent.count && (image.remoteChecksum.map { $0.sameBytes(as: sent.checksum) } ?? true)
        guard isSame else {
            throw Failure(
                .badRequest, "The registry holds other data than were sent",
                cause: "sent \(sent.count) bytes, MD5 \(sent.checksum); registry has \(image.remoteSize ?? -1)")
        }
        return image
    }

    func startCopy(of url: String, to id: String, _ session: ImageV2Session) async throws(Failure) {
        let reply = try await session.exchange(session.calls.webDownload(id, from: url)).reply
        guard reply.status == 202 || reply.status == 200 else { throw await session.failure(of: reply) }
        await session.discard(reply)
    }

    /// The upload header's value for a wanted store (mapping §3.6); Plankton's only store is not passed on.
    func storeHeader(_ store: String?, _ session: ImageV2Session) async throws(Failure) -> String? {
        guard let store, !store.isEmpty, store != "pithos" else { return nil }
        let reply = try await session.exchange(session.calls.stores()).reply
        if reply.status == 200,
            ImageV2Reply.stores(try await session.document(of: reply)).contains(where: { $0.sameBytes(as: store) })
        {
            return store
        }
        if reply.status != 200, reply.status != 404 { throw await session.failure(of: reply) }
        if reply.status == 404 { await session.discard(reply) }
        throw Failure(
            .badRequest, "Requested store \(store) not available for storage on this Glance node", isDetail: true)
    }
}

/// What creating an image takes after its record.
private struct CreationPlan {
    enum Step {
        case nothing
        case upload(any BodySource, store: String?)
        case copy(String)
        case location(String)
    }

    var encoder: ImageV2Creation
    var step = Step.nothing
    var demands = MeasuredBody.Demands()

    init(
        _ creation: ImageCreation, _ data: (any BodySource)?, _ backend: ImageV2Backend, _ session: ImageV2Session
    ) async throws(Failure) {
        var image = creation.image
        if creation.replacesAtLocation { ImageV2Backend.completeFormats(of: &image) }
        encoder = ImageV2Creation(
            image: image, properties: await backend.properties(session, for: image.properties))
        let store = image.text(.store).flatMap { $0.isEmpty || $0 == "pithos" ? nil : $0 }
        switch creation.source {
        case .none where creation.verified != nil:
            encoder.location = image.text(.location)
            encoder.isAwaiting = true
            encoder.announcesSize = true
            encoder.announcesChecksum = true
        case .none:
            let isComplete = image.text(.diskFormat) != nil && image.text(.containerFormat) != nil
            if creation.isActiveWhenEmpty, isComplete {
                step = .upload(BytesBody([]), store: try await backend.storeHeader(store, session))
                demands = Self.demands(of: image)
            } else {
                encoder.announcesSize = true
                encoder.announcesChecksum = true
                encoder.store = store
            }
        case .body:
            guard let data else { throw Failure(.internal, cause: "data announced and not given") }
            demands = Self.demands(of: image)
            try MeasuredBody.check(data.length, against: demands)
            if creation.verified != nil {
                encoder.location = image.text(.location)
                encoder.isAwaiting = true
            }
            step = .upload(data, store: try await backend.storeHeader(store, session))
        case .copyFrom(let url):
            step = .copy(url)
            encoder.store = store
        case .location:
            let location = image.text(.location) ?? ""
            encoder.announcesChecksum = true
            encoder.store = store
            let isPithos = ImageV2Backend.isPithos(location)
            if isPithos { encoder.location = location }
            if creation.verified == nil, let url = try backend.fetchable(location, by: session.caller) {
                step = .location(url)
                demands.size = image.integer(.size)
            } else {
                encoder.announcesSize = true
            }
        }
    }

    /// Announced size 0 says nothing about data that come (v1 clients send it for "not known").
    static func demands(of image: Image) -> MeasuredBody.Demands {
        var demands = MeasuredBody.Demands()
        if let size = image.integer(.size), size > 0 { demands.size = size }
        if let checksum = image.text(.checksum), !checksum.isEmpty { demands.checksum = checksum }
        return demands
    }
}
