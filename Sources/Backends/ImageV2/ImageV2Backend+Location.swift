import Bytes
import Dialects
public import Images
import Upstream

/// Data that stay where a location points (mapping §3.6), and Plankton's registration by location.
extension ImageV2Backend {
    static let pithosScheme = "pithos://"

    static func isPithos(_ location: String) -> Bool { location.utf8.starts(with: pithosScheme.utf8) }

    /// The address that the registry can be given; nil: the image can only be a reference.
    ///
    /// - Throws: `badRequest` for an object that would not be below `pithosBase`, `forbidden` for one of another account.
    func fetchable(_ location: String, by caller: Caller) throws(Failure) -> String? {
        guard Self.isPithos(location) else { return location }
        guard let base = settings.pithosBase else { return nil }
        let rest = location.utf8.dropFirst(Self.pithosScheme.utf8.count)
        let account = try Self.account(of: rest, in: location)
        // The registry fetches with its own rights, not the caller's.
        let names = [caller.user, caller.owner].compactMap(\.self)
        guard caller.isAdministrator || names.isEmpty || names.contains(where: { $0.utf8.elementsEqual(account) })
        else {
            throw Failure(.forbidden, "The account of '\(location)' is not yours.")
        }
        let trimmed = base.utf8.last == UInt8(ascii: "/") ? String(base.utf8.dropLast()) ?? base : base
        return trimmed + "/" + String(decoding: rest, as: UTF8.self)
    }

    /// The account of ACCOUNT/CONTAINER/PATH, decoded. Nothing in it may end the path or lead out of it, coded or not.
    private static func account(of rest: Substring.UTF8View, in location: String) throws(Failure) -> [UInt8] {
        let parts = rest.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let names = parts.map { PercentCoding.decode($0) }
        let isSound = names.allSatisfy { name in
            !name.isEmpty && name != [0x2E] && name != [0x2E, 0x2E]
                && !name.contains { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "/") }
        }
        guard isSound, names.count >= 3, !rest.contains(where: ByteSet("?#\\").contains) else {
            throw Failure(.badRequest, "Invalid location '\(location)'")
        }
        return names[0]
    }

    /// What Plankton clients leave out (mapping §3.4).
    static func completeFormats(of image: inout Image) {
        if image.text(.diskFormat) == nil { image[.diskFormat] = .text(ValueRules.planktonDiskFormats[0]) }
        if image.text(.containerFormat) == nil { image[.containerFormat] = .text("bare") }
    }

    public func image(at location: String, for request: BackendRequest) async throws(Failure) -> Image? {
        let session = ImageV2Session(
            transport: transport, settings: settings, caller: request.caller, requestID: request.requestID)
        return try await registered(at: location, session)?.image
    }

    /// The caller's image registered at a location.
    func registered(at location: String, _ session: ImageV2Session) async throws(Failure) -> ImageV2Image? {
        guard let marks = session.marks else { return nil }
        let reply = try await session.object(session.calls.list([(marks.name(.location), location), ("limit", "2")]))
        guard let entries = reply["images"]?.array else {
            throw Failure(.badGateway, cause: "no images in the document")
        }
        var found: [ImageV2Image] = []
        for entry in entries {
            guard let object = entry.object else { throw Failure(.badGateway, cause: "an entry is no object") }
            let image = try ImageV2Image(object, marks: marks, starlingx: settings.starlingx)
            if let tenant = session.caller.tenant, let owner = image.image.text(.owner), !owner.sameBytes(as: tenant) {
                continue
            }
            found.append(image)
        }
        guard found.count <= 1 else { throw Failure(.conflict, "Several images are registered at this location") }
        return found.first
    }

    /// Registering again: what is not named is reset, members and all (plankton §2).
    func replace(
        _ found: ImageV2Image, by creation: ImageCreation, _ session: ImageV2Session
    ) async throws(Failure) -> ImageV2Image {
        guard creation.verified == nil || found.remoteSize == nil else {
            throw Failure(.conflict, "The image at this location has data of its own: delete it first")
        }
        var image = creation.image
        if creation.purgesOnReplace {
            Self.completeFormats(of: &image)
            if image[.isPublic].isAbsent { image[.isPublic] = .boolean(false) }
            // Of the former object; the marks that kept them go.
            if image[.size].isAbsent { image[.size] = .integer(0) }
            if image[.checksum].isAbsent { image[.checksum] = .null }
        }
        let update = ImageUpdate(
            id: found.remoteID, image: image, purgesProperties: creation.purgesOnReplace, fold: .plankton,
            verified: creation.verified)
        return try await locks.withLock(found.remoteID) { () async throws(Failure) -> ImageV2Image in
            try locks.requireNoUpload(found.remoteID)
            guard creation.purgesOnReplace, settings.resetsMembers else {
                return try await change(found, by: update, session)
            }
            return try await changeAndResetMembers(of: found, by: update, session)
        }
    }

    /// The PATCH may be refused, so it goes first: an error must not have cost the members. Only of an image that is
    /// published they go before, since those of a public image are out of reach and would come back with its privacy.
    private func changeAndResetMembers(
        of found: ImageV2Image, by update: ImageUpdate, _ session: ImageV2Session
    ) async throws(Failure) -> ImageV2Image {
        let id = found.remoteID
        let isShared = found.remoteVisibility == Visibility.shared.rawValue
        var members = isShared ? try await memberIDs(of: id, session) : []
        if update.image.isPublic, !members.isEmpty {
            try await removeAll(members, from: id, session)
            do throws(Failure) {
                return try await change(found, by: update, session)
            } catch {
                await addAgain(members, to: id, session)
                throw error
            }
        }
        let changed = try await change(found, by: update, session)
        if !isShared, changed.remoteVisibility == Visibility.shared.rawValue {
            members = try await memberIDs(of: id, session)
        }
        try await removeAll(members, from: id, session)
        return changed
    }

    /// Changes an image and gives it a location in one PATCH; where that is forbidden by the other ways that are allowed.
    func setLocation(
        _ url: String, of image: ImageV2Image, _ patch: ImageV2Patch, _ properties: ImageV2Properties,
        _ session: ImageV2Session
    ) async throws(Failure) -> ImageV2Image {
        let id = image.remoteID
        var whole = patch
        whole.addedLocation = url
        let reply = try await session.exchange(session.calls.patch(id, whole.operations())).reply
        if reply.status == 200 { return try await session.image(of: reply, id: id) }
        guard reply.status == 403 else { throw await session.failure(of: reply) }
        await session.discard(reply)
        var changed = image
        if !patch.isEmpty { changed = try await sendPatch(patch, to: image, properties, session) }
        do throws(Failure) {
            if let answer = try await addLocation(url, to: changed, properties, session) { return answer }
        } catch {
            // An update that fails must not have changed half of what it names.
            if let back = patch.back(to: image, from: changed, session.marks) {
                await session.shielded { [self, changed] in
                    _ = try? await sendPatch(back, to: changed, properties, session)
                }
            }
            throw error
        }
        return try await session.show(id)
    }

    /// The ways of giving a location where PATCH may not; nil: done, and the image has to be read again.
    private func addLocation(
        _ url: String, to image: ImageV2Image, _ properties: ImageV2Properties, _ session: ImageV2Session
    ) async throws(Failure) -> ImageV2Image? {
        let added = try await session.exchange(session.calls.addLocation(image.remoteID, url)).reply
        await session.discard(added)
        if added.status == 202 || added.status == 200 { return nil }
        switch settings.locationFallback {
        case .refuse:
            throw Failure(
                .badRequest, "The registry takes no locations", cause: "locations refused with \(added.status)")
        case .copy:
            try await startCopy(of: url, to: image.remoteID, session)
            return nil
        case .reference:
            var mark = ImageV2Patch()
            try mark.setMark(.location, url, on: image, properties)
            guard !mark.isEmpty else { return image }
            return try await sendPatch(mark, to: image, properties, session)
        }
    }
}
