import Dialects
import Images

/// Lists: one call each, filtered, sorted and cut by the gateway (mapping §6.1, §6.4).
extension PlanktonBackend {
    /// Keys by which servers sort what clients see; the values of others are changed by marks. An image without data has
    /// no size, but at the server that of the object in their place.
    private var sortedByServer: [ImageField] {
        uploads == nil ? [.id, .name, .size, .createdAt, .updatedAt] : [.id, .name, .createdAt, .updatedAt]
    }

    func list(_ query: ImageQuery, _ session: PlanktonSession) async throws(Failure) -> any ImageSource {
        let first = query.sort.first ?? ImageQuery.Sort(.createdAt, ascending: false)
        let order = sortedByServer.contains(first.field) ? [first] : []
        var marker: Image?
        if let id = query.marker, order.isEmpty { marker = try await markerImage(id, session) }
        let asked = order.isEmpty ? ImageQuery.Sort(.id, ascending: true) : first
        let source = try await PlanktonImages(session, sortedBy: asked, where: Self.scope(query.scope, session.caller))
        return ListSelection(source, query, order: order, markerImage: marker)
    }

    private func markerImage(_ id: String, _ session: PlanktonSession) async throws(Failure) -> Image {
        do throws(Failure) {
            return try await session.show(try session.remote(id)).image
        } catch {
            guard error.kind == .imageNotFound || error.kind == .forbidden else { throw error }
            throw Failure(.badRequest, "Invalid marker. Image could not be found.")
        }
    }

    /// A server shows what is public, the caller's, or shared with the caller; nobody sees more (plankton §7.1).
    private static func scope(_ scope: ImageQuery.Scope, _ caller: Caller) -> (PlanktonImage) -> Bool {
        switch scope {
        case .visible, .everything: { _ in true }
        case .publicOnly: { $0.image.isPublic }
        case .notPublic: caller.isAdministrator ? { !$0.image.isPublic } : { _ in true }
        case .reachable(let visibility, let memberStatus):
            { image in
                matches(image.image, visibility, caller) && mayBeShared(image.image, memberStatus, caller)
            }
        }
    }

    private static func matches(_ image: Image, _ choice: ImageQuery.VisibilityChoice, _ caller: Caller) -> Bool {
        switch choice {
        case .all: true
        case .usual: image.visibility != .community || isOwn(image, caller) != false
        case .only(let visibility): image.knownVisibility == visibility
        }
    }

    /// All members have accepted (mapping §3.9).
    private static func mayBeShared(_ image: Image, _ status: String?, _ caller: Caller) -> Bool {
        guard let status, !status.sameBytes(as: "accepted"), !status.sameBytes(as: "all") else { return true }
        return image.isPublic || isOwn(image, caller) != false
    }

    /// Nil: only the server knows who asks.
    private static func isOwn(_ image: Image, _ caller: Caller) -> Bool? {
        let names = [caller.user, caller.tenant].compactMap(\.self)
        guard !names.isEmpty, let owner = image.text(.owner) else { return nil }
        return names.contains { $0.sameBytes(as: owner) }
    }

    // MARK: Shared images

    func sharedImages(_ query: SharedImagesQuery, _ session: PlanktonSession) async throws(Failure) -> [SharedImage] {
        switch query {
        case .sharedWith(let member) where settings.release.sharesWith:
            return try await sharedByServer(member, session)
        case .ownedBy(let member) where !settings.release.sharesWith:
            return try await sharedByServer(member, session)
        case .ownedBy(let owner):
            let images = try await privateImages(session).filter {
                $0.image.text(.owner).map { $0.sameBytes(as: owner) } ?? false
            }
            return images.map { SharedImage(imageID: $0.id, canShare: false) }
        case .sharedWith(let member):
            // No call for it since 0.14: each image's members are asked for (plankton §10).
            let images = try await privateImages(session)
            var found: [SharedImage] = []
            for start in stride(from: 0, to: images.count, by: max(1, settings.memberLookups)) {
                let batch = images[start..<min(images.count, start + max(1, settings.memberLookups))]
                found += try await sharing(Array(batch), with: member, session)
            }
            return found
        }
    }

    private func sharedByServer(_ member: String, _ session: PlanktonSession) async throws(Failure) -> [SharedImage] {
        guard Self.isAddressable(member) else { return [] }
        return try Plankton.sharedImages(try await session.object(session.calls.sharedImages(member)))
    }

    private func privateImages(_ session: PlanktonSession) async throws(Failure) -> [PlanktonImage] {
        let source = try await PlanktonImages(session, sortedBy: .init(.createdAt, ascending: true)) {
            !$0.image.isPublic
        }
        var images: [PlanktonImage] = []
        while let image = try await source.nextRemote() {
            images.append(image)
            guard images.count <= settings.maxLookedAt else {
                throw Failure(.tooLarge, "More than \(settings.maxLookedAt) images that are not public")
            }
        }
        return images
    }

    /// Which of these images have the member; asked for all at once, answered in their order. Images whose members the
    /// caller may not see do not count.
    private func sharing(
        _ images: [PlanktonImage], with member: String, _ session: PlanktonSession
    ) async throws(Failure) -> [SharedImage] {
        let answers = await withTaskGroup(of: (Int, Result<Bool, Failure>).self) { group in
            for (place, image) in images.enumerated() {
                group.addTask { [self] in (place, await has(member, image, session)) }
            }
            var answers: [(Int, Result<Bool, Failure>)] = []
            for await answer in group { answers.append(answer) }
            return answers.sorted { $0.0 < $1.0 }
        }
        var found: [SharedImage] = []
        for (place, answer) in answers where try answer.get() {
            let canShare = images[place].sharers.contains { $0.sameBytes(as: member) }
            found.append(SharedImage(imageID: images[place].id, canShare: canShare))
        }
        return found
    }

    private func has(_ member: String, _ image: PlanktonImage, _ session: PlanktonSession) async -> Result<
        Bool, Failure
    > {
        do throws(Failure) {
            let document = try await session.object(session.calls.members(image.id))
            let members = try Plankton.members(document, owner: image.image.text(.owner))
            return .success(members.contains { $0.id.sameBytes(as: member) })
        } catch {
            return error.kind == .forbidden || error.kind == .imageNotFound ? .success(false) : .failure(error)
        }
    }
}
