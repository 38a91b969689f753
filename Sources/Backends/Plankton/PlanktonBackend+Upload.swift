import Bytes
import Dialects
import Images
import Upstream

/// Creating images whose data come from the client: put into the store, then registered; an image that waits for its data
/// is registered with an empty object in their place (mapping §6.4, §7; astakos-pithos §2.7).
extension PlanktonBackend {
    func create(
        _ creation: ImageCreation, _ data: (any BodySource)?, _ session: PlanktonSession
    ) async throws(Failure) -> PlanktonImage {
        guard let uploads else { return try await register(creation, session) }
        switch creation.source {
        case .location, .copyFrom: return try await register(creation, session)
        case .body:
            guard let data else { throw Failure(.internal, cause: "data announced and not given") }
            let demands = try Self.demands(of: creation.image)
            try MeasuredBody.check(data.length, against: demands)
            let measured = try MeasuredBody(data, demands: demands, holdsBack: true)
            return try await make(creation.image, marks: [.uploaded: Self.yes], measured, demands, uploads, session)
        case .none:
            guard session.marks != nil else {
                throw Failure(.forbidden, "This registry takes no image without data: marks are off")
            }
            let measured = try MeasuredBody(BytesBody([]), demands: MeasuredBody.Demands(), holdsBack: false)
            var marks: [Mark: String] = [.uploaded: Self.yes]
            if !creation.isActiveWhenEmpty {
                let demands = try Self.demands(of: creation.image)
                marks[.status] = ImageStatus.queued.rawValue
                marks[.size] = demands.size.map { String($0) }
                marks[.checksum] = demands.checksum
            }
            return try await make(
                creation.image, marks: marks, measured, MeasuredBody.Demands(), uploads, session)
        }
    }

    private static let yes = "True"

    /// What the data must be. Announced size 0 says nothing about data that come (v1 clients send it for "not known").
    static func demands(of image: Image) throws(Failure) -> MeasuredBody.Demands {
        var demands = MeasuredBody.Demands()
        if let size = image.integer(.size), size > 0 { demands.size = size }
        if let checksum = image.text(.checksum), !checksum.isEmpty {
            guard ValueRules.isMD5(checksum) else {
                throw Failure(.badRequest, "The checksum of data is their MD5 in lower-case hexadecimal digits")
            }
            demands.checksum = checksum
        }
        return demands
    }

    /// Puts an object and registers it; it is removed again when that fails.
    private func make(
        _ image: Image, marks: [Mark: String], _ data: MeasuredBody, _ demands: MeasuredBody.Demands,
        _ uploads: PlanktonUploads, _ session: PlanktonSession
    ) async throws(Failure) -> PlanktonImage {
        guard let account = session.caller.user else {
            // A token says whose it is only to the identity service.
            throw Failure(
                .forbidden,
                "Data cannot be taken from you: the gateway does not ask who you are, so your account is unknown")
        }
        let location = try uploads.fresh(for: image.text(.name) ?? "", in: account)
        var registered = image
        registered[.location] = .text(location.canonical)
        // Demands on the data; to the server they would be assertions of another kind.
        registered[.checksum] = .absent
        let wanted = try session.holding.registration(of: registered, marks: session.marks == nil ? [:] : marks)
        let object: PithosObject
        do throws(PithosFault) {
            object = try await uploads.store.put(data, at: location, overwrites: false, token: session.caller.token)
        } catch {
            await removeObject(location, uploads, session)
            throw uploads.failure(error, data, session)
        }
        let refusal = await data.finish().flatMap { demands.refusal(count: data.count, checksum: $0) }
        // The object is there: a client that goes away must not leave it behind unregistered.
        let result = await session.shielded { [self] () async -> Result<PlanktonImage, Failure> in
            do throws(Failure) {
                if let refusal { throw refusal }
                return .success(try await register(wanted, object, session))
            } catch {
                await removeObject(location, uploads, session)
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func register(
        _ wanted: Image, _ object: PithosObject, _ session: PlanktonSession
    ) async throws(Failure) -> PlanktonImage {
        do throws(Failure) {
            let image = try await post(wanted, session)
            guard image.remote.integer(.size) == object.content.size else {
                throw Failure(.badGateway, cause: "the server registered another size than the object's")
            }
            return image
        } catch {
            switch error.kind {
            // It may have been registered all the same: under the object's id.
            case .badGateway, .gatewayTimeout, .unavailable: await undo(object.content.uuid, session)
            default: break
            }
            throw error
        }
    }

    /// Removes an object of the gateway's own, in the background if the store does not answer.
    func removeObject(
        _ location: PithosLocation, _ uploads: PlanktonUploads, _ session: PlanktonSession
    ) async {
        let token = session.caller.token
        _ = await undoing.remove(session) {
            do throws(PithosFault) {
                try await uploads.store.remove(location, token: token)
                return .removed
            } catch {
                switch error {
                // No later attempt fares better.
                case .forbidden, .tokenRejected, .unusable: return .pending
                default: return nil
                }
            }
        }
    }
}
