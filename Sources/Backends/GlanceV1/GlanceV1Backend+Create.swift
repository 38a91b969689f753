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
        // Nobody but the gateway says that data are on their way.
        let isAwaiting = creation.source == .none && creation.verified != nil
        image[.status] = isAwaiting ? .text(ImageStatus.saving.rawValue) : .absent
        var metadata = GlanceV1.Metadata(try GlanceV1Image.native(of: image, registry))
        metadata.isActiveWhenEmpty = creation.isActiveWhenEmpty
        let isNamed = !metadata.image.id.isEmpty
        // A creation that fails behind its beginning leaves a killed image, which must be found to be removed.
        let id = isNamed ? metadata.image.id : UUIDText.random()
        metadata.image[.id] = .text(id)
        if isNamed { try await requireFree(id, session) }
        var body: (any BodySource)?
        switch creation.source {
        case .none, .location: break
        case .copyFrom(let url): metadata.copySource = url
        case .body:
            guard let data else { throw Failure(.internal, cause: "data announced and not given") }
            body = data
            metadata.hasData = true
            // A checksum that no data have is no hash of another kind that came with a location.
            if let checksum = image.text(.checksum), !checksum.isEmpty, !ValueRules.isMD5(checksum) {
                throw Failure(.badRequest, "The checksum of data is their MD5 in lower-case hexadecimal digits")
            }
            if let store = image.text(.store), !store.isEmpty, store != "pithos" {
                metadata.image[.store] = .text(store)
            }
        }
        let made = Made(id: id, isNamed: isNamed, metadata: metadata)
        guard let body else { return try await post(made, session) }
        let call = try session.calls.create(metadata)
        return try await send(call, metadata, body, id: id, creating: made, session)
    }

    /// An image that is about to be made, and is removed when that fails.
    struct Made: Sendable {
        var id: String
        /// The client chose the id.
        var isNamed: Bool
        var metadata: GlanceV1.Metadata

        /// Whether an image of this id, there after this failure, can be somebody else's: the id was free before, so that
        /// only the registry's word for it counts.
        func mayBeOthers(_ failure: Failure) -> Bool {
            isNamed && failure.kind == .conflict && metadata.image.text(.location) == nil
        }
    }

    /// A client's own id must not be another image's: what fails later is removed by it.
    private func requireFree(_ id: String, _ session: GlanceV1Session) async throws(Failure) {
        let reply = try await session.exchange(session.calls.show(id)).reply
        await session.discard(reply)
        guard reply.status != 200 else {
            throw Failure(.conflict, "An image with identifier \(id) already exists")
        }
    }

    /// Creates an image without data. Not stopped by a client that goes away: what came of it must be known.
    private func post(_ made: Made, _ session: GlanceV1Session) async throws(Failure) -> GlanceV1Image {
        let call = try session.calls.create(made.metadata)
        let result = await session.shielded { [self] () async -> Result<GlanceV1Image, Failure> in
            do throws(Failure) {
                let reply = try await arrive(call, nil, creating: made, session)
                return .success(
                    try await undoing(made, session) { () async throws(Failure) -> GlanceV1Image in
                        let image = try await session.image(document: reply, id: made.id)
                        try Self.checkSize(of: image, made.metadata)
                        return image
                    })
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Old releases believe what is announced of a location's data.
    private static func checkSize(of image: GlanceV1Image, _ metadata: GlanceV1.Metadata) throws(Failure) {
        guard metadata.image.text(.location) != nil, let announced = metadata.image.integer(.size), announced > 0,
            let size = image.native.integer(.size), size != announced
        else { return }
        throw Failure(.conflict, "Size \(announced) was announced, the location holds \(size) bytes")
    }

    /// Sends a call; an image that it may have made before it broke off is removed.
    private func arrive(
        _ call: RegistryCall, _ data: MeasuredBody?, creating made: Made?, _ session: GlanceV1Session
    ) async throws(Failure) -> UpstreamReply {
        do throws(TransportError) {
            // An announced length of 0 would mean that there are no data.
            return try await session.send(call, data: data?.length == 0 ? data.map(ChunkedBody.init) : data)
        } catch {
            if let made, !error.cameTooEarly {
                _ = await undo(made.id, isProtected: made.metadata.isProtected, session)
            }
            throw data?.refusal ?? data?.fault.map(GlanceV1Session.failure(client:)) ?? GlanceV1Session.failure(error)
        }
    }

    /// Reads what came of a creation; when it fails, what it made is removed.
    private func undoing(
        _ made: Made?, _ session: GlanceV1Session, _ work: () async throws(Failure) -> GlanceV1Image
    ) async throws(Failure) -> GlanceV1Image {
        do throws(Failure) {
            return try await work()
        } catch {
            if let made, !made.mayBeOthers(error) {
                _ = await undo(made.id, isProtected: made.metadata.isProtected, session)
            }
            // An image that is being made cannot be missing: what its location names is.
            if made != nil, error.kind == .imageNotFound {
                throw Failure(.locationNotFound, error.message, cause: error.cause)
            }
            throw error
        }
    }

    // MARK: Data

    /// Sends metadata with data and compares what arrived with what was sent and what was demanded.
    ///
    /// - Parameter made: the image that is removed when it fails; nil: it was there before.
    func send(
        _ call: RegistryCall, _ metadata: GlanceV1.Metadata, _ data: any BodySource, id: String,
        creating made: Made? = nil, _ session: GlanceV1Session
    ) async throws(Failure) -> GlanceV1Image {
        let demands = Self.demands(of: metadata.image)
        try MeasuredBody.check(data.length, against: demands)
        let measured = try MeasuredBody(data, demands: demands, holdsBack: made == nil)
        let reply = try await arrive(call, measured, creating: made, session)
        return try await undoing(made, session) { () async throws(Failure) -> GlanceV1Image in
            let image = try await session.image(document: reply, id: id)
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
            return await session.removal(session.calls.delete(id))
        }
    }
}

extension GlanceV1.Metadata {
    var isProtected: Bool { image.boolean(.protected) ?? false }
}

extension TransportError {
    /// The registry has certainly seen nothing of the call.
    fileprivate var cameTooEarly: Bool {
        switch self {
        case .resolveFailed, .connectFailed, .tlsFailed, .overloaded, .invalidCall: true
        case .timedOut(let phase): phase == .queue || phase == .connect
        case .closed(let sentAnything): !sentAnything
        default: false
        }
    }
}
