import Bytes
import Dialects
import HTTP
import Images
import Synchronization
import Upstream

/// The calls of one request to a registry of the Image API v1.
struct GlanceV1Session: RemoteSession {
    let transport: any Transport
    let registry: GlanceV1Registry
    let caller: Caller
    let calls: GlanceV1.Calls
    let held: FieldMarks
    let texts: DocumentTexts
    let passed: PassedFields?

    init(
        transport: any Transport, registry: GlanceV1Registry, texts: DocumentTexts, request: BackendRequest
    ) {
        self.transport = transport
        self.registry = registry
        self.texts = texts
        caller = request.caller
        passed = request.passed
        calls = GlanceV1.Calls(token: caller.token, requestID: request.requestID)
        held = registry.fieldMarks
    }

    var maxDocumentBytes: Int { registry.maxDocumentBytes }
    var maxErrorBytes: Int { registry.maxErrorBytes }

    func failure(status: Int, fields: Fields, body: [UInt8]) -> Failure {
        let secrets = [caller.token, registry.authority].compactMap(\.self)
        return GlanceV1.Reply.failure(status: status, fields: fields, body: body, hiding: secrets)
    }

    // MARK: Images

    /// The id under which the registry has an image. A number may be one of its own or a client's that stands for a UUID:
    /// only then is it asked.
    func remoteID(_ id: String) async throws(Failure) -> String {
        let remote = GlanceV1Image.remoteID(id)
        guard GlanceV1Image.mayBeNumber(id) else { return remote }
        let reply = try await exchange(calls.show(remote)).reply
        await discard(reply)
        guard reply.status == 404 else { return remote }
        let own = try await exchange(calls.show(id)).reply
        await discard(own)
        return own.status == 200 ? id : remote
    }

    func show(_ remote: String) async throws(Failure) -> GlanceV1Image {
        let answer = try await exchange(calls.show(remote))
        guard answer.status == 200 else { throw await failure(of: answer.reply) }
        await discard(answer.reply)
        return try image(headers: answer.reply.fields, id: remote)
    }

    /// Reads an image and checks that it is the one asked for.
    func image(headers: Fields, id: String) throws(Failure) -> GlanceV1Image {
        let native = try GlanceV1.Reply.image(headers, id: id)
        guard native.id.sameBytes(as: id) else {
            throw Failure(.badGateway, cause: "asked for image \(id), was given another one")
        }
        return GlanceV1Image(native, held)
    }

    /// Sends a call whose answer is an image in a document.
    func image(
        _ call: RegistryCall, data: (any BodySource)? = nil, id: String? = nil
    ) async throws(Failure) -> GlanceV1Image {
        let answer = try await exchange(call, data: data)
        return try await image(document: answer.reply, id: id)
    }

    func image(document reply: UpstreamReply, id: String?) async throws(Failure) -> GlanceV1Image {
        guard reply.status == 200 || reply.status == 201 else { throw await failure(of: reply) }
        let document = try await document(of: reply)
        guard let object = document["image"]?.object else {
            throw Failure(.badGateway, cause: "no image in the registry's document")
        }
        let image = try await image(object)
        if let id, !image.remoteID.sameBytes(as: id) {
            throw Failure(.badGateway, cause: "asked for image \(id), was given another one")
        }
        return image
    }

    /// An image of a document; the first of which it matters tells how the registry writes texts.
    func image(_ object: JSONObject) async throws(Failure) -> GlanceV1Image {
        let plain = try GlanceV1.Reply.image(object)
        guard GlanceV1.Reply.mayNeedMending(object) else { return GlanceV1Image(plain, held) }
        let mended = try GlanceV1.Reply.image(object, mends: true)
        guard plain != mended else { return GlanceV1Image(plain, held) }
        if let known = texts.areMended { return GlanceV1Image(known ? mended : plain, held) }
        // Headers are right either way.
        let answer = try await exchange(calls.show(plain.id))
        await discard(answer.reply)
        guard answer.status == 200 else { return GlanceV1Image(mended, held) }
        let shown = try image(headers: answer.reply.fields, id: plain.id).native
        let isMended = Self.agreement(of: mended, with: shown) >= Self.agreement(of: plain, with: shown)
        texts.areMended = isMended
        return GlanceV1Image(isMended ? mended : plain, held)
    }

    /// How many texts of an image are the same in another one.
    private static func agreement(of image: Image, with other: Image) -> Int {
        ImageField.allCases.count { image[$0] == other[$0] }
            + image.properties.list.count { property in
                other.properties[property.name].map { Property("", $0) == Property("", property.value) } ?? false
            }
    }
}

/// Whether a registry's documents show the UTF-8 of headers as if it were Latin-1, once that is known.
final class DocumentTexts: Sendable {
    private let state = Mutex<Bool?>(nil)

    var areMended: Bool? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
