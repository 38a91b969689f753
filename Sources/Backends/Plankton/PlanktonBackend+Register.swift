import Dialects
import Images
import Upstream

/// Registering what is in the store (mapping §6.4, §7; plankton §7.2).
extension PlanktonBackend {
    func register(_ creation: ImageCreation, _ session: PlanktonSession) async throws(Failure) -> PlanktonImage {
        let location = try Self.location(of: creation)
        var image = creation.image
        image[.location] = .text(location)
        let first = try session.holding.registration(of: image)
        return try await locks.withLock(location) { () async throws(Failure) -> PlanktonImage in
            var found: PlanktonImage?
            // No call finds an image by its location, and registering again would change it without a word.
            if !creation.replacesAtLocation || creation.mustExist || !creation.purgesOnReplace
                || Self.demandedSize(creation) != nil
            {
                found = try await registered(at: location, session)
            }
            var wanted = first
            if let found {
                guard creation.replacesAtLocation else {
                    throw Failure(.conflict, "An image is registered at this location")
                }
                try Self.check(found, against: creation)
                if !creation.purgesOnReplace {
                    wanted = try session.holding.registration(of: Self.kept(of: found.image, beside: image))
                }
            } else if creation.mustExist {
                throw Failure(.imageNotFound, "No image is registered at this location")
            }
            let registered = try await post(wanted, session)
            return try await finish(registered, wanted, creation, wasThere: found != nil, session)
        }
    }

    /// Registering again without resetting what is not named: properties stay, and what marks keep (setting
    /// `planktonPostReplaces`). Members go all the same.
    private static func kept(of former: Image, beside named: Image) -> Image {
        var image = named
        for field in [ImageField.minRAM, .minDisk, .protected, .hidden] where image[field].isAbsent {
            image[field] = former[field]
        }
        image.tags = named.tags ?? former.tags
        for property in former.properties.list {
            let name = PropertyFold.plankton.apply(property.name)
            if !image.properties.list.contains(where: { PropertyFold.plankton.apply($0.name).sameBytes(as: name) }) {
                image.properties.appendUnchecked(property)
            }
        }
        return image
    }

    /// The location to register, in the form in which locations are compared.
    private static func location(of creation: ImageCreation) throws(Failure) -> String {
        switch creation.source {
        case .location: break
        case .none:
            throw Failure(
                .forbidden,
                "This registry registers what is in its store: data must be there first, named by a pithos:// location")
        case .body, .copyFrom: throw noUpload
        }
        let text = creation.image.text(.location) ?? ""
        guard !text.isEmpty else { throw Failure(.locationMissing) }
        return try PlanktonHolding.location(text)
    }

    /// Clients of other dialects send 0 for a size that they do not know.
    private static func demandedSize(_ creation: ImageCreation) -> Int64? {
        creation.image.integer(.size).flatMap { $0 > 0 || creation.replacesAtLocation ? $0 : nil }
    }

    /// Servers since 0.16 refuse every size: it is compared here.
    private static func check(_ image: PlanktonImage, against creation: ImageCreation) throws(Failure) {
        guard let size = demandedSize(creation), size != image.remote.integer(.size) else { return }
        throw Failure(.badRequest, "Invalid 'size' field")
    }

    private func registered(at location: String, _ session: PlanktonSession) async throws(Failure) -> PlanktonImage? {
        let images = try await PlanktonImages(session, sortedBy: .init(.createdAt, ascending: false)) { image in
            image.remote.text(.location).map { $0.sameBytes(as: location) } ?? false
        }
        let found = try await images.nextRemote()
        await images.finish()
        return found
    }

    func post(_ wanted: Image, _ session: PlanktonSession) async throws(Failure) -> PlanktonImage {
        var registering = session
        registering.isRegistering = true
        let reply = try await registering.exchange(session.calls.register(wanted)).reply
        guard reply.status == 200 || reply.status == 201 else { throw await registering.failure(of: reply) }
        let image = try session.image(of: reply)
        await session.discard(reply)
        return image
    }

    /// Takes away what the server kept of a former registration, and what was registered for nothing.
    private func finish(
        _ registered: PlanktonImage, _ wanted: Image, _ creation: ImageCreation, wasThere: Bool,
        _ session: PlanktonSession
    ) async throws(Failure) -> PlanktonImage {
        do throws(Failure) {
            try Self.check(registered, against: creation)
        } catch {
            if !wasThere { await undo(registered.id, session) }
            throw error
        }
        let surplus = registered.remote.properties.list.map(\.name).filter { !wanted.properties.contains($0) }
        guard !surplus.isEmpty else { return registered }
        return try await session.update(registered.id, Image(), removing: surplus)
    }

    func undo(_ id: String, _ session: PlanktonSession) async {
        _ = await undoing.remove(session) {
            do throws(Failure) {
                try await session.perform(session.calls.delete(id))
                return .removed
            } catch {
                switch error.kind {
                case .imageNotFound: return .wasGone
                // No later attempt fares better.
                case .forbidden, .badRequest, .tokenRejected, .unauthorized: return .pending
                default: return nil
                }
            }
        }
    }
}
