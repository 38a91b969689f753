import Dialects
import Images

/// Lists: pages walked by the gateway's own queries, and the two meanings of shared images (mapping §6.1, §6.2).
extension ImageV2Backend {
    func list(_ query: ImageQuery, _ session: ImageV2Session) async throws(Failure) -> any ImageSource {
        let names = Properties(
            query.filters.compactMap {
                if case .property(let name, let value) = $0 { Property(name, value) } else { nil }
            })
        let caller = session.caller
        let knowsCaller = caller.tenant != nil || caller.user != nil || !caller.roles.isEmpty
        let translated = ImageV2Query(
            query, properties: await properties(session, for: names), knowsCaller: knowsCaller,
            isAdministrator: caller.isAdministrator)
        var parts: [ImageV2Query.Part] = [.visible]
        if query.scope == .visible, caller.isAdministrator, let tenant = caller.tenant {
            parts = translated.isPublicOnly ? [.published] : [.published, .owned(tenant)]
        }
        if mayPublishByMark(session) { parts.append(.publishedByMark) }
        var walks: [PagedImages] = []
        for part in parts {
            let walk = PagedImages(translated, query, part, session)
            // The first page is asked for now, so that a refusal is still an answer of its own.
            try await walk.start()
            walks.append(walk)
        }
        if walks.count == 1, query.limit == nil { return walks[0] }
        return MergedImages(walks, query)
    }

    func sharedImages(_ query: SharedImagesQuery, _ session: ImageV2Session) async throws(Failure) -> [SharedImage] {
        var pairs = [("visibility", Visibility.shared.rawValue), ("member_status", "all")]
        if case .ownedBy(let owner) = query { pairs.append(("owner", owner)) }
        pairs.append(("limit", String(settings.pageSize)))
        let walk = PagedImages(pairs, session)
        try await walk.start()
        var found: [SharedImage] = []
        var batch: [ImageV2Image] = []
        var seen = 0
        while let image = try await walk.nextRemote() {
            seen += 1
            guard seen <= settings.maxSharedImages else {
                throw Failure(.tooLarge, "More than \(settings.maxSharedImages) shared images")
            }
            guard case .sharedWith(let member) = query else {
                found.append(SharedImage(imageID: image.image.id, canShare: false))
                continue
            }
            batch.append(image)
            if batch.count >= max(1, settings.memberLookups) {
                found += try await sharing(batch, with: member, session)
                batch = []
            }
        }
        if case .sharedWith(let member) = query { found += try await sharing(batch, with: member, session) }
        return found
    }

    /// Which of these images have the member; asked for all at once, answered in their order. Images whose members the
    /// caller may not see do not count.
    private func sharing(
        _ images: [ImageV2Image], with member: String, _ session: ImageV2Session
    ) async throws(Failure) -> [SharedImage] {
        let answers = await withTaskGroup(of: (Int, Result<Bool, Failure>).self) { group in
            for (place, image) in images.enumerated() {
                let id = image.remoteID
                group.addTask { [self] in (place, await has(member, id, session)) }
            }
            var answers: [(Int, Result<Bool, Failure>)] = []
            for await answer in group { answers.append(answer) }
            return answers.sorted { $0.0 < $1.0 }
        }
        var found: [SharedImage] = []
        for (place, answer) in answers {
            guard try answer.get() else { continue }
            let image = images[place]
            let canShare = image.sharers.contains { $0.sameBytes(as: member) }
            found.append(SharedImage(imageID: image.image.id, canShare: canShare))
        }
        return found
    }

    private func has(_ member: String, _ id: String, _ session: ImageV2Session) async -> Result<Bool, Failure> {
        do throws(Failure) {
            return .success(try await memberIDs(of: id, session).contains { $0.sameBytes(as: member) })
        } catch {
            return error.kind == .forbidden || error.kind == .imageNotFound ? .success(false) : .failure(error)
        }
    }
}
