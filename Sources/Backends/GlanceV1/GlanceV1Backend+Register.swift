import Dialects
public import Images
import Upstream

/// Plankton's registration by location: such a registry has the location in a mark (mapping §3.6).
extension GlanceV1Backend {
    /// What Plankton clients leave out (mapping §3.4).
    static func completeFormats(of image: inout Image) {
        if image.text(.diskFormat) == nil { image[.diskFormat] = .text(ValueRules.planktonDiskFormats[0]) }
        if image.text(.containerFormat) == nil { image[.containerFormat] = .text("bare") }
    }

    public func image(at location: String, for request: BackendRequest) async throws(Failure) -> Image? {
        let session = GlanceV1Session(transport: transport, registry: registry, texts: texts, request: request)
        return try await registered(at: location, session)?.image
    }

    /// The caller's image registered at a location.
    func registered(at location: String, _ session: GlanceV1Session) async throws(Failure) -> GlanceV1Image? {
        guard let mark = try? session.held.property(.location, location), !location.isEmpty else { return nil }
        let walk = GlanceV1Pages([("property-" + mark.name, location)], session)
        var found: [GlanceV1Image] = []
        while let image = try await walk.nextRemote() {
            guard let kept = image.native.properties[mark.name] ?? nil, kept.sameBytes(as: location) else { continue }
            if let tenant = session.caller.tenant, let owner = image.image.text(.owner), !owner.sameBytes(as: tenant) {
                continue
            }
            found.append(image)
            guard found.count <= 1 else {
                throw Failure(.conflict, "Several images are registered at this location")
            }
        }
        return found.first
    }

    /// Registering again: what is not named is reset, members and all (plankton §2). The change may be refused, so it goes
    /// first: an error must not have cost the members.
    func replace(
        _ found: GlanceV1Image, by creation: ImageCreation, _ session: GlanceV1Session
    ) async throws(Failure) -> GlanceV1Image {
        guard creation.verified == nil || found.native.status == .queued else {
            throw Failure(.conflict, "The image at this location has data of its own: delete it first")
        }
        var image = creation.image
        if creation.purgesOnReplace {
            Self.completeFormats(of: &image)
            if image[.isPublic].isAbsent { image[.isPublic] = .boolean(false) }
            // Of the former object.
            if image[.checksum].isAbsent { image[.checksum] = .null }
        }
        let update = ImageUpdate(
            id: found.image.id, image: image, purgesProperties: creation.purgesOnReplace, fold: .plankton,
            verified: creation.verified)
        return try await locks.withLock(found.remoteID) { () async throws(Failure) -> GlanceV1Image in
            try locks.requireNoUpload(found.remoteID)
            let changed = try await change(found, by: update, session)
            if creation.purgesOnReplace {
                let call = session.calls.replaceMembers(found.remoteID, [])
                let reply = try await session.exchange(call).reply
                guard (200...204).contains(reply.status) else { throw await session.failure(of: reply) }
                await session.discard(reply)
            }
            return changed
        }
    }
}
