import Bytes
import Dialects
import Glibc
import Images
import Upstream

/// Creating an image, and what must be undone when it does not come to its end (mapping §6.5, §7).
extension Glance2010Backend {
    func create(
        _ creation: ImageCreation, _ data: (any BodySource)?, _ session: Glance2010Session
    ) async throws(Failure) -> Glance2010Image {
        if creation.replacesAtLocation || creation.mustExist {
            if let found = try await registered(at: creation.image.text(.location) ?? "", session) {
                return try await replace(found, by: creation, session)
            }
            if creation.mustExist { throw Failure(.imageNotFound, "No image is registered at this location") }
        }
        var image = creation.image
        // Nobody but the gateway says that data are on their way.
        let isAwaiting = creation.source == .none && creation.verified != nil
        image[.status] = isAwaiting ? .text(ImageStatus.saving.rawValue) : .absent
        if creation.verified != nil, session.held.marks == nil {
            throw Failure(.badRequest, "This registry cannot hold the location of an image")
        }
        switch creation.source {
        case .copyFrom: throw Failure(.notImplemented, "This registry cannot copy from another place")
        case .none:
            guard creation.isActiveWhenEmpty, !isAwaiting else {
                return try await post(try Self.native(image, session), session)
            }
            return try await createWithData(image, BytesBody([]), session)
        case .body:
            guard let data else { throw Failure(.internal, cause: "data announced and not given") }
            return try await createWithData(image, data, session)
        case .location where creation.verified != nil:
            return try await post(try Self.native(image, session), session)
        case .location: return try await createAtLocation(image, session)
        }
    }

    private static func native(_ image: Image, _ session: Glance2010Session) throws(Failure) -> Image {
        try Glance2010Image.native(of: image, session.held)
    }

    /// Creates the record. Not stopped by a client that goes away: what came of it must be known to be undone.
    private func post(_ native: Image, _ session: Glance2010Session) async throws(Failure) -> Glance2010Image {
        let call = try session.calls.create(native, hasData: false)
        let result = await session.shielded { [self] () async -> Result<Glance2010Image, Failure> in
            do throws(Failure) {
                return .success(try await postOnce(call, native, session))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func postOnce(
        _ call: RegistryCall, _ native: Image, _ session: Glance2010Session
    ) async throws(Failure) -> Glance2010Image {
        let sent = SentRecord(native)
        let reply: UpstreamReply
        do throws(TransportError) {
            reply = try await session.send(call)
        } catch {
            await undoLost(sent, session)
            throw Glance2010Session.failure(error)
        }
        return try await created(reply, sent, session)
    }

    /// The image of a creation's answer. One with another id than the client's would never be found again.
    private func created(
        _ reply: UpstreamReply, _ sent: SentRecord, _ session: Glance2010Session
    ) async throws(Failure) -> Glance2010Image {
        let image = try await session.image(of: reply, id: nil)
        guard let id = sent.id, !id.sameBytes(as: image.native.id) else { return image }
        _ = await undo(image.native.id, session)
        throw Failure(.badRequest, "This registry chooses the ids of its images")
    }

    // MARK: Data

    /// One call brings record and data. The checksum is known behind the last byte, so that its mark comes with a call of
    /// its own, unless the client had announced it.
    private func createWithData(
        _ image: Image, _ data: any BodySource, _ session: Glance2010Session
    ) async throws(Failure) -> Glance2010Image {
        var image = image
        let demands = Self.demands(of: image)
        if demands.checksum == nil { image[.checksum] = .absent }
        image[.size] = (data.length ?? demands.size).map { .integer($0) } ?? .absent
        let native = try Self.native(image, session)
        let sent = SentRecord(native)
        let call = try session.calls.create(native, hasData: true)
        let reply: UpstreamReply
        let measured: MeasuredBody
        do throws(Failure) {
            (reply, measured) = try await upload(data, call, demands, session)
        } catch {
            await undoLost(sent, session)
            throw error
        }
        let made = try await created(reply, sent, session)
        do throws(Failure) {
            return try await completed(made, measured, demands, session)
        } catch {
            _ = await undo(made.native.id, session)
            throw error
        }
    }

    /// Sends data, which the registry gets whole only when they are what was demanded.
    func upload(
        _ data: any BodySource, _ call: RegistryCall, _ demands: MeasuredBody.Demands, _ session: Glance2010Session
    ) async throws(Failure) -> (UpstreamReply, MeasuredBody) {
        try MeasuredBody.check(data.length, against: demands)
        let measured = try MeasuredBody(data, demands: demands, holdsBack: true)
        // An announced length of nothing would be no data at all.
        let body: any BodySource = measured.length == 0 ? UnmeasuredBody(measured) : measured
        do throws(TransportError) {
            return (try await session.send(call, data: body), measured)
        } catch {
            throw measured.refusal ?? measured.fault.map(Glance2010Session.failure(client:))
                ?? Glance2010Session.failure(error)
        }
    }

    /// Compares what the registry took with what was sent, and leaves the checksum with the image.
    ///
    /// When the checksum's mark cannot be written the image stays: it is whole, and its answer shows that it has none.
    func completed(
        _ image: Glance2010Image, _ measured: MeasuredBody, _ demands: MeasuredBody.Demands,
        _ session: Glance2010Session
    ) async throws(Failure) -> Glance2010Image {
        guard let checksum = await measured.finish() else {
            throw measured.fault.map(Glance2010Session.failure(client:))
                ?? Failure(.badGateway, cause: "registry took the data for complete before their end")
        }
        if let refusal = demands.refusal(count: measured.count, checksum: checksum) { throw refusal }
        guard image.native.status == .active else {
            throw Failure(.badGateway, cause: "registry took the data, but its image is not available")
        }
        if let size = image.native.integer(.size), size != measured.count {
            throw Failure(
                .badRequest, "The registry holds other data than were sent",
                cause: "sent \(measured.count) bytes, registry has \(size)")
        }
        guard session.held.marks != nil else { return image }
        var after = image.image
        after[.checksum] = .text(checksum)
        let target = try Glance2010Image.native(of: after, session.held, removed: image.removed)
        guard let change = image.change(to: target) else { return image }
        let id = image.native.id
        return await session.shielded { (try? await session.put(id, change)) ?? image }
    }

    /// Announced size 0 says nothing about data that come (v1 clients send it for "not known").
    static func demands(of image: Image) -> MeasuredBody.Demands {
        var demands = MeasuredBody.Demands()
        if let size = image.integer(.size), size > 0 { demands.size = size }
        if let checksum = image.text(.checksum), !checksum.isEmpty { demands.checksum = checksum }
        return demands
    }

    // MARK: Locations

    /// A location that the registry refuses is kept as a mark where only the gateway can follow it.
    private func createAtLocation(
        _ image: Image, _ session: Glance2010Session
    ) async throws(Failure) -> Glance2010Image {
        var native = try Self.native(image, session)
        native[.location] = image[.location]
        let isPithos = image.text(.location).map(Self.isPithos) ?? false
        do throws(Failure) {
            return try await post(native, session)
        } catch {
            guard error.kind == .badRequest, isPithos, session.held.marks != nil else { throw error }
        }
        native[.location] = .absent
        return try await post(native, session)
    }

    static func isPithos(_ location: String) -> Bool { location.utf8.starts(with: "pithos://".utf8) }

    /// Registers again what is registered at the same place (plankton §2).
    private func replace(
        _ found: Glance2010Image, by creation: ImageCreation, _ session: Glance2010Session
    ) async throws(Failure) -> Glance2010Image {
        guard creation.verified == nil || found.native.status == .queued else {
            throw Failure(.conflict, "The image at this location has data of its own: delete it first")
        }
        var image = creation.image
        image[.id] = .absent
        image[.location] = .absent
        let ignored: [ImageField] = creation.verified == nil ? [.size, .checksum, .store] : [.store]
        let update = ImageUpdate(
            id: found.native.id, image: image, purgesProperties: creation.purgesOnReplace,
            guards: ignored.map { FieldGuard($0, .ignored, Failure(.badRequest)) }, fold: .plankton,
            verified: creation.verified)
        return try await self.update(update, nil, session)
    }

    // MARK: Undoing

    /// Takes back an image whose creation failed (mapping §7).
    func undo(_ id: String, _ session: Glance2010Session) async -> Undoing.Result {
        await undoing.remove(session) {
            await session.removal(session.calls.delete(id))
        }
    }

    /// After a creation that was not answered: what the registry may have made of it goes, when the client chose the id.
    /// Without one nothing tells ours from another of the same name.
    private func undoLost(_ sent: SentRecord, _ session: Glance2010Session) async {
        guard let id = sent.id else { return }
        await session.shielded { [self] in
            guard let image = try? await session.show(id), sent.made(image) else { return }
            _ = await undo(id, session)
        }
    }
}

/// A creation on its way, and how its image is known again.
private struct SentRecord: Sendable {
    /// Seconds that the registry's clock may be behind ours.
    private static let clockTolerance: Int64 = 5

    let id: String?
    private let name: String
    private let begun: Int64

    init(_ native: Image) {
        id = native.text(.id)
        name = native.text(.name) ?? ""
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        begun = Int64(now.tv_sec)
    }

    /// Whether the image with the id is what this creation made, not somebody else's who was faster.
    func made(_ image: Glance2010Image) -> Bool {
        guard (image.native.text(.name) ?? "").sameBytes(as: name), let created = image.native.time(.createdAt) else {
            return false
        }
        return created.seconds >= begun - Self.clockTolerance
    }
}

/// Data sent without their length.
private final class UnmeasuredBody: BodySource {
    private let source: any BodySource
    let length: Int64? = nil

    init(_ source: any BodySource) { self.source = source }

    func next() async throws(BodyError) -> [UInt8]? { try await source.next() }
}
