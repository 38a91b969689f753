import Dialects
import Images

/// The data of references, straight from the store.
extension LocatedBackend {
    /// The registry's data; where it has none of an active image, those at the image's location.
    func read(_ id: String, _ range: DataRange?, _ request: BackendRequest) async throws(Failure) -> Outcome {
        do throws(Failure) {
            return try await backend.perform(request)
        } catch {
            guard error.kind == .noData, let image = try? await image(.showImage(id: id), request),
                image.status == .active || image.status == .deactivated, let text = image.text(.location),
                let location = try? PithosLocation(text)
            else { throw error }
            // A copy that was completed meanwhile.
            if let checksum = image.text(.checksum), ValueRules.isMD5(checksum) {
                return try await backend.perform(request)
            }
            return try await stream(image, from: location, range, request)
        }
    }

    /// Only what was registered is sent: an object that was written anew is another image's data.
    private func stream(
        _ image: Image, from location: PithosLocation, _ range: DataRange?, _ request: BackendRequest
    ) async throws(Failure) -> Outcome {
        let token = try readingToken(of: request.caller)
        let object = try await asking(token) { () async throws(PithosFault) in
            try await objects.find(location, token: token.text)
        }
        guard isRegistered(object.content, as: image, token) else {
            throw Failure(
                .badGateway, "The image's data have changed at its location.",
                cause: "object store: what is at the image's location is not what was registered")
        }
        let offsets = range?.resolved(size: object.content.size)
        if range != nil, offsets == nil {
            throw Failure(
                .rangeNotSatisfiable, "The requested range is not within the image's \(object.content.size) bytes.")
        }
        let data = try await asking(token) { () async throws(PithosFault) in
            try await objects.open(object, range: offsets, token: token.text)
        }
        if let offsets { return .part(image, data, range: offsets) }
        return .data(image, data)
    }

    private func asking<Answer>(
        _ token: Token, _ work: () async throws(PithosFault) -> Answer
    ) async throws(Failure) -> Answer {
        do throws(PithosFault) {
            return try await work()
        } catch {
            throw Self.failure(error, token)
        }
    }

    private func isRegistered(_ object: VerifiedObject, as image: Image, _ token: Token) -> Bool {
        guard let size = image.integer(.size), let checksum = image.text(.checksum) else {
            // Nobody looked at the object when the image was made: only the caller's own rights open it.
            return !token.isService
        }
        return size == object.size && checksum.sameBytes(as: object.hash)
    }
}
