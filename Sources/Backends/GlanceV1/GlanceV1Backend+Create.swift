import Bytes
import Dialects
import Images
import Upstream

/// Creating an image: one POST, with its data when there are any (mapping §6.3).
extension GlanceV1Backend {
    func create(
        _ creation: ImageCreation, _ data: (any BodySource)?, _ session: GlanceV1Session
    ) async throws(Failure) -> GlanceV1Image {
        if creation.replacesAtLocation || creation.mustExist {
            if let found = try await registered(at: creation.image.text(.location) ?? "", session) {
                return try await replace(found, by: creation, session)
            }
            if creation.mustExist { throw Failure(.imageNotFound, "No image is registered at this location") }
        }
        var image = creation.image
        if creation.replacesAtLocation { Self.completeFormats(of: &image) }
        var metadata = GlanceV1.Metadata(try GlanceV1Image.native(of: image, registry))
        metadata.isActiveWhenEmpty = creation.isActiveWhenEmpty
        let isNamed = !metadata.image.id.isEmpty
        // A creation that fails behind its beginning leaves a killed image, which must be found to be removed.
        if !isNamed, creation.source != .none { metadata.image[.id] = .text(UUIDText.random()) }
        let id = metadata.image.text(.id)
        if isNamed, let id, creation.source != .none { try await requireFree(id, session) }
        switch creation.source {
        case .none, .location: break
        case .copyFrom(let url): metadata.copySource = url
        case .body:
            guard let data else { throw Failure(.internal, cause: "data announced and not given") }
            metadata.hasData = true
            if let store = image.text(.store), !store.isEmpty, store != "pithos" {
                metadata.image[.store] = .text(store)
            }
            return try await send(try session.calls.create(metadata), metadata, data, creates: id, session)
        }
        let call = try session.calls.create(metadata)
        let answer = try await undoing(id, metadata, session) { () async throws(Failure) in
            try await session.image(call, id: id)
        }
        guard let remote = id, creation.source == .location, metadata.image.text(.location) != nil,
            let announced = image.integer(.size), announced > 0, answer.native.integer(.size) != announced
        else { return answer }
        _ = await undo(remote, isProtected: metadata.isProtected, session)
        throw Failure(.conflict, "Size \(announced) was announced, the location holds other data")
    }

    /// A client's own id must not be another image's: what fails later is removed by it.
    private func requireFree(_ id: String, _ session: GlanceV1Session) async throws(Failure) {
        let reply = try await session.exchange(session.calls.show(id)).reply
        await session.discard(reply)
        guard reply.status != 200 else {
            throw Failure(.conflict, "An image with identifier \(id) already exists", isDetail: true)
        }
    }

    /// Runs a creation; when it fails, what it made is removed again.
    private func undoing(
        _ id: String?, _ metadata: GlanceV1.Metadata, _ session: GlanceV1Session,
        _ work: () async throws(Failure) -> GlanceV1Image
    ) async throws(Failure) -> GlanceV1Image {
        do throws(Failure) {
            return try await work()
        } catch {
            // The registry says so of an image that is somebody else's.
            if let id, error.kind != .conflict || metadata.image.text(.location) != nil {
                _ = await undo(id, isProtected: metadata.isProtected, session)
            }
            throw error
        }
    }

    // MARK: Data

    /// Sends metadata with data and compares what arrived with what was sent and what was demanded.
    ///
    /// - Parameter creates: id of the image that is removed when it fails; nil: the image was there before.
    func send(
        _ call: RegistryCall, _ metadata: GlanceV1.Metadata, _ data: any BodySource, creates: String?,
        updates: String? = nil, _ session: GlanceV1Session
    ) async throws(Failure) -> GlanceV1Image {
        let demands = Self.demands(of: metadata.image)
        try MeasuredBody.check(data.length, against: demands)
        let measured = try MeasuredBody(data, demands: demands, holdsBack: updates != nil)
        return try await undoing(creates, metadata, session) { () async throws(Failure) -> GlanceV1Image in
            let reply: UpstreamReply
            do throws(TransportError) {
                reply = try await session.send(call, data: data.length == 0 ? ChunkedBody(measured) : measured)
            } catch {
                throw measured.refusal ?? measured.fault.map(GlanceV1Session.failure(client:))
                    ?? GlanceV1Session.failure(error)
            }
            let image = try await session.image(document: reply, id: creates ?? updates)
            guard let checksum = await measured.finish() else {
                throw measured.fault.map(GlanceV1Session.failure(client:))
                    ?? Failure(.badGateway, cause: "registry took the data for complete before their end")
            }
            if let refusal = demands.refusal(count: measured.count, checksum: checksum) { throw refusal }
            guard image.native.status == .active else {
                throw Failure(.badGateway, cause: "registry took the data, but its image is not active")
            }
            let isSame =
                image.native.integer(.size) == measured.count
                && (image.native.text(.checksum).map { $0.sameBytes(as: checksum) } ?? true)
            guard isSame else {
                throw Failure(
                    .badRequest, "The registry holds other data than were sent",
                    cause: "sent \(measured.count) bytes, MD5 \(checksum)")
            }
            return image
        }
    }

    /// Announced size 0 says nothing about data that come (v1 clients send it for "not known").
    private static func demands(of native: Image) -> MeasuredBody.Demands {
        var demands = MeasuredBody.Demands()
        if let size = native.integer(.size), size > 0 { demands.size = size }
        if let checksum = native.text(.checksum), !checksum.isEmpty { demands.checksum = checksum }
        return demands
    }

    // MARK: Undoing

    /// Takes back an image whose creation failed (mapping §7).
    func undo(_ id: String, isProtected: Bool, _ session: GlanceV1Session) async -> Undoing.Result {
        await undoing.remove(session) {
            if isProtected {
                var image = Image()
                image[.protected] = .boolean(false)
                if let call = try? session.calls.update(id, GlanceV1.Metadata(image), purges: false),
                    let answer = try? await session.exchange(call)
                {
                    await session.discard(answer.reply)
                }
            }
            guard let answer = try? await session.exchange(session.calls.delete(id)) else { return nil }
            await session.discard(answer.reply)
            switch answer.status {
            case 200...204: return .removed
            case 404: return answer.wasRepeated ? .removed : .wasGone
            default: return nil
            }
        }
    }
}

extension GlanceV1.Metadata {
    var isProtected: Bool { image.boolean(.protected) ?? false }
}
