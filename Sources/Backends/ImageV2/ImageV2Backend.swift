import Bytes
public import Dialects
import HTTP
public import Images
import Synchronization
public import Upstream

/// Images in a remote registry that speaks the Image API v2: every operation as a plan of requests (mapping §6.1).
public final class ImageV2Backend: Backend {
    let transport: any Transport
    let settings: ImageV2Settings
    let locks: UpdateLocks
    let undoing = Undoing()
    private let schema: Mutex<ImageV2Schema?>

    /// - Parameters:
    ///   - transport: reaches the registry and nobody else; its root is what stands before `/v2`.
    ///   - schema: the site's rules when they are known; else read from the registry on the first use.
    public init(transport: any Transport, settings: ImageV2Settings = ImageV2Settings(), schema: ImageV2Schema? = nil) {
        self.transport = transport
        self.settings = settings
        self.schema = Mutex(schema)
        locks = UpdateLocks(maxWaiting: settings.maxWaitingUpdates, maxWait: settings.maxUpdateWait)
    }

    public func close() async { undoing.close() }

    public func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        do throws(Failure) {
            return try await carryOut(request)
        } catch {
            var failure = error
            // The registry names an id that such a client has never seen.
            if failure.kind == .imageNotFound, let id = request.operation.imageID, ImageV2ID.remote(id) != id {
                failure.message = ""
            }
            throw failure
        }
    }

    private func carryOut(_ request: BackendRequest) async throws(Failure) -> Outcome {
        let session = ImageV2Session(
            transport: transport, settings: settings, caller: request.caller, requestID: request.requestID,
            passed: request.passed)
        switch request.operation {
        case .listVersions: throw Failure(.internal, cause: "versions are the gateway's")
        case .listImages(let query): return .images(try await list(query, session))
        case .showImage(let id): return .image(try await session.show(ImageV2ID.remote(id)).image)
        case .downloadImage(let id, let range): return try await download(id, range, session)
        case .createImage(let creation): return .image(try await create(creation, request.data, session).image)
        case .updateImage(let update):
            return .image(try await self.update(update, id: ImageV2ID.remote(update.id), request.data, session).image)
        case .deleteImage(let id): return try await delete(id, session)
        case .listMembers(let id): return .members(try await members(of: id, session))
        case .replaceMembers(let id, let members):
            try await replaceMembers(of: id, by: members, session)
            return .done
        case .addMember(let id, let member):
            try await add(member, to: id, session)
            return .done
        case .removeMember(let id, let member, let absentIsDone):
            try await remove(member, from: id, absentIsDone: absentIsDone, session)
            return .done
        case .listSharedImages(let query): return .sharedImages(try await sharedImages(query, session))
        case .showMember, .setMemberStatus, .deactivateImage, .reactivateImage, .addTag, .removeTag, .stageData,
            .importImage, .listLocations, .addLocation, .deleteFromStore, .describe:
            // Only Image API v2 clients ask for these, and their messages are relayed.
            throw Failure(.notImplemented, "This is not possible here.")
        }
    }

    /// How properties are written here; the site's rules are asked for once.
    func properties(_ session: ImageV2Session, for names: Properties) async -> ImageV2Properties {
        if let known = schema.withLock({ $0 }) { return ImageV2Properties(marks: session.marks, schema: known) }
        guard settings.readsSchema, !names.isEmpty,
            let reply = try? await session.exchange(session.calls.schema()).reply
        else { return ImageV2Properties(marks: session.marks) }
        guard reply.status == 200, let document = try? await session.document(of: reply) else {
            await session.discard(reply)
            return ImageV2Properties(marks: session.marks)
        }
        let read = ImageV2Schema(properties: document["properties"]?.object ?? JSONObject())
        schema.withLock { $0 = read }
        return ImageV2Properties(marks: session.marks, schema: read)
    }

    // MARK: Data and deletion

    private func download(
        _ id: String, _ range: DataRange?, _ session: ImageV2Session
    ) async throws(Failure) -> Outcome {
        let remote = ImageV2ID.remote(id)
        let image = try await session.show(remote)
        if image.remoteStatus == ImageStatus.deactivated.rawValue {
            throw Failure(.deactivated, "The requested image has been deactivated. Image data download is forbidden.")
        }
        guard image.remoteStatus == ImageStatus.active.rawValue else {
            throw Failure(.noData, "Image \(id) is not active", isDetail: true)
        }
        let part = try Self.part(range, of: image)
        let reply = try await session.exchange(session.calls.download(remote, range: part)).reply
        switch reply.status {
        case 200: break
        case 206:
            guard let part, reply.body.length.map({ $0 == Int64(part.count) }) ?? true else {
                reply.body.cancel()
                throw Failure(.badGateway, cause: "registry sends another part than was asked for")
            }
            return .part(image.image, SizedBody(reply.body, size: Int64(part.count)), range: part)
        case 204:
            await session.discard(reply)
            throw Failure(.noData, "Image \(id) is not active", isDetail: true)
        default: throw await session.failure(of: reply)
        }
        if let size = image.remoteSize, let length = reply.body.length, size != length {
            reply.body.cancel()
            throw Failure(.badGateway, cause: "image of \(size) bytes, data of \(length)")
        }
        let whole = SizedBody(reply.body, size: image.remoteSize)
        if let part { return .part(image.image, SlicedBody(whole, part), range: part) }
        return .data(image.image, whole)
    }

    /// The offsets that a client wants; nil: everything.
    private static func part(_ range: DataRange?, of image: ImageV2Image) throws(Failure) -> Range<Int64>? {
        guard let range, let size = image.remoteSize else { return nil }
        guard let part = range.resolved(size: size) else {
            throw Failure(.rangeNotSatisfiable, "The range \(range.text) is not within the image's data")
        }
        return part
    }

    private func delete(_ id: String, _ session: ImageV2Session) async throws(Failure) -> Outcome {
        let remote = ImageV2ID.remote(id)
        // Waits for nobody: an image may go at any time, also while its data arrive.
        let answer = try await session.exchange(session.calls.delete(remote))
        guard answer.status == 204 || answer.status == 200 || (answer.status == 404 && answer.wasRepeated) else {
            throw await session.failure(of: answer.reply)
        }
        await session.discard(answer.reply)
        return .done
    }
}
