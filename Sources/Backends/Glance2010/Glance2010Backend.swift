import Bytes
import Dialects
public import Images
public import Upstream

/// Images in a remote registry that speaks the first Glance API (mapping §6.5). It knows neither owners nor members, lists
/// only public images, one list without pages, and can change an image but not take a property from it.
public final class Glance2010Backend: Backend {
    let transport: any Transport
    let settings: Glance2010BackendSettings
    let locks: UpdateLocks
    let undoing = Undoing()

    /// - Parameter transport: reaches the registry and nobody else; its root is what stands before `/images`.
    public init(transport: any Transport, settings: Glance2010BackendSettings = Glance2010BackendSettings()) {
        self.transport = transport
        self.settings = settings
        locks = UpdateLocks(maxWaiting: settings.maxWaitingUpdates, maxWait: settings.maxUpdateWait)
    }

    public func close() async { undoing.close() }

    public func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        let session = Glance2010Session(transport: transport, settings: settings, request: request)
        switch request.operation {
        case .listVersions: throw Failure(.internal, cause: "versions are the gateway's")
        case .listImages(let query): return .images(try await list(query, session))
        case .showImage(let id): return .image(try await session.show(id).image)
        case .downloadImage(let id, let range): return try await download(id, range, session)
        case .createImage(let creation): return .image(try await create(creation, request.data, session).image)
        case .updateImage(let update): return .image(try await self.update(update, request.data, session).image)
        case .deleteImage(let id): return try await delete(id, session)
        case .addTag(let id, let tag): return try await retag(id, adding: tag, session)
        case .removeTag(let id, let tag): return try await retag(id, removing: tag, session)
        case .listSharedImages: return .sharedImages([])
        case .listMembers, .replaceMembers, .addMember, .removeMember, .showMember, .setMemberStatus:
            throw Failure(.membershipForbidden, "Images of this registry have no members")
        case .deactivateImage, .reactivateImage:
            throw Failure(.forbidden, "This registry cannot deactivate images")
        case .stageData, .importImage: throw Failure(.notImplemented, "This registry imports no images")
        case .listLocations(let id):
            let location = try await session.show(id).image.text(.location)
            return .locations(location.map { [ImageLocation(url: $0)] } ?? [])
        case .addLocation, .deleteFromStore:
            throw Failure(.notImplemented, "Locations of this registry's images cannot be changed")
        case .describe: return .capabilities(capabilities)
        }
    }

    // MARK: Data and deletion

    /// One call tells the image and sends its data; another one only when there are none.
    private func download(
        _ id: String, _ range: DataRange?, _ session: Glance2010Session
    ) async throws(Failure) -> Outcome {
        let reply: UpstreamReply
        do throws(Failure) {
            reply = try await session.exchange(session.calls.download(id)).reply
        } catch {
            // Release 0.1.7 drops the connection when there are no data (glance-2010 §6).
            guard error.kind == .badGateway, let image = try? await session.show(id),
                image.native.status != .active
            else { throw error }
            throw Self.noData(id)
        }
        guard reply.status == 200 else {
            let failure = await session.failure(of: reply)
            guard failure.kind == .imageNotFound else { throw failure }
            _ = try await session.show(id)
            throw Self.noData(id)
        }
        let image: Image
        do throws(Failure) {
            image = Glance2010Image(try session.reply.image(reply.fields, id: id), session.held).image
        } catch {
            reply.body.cancel()
            throw error
        }
        return try Self.outcome(image, reply.body, range)
    }

    private static func outcome(
        _ image: Image, _ body: any ReplyBody, _ range: DataRange?
    ) throws(Failure) -> Outcome {
        let size = image.integer(.size)
        if let size, let length = body.length, size != length {
            body.cancel()
            throw Failure(.badGateway, cause: "image of \(size) bytes, data of \(length)")
        }
        let whole = SizedBody(body, size: size)
        guard let range, let known = size ?? body.length else { return .data(image, whole) }
        guard let part = range.resolved(size: known) else {
            body.cancel()
            throw Failure(.rangeNotSatisfiable)
        }
        return .part(image, SlicedBody(whole, part), range: part)
    }

    private static func noData(_ id: String) -> Failure {
        Failure(.noData, "Image \(id) is not active", isDetail: true)
    }

    /// Protection is a mark, so that the gateway itself must heed it.
    private func delete(_ id: String, _ session: Glance2010Session) async throws(Failure) -> Outcome {
        let image = try await session.show(id).image
        guard image.boolean(.protected) != true else {
            throw Failure(.forbidden, "Image \(id) is protected and cannot be deleted.")
        }
        let answer = try await session.exchange(session.calls.delete(id))
        guard (200...204).contains(answer.status) || (answer.status == 404 && answer.wasRepeated) else {
            throw await session.failure(of: answer.reply)
        }
        await session.discard(answer.reply)
        return .done
    }
}
