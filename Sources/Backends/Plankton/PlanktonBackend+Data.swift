import Bytes
import Dialects
import Images
import Upstream

/// Reading and removing what an image's location names (mapping §6.4).
extension PlanktonBackend {
    /// From the store where it is at hand, else from the server.
    func download(
        _ id: String, _ range: DataRange?, _ session: PlanktonSession
    ) async throws(Failure) -> Outcome {
        guard let store else { return try await downloadFromServer(id, range, session) }
        let found = try await session.show(id)
        guard !found.isAwaitingData else { throw Failure(.noData) }
        guard let location = found.image.text(.location).flatMap({ try? PithosLocation($0) }) else {
            throw Failure(.badGateway, cause: "an image without a location in the store")
        }
        let token = session.caller.token
        let object = try await reading(session) { () async throws(PithosFault) in
            try await store.find(location, token: token)
        }
        var image = found.image
        // What is told is what is sent, should the object have changed since the server was asked.
        image[.size] = .integer(object.content.size)
        let part = range.map { $0.resolved(size: object.content.size) }
        if let part, part == nil { throw Failure(.rangeNotSatisfiable) }
        let data = try await reading(session) { () async throws(PithosFault) in
            try await store.open(object, range: part.flatMap(\.self), token: token)
        }
        if let part = part.flatMap(\.self) { return .part(image, data, range: part) }
        return .data(image, data)
    }

    /// An object that is not there is no image that is not there.
    private func reading<Value>(
        _ session: PlanktonSession, _ work: () async throws(PithosFault) -> Value
    ) async throws(Failure) -> Value {
        do throws(PithosFault) {
            return try await work()
        } catch {
            switch error {
            case .notFound, .unusable: throw Failure(.noData, cause: "store: \(error)")
            case .forbidden: throw Failure(.forbidden, "You are not permitted to read the data of this image")
            default: throw session.failure(error)
            }
        }
    }

    /// Only a server of our own kind may serve data; the real ones answer 501 for every id (plankton §7.5).
    private func downloadFromServer(
        _ id: String, _ range: DataRange?, _ session: PlanktonSession
    ) async throws(Failure) -> Outcome {
        let reply = try await session.exchange(session.calls.download(id)).reply
        guard reply.status != 200 else {
            let image = try session.image(of: reply, id: id).image
            let size = image.integer(.size)
            if let size, let length = reply.body.length, size != length {
                reply.body.cancel()
                throw Failure(.badGateway, cause: "image of \(size) bytes, data of \(length)")
            }
            guard let range, let size else { return .data(image, SizedBody(reply.body, size: size)) }
            guard let part = range.resolved(size: size) else {
                reply.body.cancel()
                throw Failure(.rangeNotSatisfiable)
            }
            return .part(image, SlicedBody(reply.body, part), range: part)
        }
        let refusal = await session.failure(of: reply)
        if refusal.kind == .notImplemented {
            _ = try await session.show(id)
            throw Failure(.notImplemented, "This registry serves no image data: fetch them from its store")
        }
        throw refusal
    }

    /// The marks are the gateway's, so the gateway heeds them. A file that somebody registered stays in the store
    /// (plankton §7.8); an object that the gateway made for this image goes with it.
    func delete(_ id: String, _ session: PlanktonSession) async throws(Failure) {
        guard session.marks != nil else { return try await session.perform(session.calls.delete(id)) }
        let current = try await session.show(id)
        guard current.image.boolean(.protected) != true else {
            throw Failure(.forbidden, "Image \(id) is protected and cannot be deleted.")
        }
        try await session.perform(session.calls.delete(id))
        if current.isUploaded, let uploads, let location = uploads.made(current.remote.text(.location)) {
            await removeObject(location, uploads, session)
        }
    }
}
