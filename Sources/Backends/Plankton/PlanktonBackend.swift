import Bytes
public import Dialects
import HTTP
public import Images
public import Upstream

/// Images registered at a Plankton server: every operation as a plan of requests (mapping §6.4).
///
/// The server has no image data of its own: they are in the store (Pithos+), where an image's location points. With the
/// store at hand data are read from there, and with a container to put them into they are taken from clients.
public final class PlanktonBackend: Backend {
    let transport: any Transport
    let settings: PlanktonRegistrySettings
    let locks: UpdateLocks
    let undoing = Undoing()
    let store: (any PithosObjects)?
    let uploads: PlanktonUploads?

    /// - Parameters:
    ///   - transport: reaches the server and nobody else; its root is what stands before the version prefix.
    ///   - pithos: the server's store, asked with the callers' tokens; nil: data are neither read nor taken.
    ///   - uploadContainer: where data of clients are put, in the account of whoever sends them; nil: they are not taken.
    public init(
        transport: any Transport, settings: PlanktonRegistrySettings = PlanktonRegistrySettings(),
        pithos: (any PithosObjects)? = nil, uploadContainer: String? = nil
    ) {
        store = pithos
        uploads = pithos.flatMap { store in uploadContainer.map { PlanktonUploads(store: store, container: $0) } }
        self.transport = transport
        self.settings = settings
        locks = UpdateLocks(maxWaiting: settings.maxWaitingUpdates, maxWait: settings.maxUpdateWait)
    }

    public var capabilities: RegistryCapabilities {
        RegistryCapabilities(
            takesData: uploads != nil,
            diskFormats: RegistryCapabilities.glanceDiskFormats + ValueRules.planktonDiskFormats)
    }

    public func close() async { undoing.close() }

    public func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        let session = PlanktonSession(
            transport: transport, settings: settings, caller: request.caller, requestID: request.requestID,
            passed: request.passed)
        switch request.operation {
        case .listVersions: throw Failure(.internal, cause: "versions are the gateway's")
        case .listImages(let query): return .images(try await list(query, session))
        case .showImage(let id): return .image(try await session.show(try session.remote(id)).image)
        case .downloadImage(let id, let range): return try await download(try session.remote(id), range, session)
        case .createImage(let creation): return .image(try await create(creation, request.data, session).image)
        case .updateImage(let update): return .image(try await self.update(update, request.data, session).image)
        case .deleteImage(let id): try await delete(try session.remote(id), session)
        case .listMembers(let id): return .members(try await members(of: try session.remote(id), session))
        case .replaceMembers(let id, let members):
            try await replaceMembers(of: try session.remote(id), by: members, session)
        case .addMember(let id, let member): return try await add(member, to: try session.remote(id), session)
        case .removeMember(let id, let member, let absentIsDone):
            try await remove(member, from: try session.remote(id), absentIsDone: absentIsDone, session)
        case .listSharedImages(let query): return .sharedImages(try await sharedImages(query, session))
        default: return try await performModern(request.operation, session)
        }
        return .done
    }

    /// What only the Image API v2 asks for (mapping §3.9, §6.4).
    private func performModern(_ operation: Operation, _ session: PlanktonSession) async throws(Failure) -> Outcome {
        switch operation {
        case .showMember(let id, let memberID):
            return .member(try await member(memberID, of: try session.remote(id), session), imageID: id)
        case .setMemberStatus(let id, let memberID, let status):
            return .member(
                try await setStatus(status, of: memberID, at: try session.remote(id), session), imageID: id)
        case .addTag(let id, let tag):
            try await changeTags(of: id, session) { tags in
                tags.contains { $0.sameBytes(as: tag) } ? tags : tags + [tag]
            }
        case .removeTag(let id, let tag):
            try await changeTags(of: id, session) { (tags: [String]) throws(Failure) in
                let rest = tags.filter { !$0.sameBytes(as: tag) }
                guard rest.count < tags.count else { throw Failure(.imageNotFound, "The image has no tag '\(tag)'") }
                return rest
            }
        case .deactivateImage(let id):
            _ = try await session.show(try session.remote(id))
            throw Failure(.forbidden, "Images of this registry cannot be deactivated")
        case .reactivateImage(let id):
            // No image is ever deactivated, and an active one stays so.
            _ = try await session.show(try session.remote(id))
        case .listLocations(let id):
            let image = try await session.show(try session.remote(id)).image
            return .locations(image.text(.location).map { [ImageLocation(url: $0)] } ?? [])
        case .addLocation(let id, _), .deleteFromStore(let id, _):
            _ = try await session.show(try session.remote(id))
            throw Failure(.forbidden, "The location of a registered image cannot be changed")
        case .stageData(let id, _):
            _ = try await session.show(try session.remote(id))
            throw Self.noUpload
        case .importImage(let request):
            _ = try await session.show(try session.remote(request.id))
            throw Self.noUpload
        case .describe: return .capabilities(capabilities)
        default: throw Failure(.internal, cause: "no plan for \(operation.name)")
        }
        return .done
    }

    /// Mapping §6.4, §8.
    static let noUpload = Failure(
        .notImplemented, "This registry takes no image data: they must be in its store, named by a pithos:// location")

    private func changeTags(
        of id: String, _ session: PlanktonSession, _ edit: @escaping ([String]) throws(Failure) -> [String]
    ) async throws(Failure) {
        let remote = try session.remote(id)
        try await locks.withLock(remote) { () async throws(Failure) in
            try locks.requireNoUpload(remote)
            let current = try await session.show(remote)
            let tags = current.image.tags ?? []
            let wanted = try edit(tags)
            guard wanted.count != tags.count else { return }
            var changes = ImageChanges()
            changes.tags = wanted
            _ = try await send(changes, on: current, session)
        }
    }
}
