import Bytes
import Dialects
import Images

/// Registering an image where its object is (plankton §2, §7.2).
extension LocatedBackend {
    func register(
        _ creation: ImageCreation, at location: PithosLocation, _ request: BackendRequest
    ) async throws(Failure) -> Image {
        let said = creation.image
        let demands = Demands(
            size: said.integer(.size), checksum: said.text(.checksum),
            isPlankton: creation.replacesAtLocation || creation.mustExist)
        let found = try await find(location, demanding: demands, for: request.caller)
        var creation = creation
        creation.verified = found.object.content
        creation.image[.location] = .text(location.canonical)
        creation.image[.size] = .integer(found.object.content.size)
        switch settings.mode {
        case .reject: throw Failure(.internal, cause: "a location that was to be rejected")
        case .reference:
            creation.image[.checksum] = .text(found.object.content.hash)
            return try await naming(creation, by: found.object) { (creation) async throws(Failure) in
                try await image(.createImage(creation), request)
            }
        case .copy: return try await copy(creation, found, request)
        }
    }

    /// Creates an image under its object's UUID when nothing else is said; when that id is taken, under one of the
    /// registry's.
    func naming(
        _ creation: ImageCreation, by object: PithosObject, _ create: (ImageCreation) async throws(Failure) -> Image
    ) async throws(Failure) -> Image {
        let uuid = ASCII.lowercased(object.content.uuid)
        guard settings.keepsObjectIDs, creation.image.id.isEmpty, UUIDText.isCanonical(uuid) else {
            return try await create(creation)
        }
        var named = creation
        named.image[.id] = .text(uuid)
        do throws(Failure) {
            return try await create(named)
        } catch {
            guard error.kind == .conflict else { throw error }
            return try await create(creation)
        }
    }

    /// Gives a location to an image that waits for its data.
    func locate(
        _ update: ImageUpdate, at location: PithosLocation, _ request: BackendRequest
    ) async throws(Failure) -> Image {
        let present = try await image(.showImage(id: update.id), request)
        guard present.status == .queued else {
            throw Failure(.badRequest, "Attempted to update Location field for an image not in queued status.")
        }
        var update = update
        // What is not said now may have been announced before.
        let demands = Demands(
            size: update.image.integer(.size) ?? present.integer(.size),
            checksum: update.image.text(.checksum) ?? present.text(.checksum), isPlankton: false)
        let found = try await find(location, demanding: demands, for: request.caller)
        update.guards.removeAll { $0.field == .size || $0.field == .checksum }
        update.verified = found.object.content
        update.image[.location] = .text(location.canonical)
        update.image[.size] = .integer(found.object.content.size)
        guard settings.mode == .copy else {
            update.image[.checksum] = .text(found.object.content.hash)
            return try await image(.updateImage(update), request)
        }
        update.image[.checksum] = found.demandedMD5.map { .text($0) } ?? .absent
        update.source = .body(length: found.object.content.size)
        return try await bring(found, .updateImage(update), request)
    }
}
