import Bytes
public import Dialects
import HTTP
public import Images
import Synchronization
public import Upstream

/// Images in a remote registry that speaks the Image API v1: every operation as a plan of requests (mapping §6.3).
public final class GlanceV1Backend: Backend {
    let transport: any Transport
    let registry: GlanceV1Registry
    let locks: UpdateLocks
    let undoing = Undoing()
    let texts = DocumentTexts()

    /// - Parameter transport: reaches the registry and nobody else; its root is what stands before `/v1`.
    public init(transport: any Transport, registry: GlanceV1Registry = GlanceV1Registry()) {
        self.transport = transport
        self.registry = registry
        locks = UpdateLocks(maxWaiting: registry.maxWaitingUpdates, maxWait: registry.maxUpdateWait)
    }

    public func close() async { undoing.close() }

    /// Copies are the one import that such a registry makes.
    public var capabilities: RegistryCapabilities {
        RegistryCapabilities(
            importMethods: ["web-download"], containerFormats: RegistryCapabilities.glanceContainerFormats)
    }

    public func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        do throws(Failure) {
            return try await carryOut(request)
        } catch {
            var failure = error
            // The registry names an id that such a client has never seen.
            if failure.kind == .imageNotFound, let id = request.operation.imageID, GlanceV1Image.remoteID(id) != id {
                failure.message = ""
            }
            throw failure
        }
    }

    private func carryOut(_ request: BackendRequest) async throws(Failure) -> Outcome {
        let session = GlanceV1Session(
            transport: transport, registry: registry, texts: texts, request: request)
        switch request.operation {
        case .listVersions: throw Failure(.internal, cause: "versions are the gateway's")
        case .listImages(let query): return .images(try await list(query, session))
        case .showImage(let id): return .image(try await session.show(try await session.remoteID(id)).image)
        case .downloadImage(let id, let range): return try await download(id, range, session)
        case .createImage(let creation): return .image(try await create(creation, request.data, session).image)
        case .updateImage(let update): return .image(try await self.update(update, request.data, session).image)
        case .deleteImage(let id): return try await delete(id, session)
        case .listSharedImages(let query): return .sharedImages(try await sharedImages(query, session))
        case .listMembers, .replaceMembers, .addMember, .removeMember, .showMember, .setMemberStatus:
            return try await performMembers(request.operation, session)
        default: return try await performLater(request.operation, session)
        }
    }

    /// What only clients of the Image API v2 ask for (image-v2 §17.8).
    private func performLater(_ operation: Operation, _ session: GlanceV1Session) async throws(Failure) -> Outcome {
        switch operation {
        case .addTag(let id, let tag):
            try await changeTags(of: id, session) { tags in
                if !tags.contains(where: { $0.sameBytes(as: tag) }) { tags.append(tag) }
            }
            return .done
        case .removeTag(let id, let tag):
            try await changeTags(of: id, session) { (tags: inout [String]) throws(Failure) in
                guard tags.contains(where: { $0.sameBytes(as: tag) }) else {
                    throw Failure(.imageNotFound, "The image has no tag '\(tag)'")
                }
                tags.removeAll { $0.sameBytes(as: tag) }
            }
            return .done
        case .importImage(let request):
            guard case .webDownload(let url) = request.method else {
                throw Failure(.badRequest, "This registry's only import method is web-download")
            }
            _ = try await update(ImageUpdate(id: request.id, image: Image(), source: .copyFrom(url)), nil, session)
            return .done
        case .addLocation(let id, let url):
            var image = Image()
            image[.location] = .text(url)
            _ = try await update(ImageUpdate(id: id, image: image, source: .location), nil, session)
            return .done
        case .listLocations(let id):
            let image = try await session.show(try await session.remoteID(id)).image
            return .locations(image.text(.location).map { [ImageLocation(url: $0)] } ?? [])
        case .describe: return .capabilities(capabilities)
        case .deactivateImage, .reactivateImage:
            throw Failure(.forbidden, "This registry does not deactivate or reactivate images")
        default: throw Failure(.unknownPath, "This registry has no \(operation.name)")
        }
    }

    // MARK: Data and deletion

    private func download(
        _ id: String, _ range: DataRange?, _ session: GlanceV1Session
    ) async throws(Failure) -> Outcome {
        let remote = try await session.remoteID(id)
        let reply = try await session.exchange(session.calls.download(remote)).reply
        guard reply.status == 200 else {
            let refusal = await session.failure(of: reply)
            guard reply.status == 404 || reply.status == 403 else { throw refusal }
            // The image tells what the refusal means.
            let image = try await session.show(remote).image
            if image.status == .deactivated {
                throw Failure(
                    .deactivated, "The requested image has been deactivated. Image data download is forbidden.")
            }
            guard reply.status == 404 else { throw refusal }
            throw Failure(.noData, "Image \(id) is not active", isDetail: true)
        }
        let image: GlanceV1Image
        do throws(Failure) {
            image = try session.image(headers: reply.fields, id: remote)
        } catch {
            reply.body.cancel()
            throw error
        }
        let size = image.native.integer(.size)
        if let size, let length = reply.body.length, size != length {
            reply.body.cancel()
            throw Failure(.badGateway, cause: "image of \(size) bytes, data of \(length)")
        }
        let data = SizedBody(reply.body, size: size)
        guard let range else { return .data(image.image, data) }
        guard let size = size ?? reply.body.length, let part = range.resolved(size: size) else {
            reply.body.cancel()
            throw Failure(.rangeNotSatisfiable, "The range \(range.text) is not within the image's data")
        }
        return .part(image.image, SlicedBody(data, part), range: part)
    }

    private func delete(_ id: String, _ session: GlanceV1Session) async throws(Failure) -> Outcome {
        let remote = try await session.remoteID(id)
        // Waits for nobody: an image may go at any time, also while its data arrive.
        let answer = try await session.exchange(session.calls.delete(remote))
        guard (200...204).contains(answer.status) || (answer.status == 404 && answer.wasRepeated) else {
            throw await session.failure(of: answer.reply)
        }
        await session.discard(answer.reply)
        return .done
    }
}
