import Bytes
import Dialects
import Images
import Upstream

/// Data for an image that waits for them: they take the place of the empty object, whose id and registration stay
/// (mapping §6.4; astakos-pithos §2.7). Until the mark is gone the image is queued, whatever the object holds.
extension PlanktonBackend {
    /// An image that is ready for its data.
    private struct Waiting {
        var id: String
        var location: PithosLocation
        var demands: MeasuredBody.Demands
    }

    func fill(
        _ id: String, _ update: ImageUpdate, _ data: any BodySource, _ uploads: PlanktonUploads,
        _ session: PlanktonSession
    ) async throws(Failure) -> PlanktonImage {
        let waiting = try await locks.withLock(id) { () async throws(Failure) -> Waiting in
            try locks.beginUpload(id)
            do throws(Failure) {
                return try await prepare(id, update, session)
            } catch {
                locks.endUpload(id)
                throw error
            }
        }
        // The data come as slowly as the client likes: nobody waits for them.
        defer { locks.endUpload(id) }
        try MeasuredBody.check(data.length, against: waiting.demands)
        let measured = try MeasuredBody(data, demands: waiting.demands, holdsBack: true)
        var refusal: Failure?
        var uuid: String?
        do throws(PithosFault) {
            let object = try await uploads.store.put(
                measured, at: waiting.location, overwrites: true, token: session.caller.token)
            uuid = object.content.uuid
            refusal = await measured.finish().flatMap { waiting.demands.refusal(count: measured.count, checksum: $0) }
        } catch {
            refusal = uploads.failure(error, measured, session)
        }
        let (size, failure) = (measured.count, refusal)
        // A client that goes away now must not leave data behind that are nobody's.
        let result = await session.shielded { [self, uuid] () async -> Result<PlanktonImage, Failure> in
            do throws(Failure) {
                if let failure { throw failure }
                guard uuid == id else { throw Failure(.badGateway, cause: "new data gave the object another id") }
                return .success(try await finish(waiting, size: size, session))
            } catch {
                return .failure(await giveUp(waiting, error, uploads, session))
            }
        }
        return try result.get()
    }

    /// Everything but the data is changed before they come (mapping §7).
    private func prepare(
        _ id: String, _ update: ImageUpdate, _ session: PlanktonSession
    ) async throws(Failure) -> Waiting {
        let current = try await session.show(id)
        guard current.isAwaitingData else { throw Self.isComplete }
        guard let location = current.remote.text(.location).flatMap({ try? PithosLocation($0) }) else {
            throw Failure(.badGateway, cause: "an image without a location in the store")
        }
        var demands = try Self.demands(of: current.image)
        let said = try Self.demands(of: update.image)
        demands.size = said.size ?? demands.size
        demands.checksum = said.checksum ?? demands.checksum
        _ = try await send(try update.changes(on: current.image, by: session.caller), on: current, session)
        return Waiting(id: id, location: location, demands: demands)
    }

    /// Takes the mark away; the image is active from then on.
    private func finish(
        _ waiting: Waiting, size: Int64, _ session: PlanktonSession
    ) async throws(Failure) -> PlanktonImage {
        try await locks.withLock(waiting.id) { () async throws(Failure) -> PlanktonImage in
            let current = try await session.show(waiting.id)
            guard current.remote.integer(.size) == size else {
                throw Failure(.badGateway, cause: "the server shows another size than the data had")
            }
            do throws(Failure) {
                return try await send(
                    ImageChanges(), without: [.status, .size, .checksum], on: current, session)
            } catch {
                // The answer may be all that was lost.
                let after = try await session.show(waiting.id)
                guard !after.isAwaitingData else { throw error }
                return after
            }
        }
    }

    /// The image stays queued with an empty object, or, when it is gone meanwhile, without any.
    private func giveUp(
        _ waiting: Waiting, _ failure: Failure, _ uploads: PlanktonUploads, _ session: PlanktonSession
    ) async -> Failure {
        let isGone: Bool
        do throws(Failure) {
            // Whoever made it active otherwise has the data that it shows.
            guard try await session.show(waiting.id).isAwaitingData else { return failure }
            isGone = false
        } catch {
            guard error.kind == .imageNotFound else { return failure }
            isGone = true
        }
        if isGone {
            if uploads.made(waiting.location.canonical) != nil {
                await removeObject(waiting.location, uploads, session)
            }
            return Failure(.imageGone, "Image \(waiting.id) was deleted while its data came.")
        }
        let token = session.caller.token
        if let object = try? await uploads.store.find(waiting.location, token: token), object.content.size > 0 {
            // Should this fail too, the mark still keeps the image from being taken for complete.
            _ = try? await uploads.store.put(BytesBody([]), at: waiting.location, overwrites: true, token: token)
        }
        return failure
    }
}
