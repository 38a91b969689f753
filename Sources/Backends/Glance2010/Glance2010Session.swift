import Bytes
import Dialects
import HTTP
import Images
import Upstream

/// The calls of one request to a registry of the first Glance API.
struct Glance2010Session: RemoteSession {
    let transport: any Transport
    let settings: Glance2010BackendSettings
    let caller: Caller
    let calls: Glance2010.Calls
    let reply: Glance2010.Reply
    let held: FieldMarks
    let passed: PassedFields?

    init(transport: any Transport, settings: Glance2010BackendSettings, request: BackendRequest) {
        self.transport = transport
        self.settings = settings
        caller = request.caller
        passed = request.passed
        calls = Glance2010.Calls(token: request.caller.token, requestID: request.requestID)
        reply = Glance2010.Reply(profile: settings.profile)
        held = FieldMarks(settings.markPrefix.map(Marks.init(prefix:)), .glance2010)
    }

    var maxDocumentBytes: Int { settings.maxDocumentBytes }
    var maxErrorBytes: Int { settings.maxErrorBytes }

    func failure(status: Int, fields: Fields, body: [UInt8]) -> Failure {
        let secrets = [caller.token, settings.authority].compactMap(\.self)
        return Glance2010.Reply.failure(status: status, fields: fields, body: body, hiding: secrets)
    }

    func show(_ id: String) async throws(Failure) -> Glance2010Image {
        let answer = try await exchange(calls.show(id))
        guard answer.status == 200 else { throw await failure(of: answer.reply) }
        await discard(answer.reply)
        return try checked(try reply.image(answer.reply.fields, id: id), id: id)
    }

    /// Reads the image that an answer to POST or PUT tells.
    ///
    /// - Parameter id: the one asked for; nil: the registry chose it.
    func image(of answer: UpstreamReply, id: String?) async throws(Failure) -> Glance2010Image {
        guard answer.status == 200 || answer.status == 201 else { throw await failure(of: answer) }
        return try checked(try reply.image(document: try await document(of: answer)), id: id)
    }

    private func checked(_ image: Image, id: String?) throws(Failure) -> Glance2010Image {
        if let id, !image.id.sameBytes(as: id) {
            throw Failure(.badGateway, cause: "asked for image \(id), was given another one")
        }
        return Glance2010Image(image, held)
    }

    /// Sends one change of metadata; doing it twice is doing it once.
    func put(_ id: String, _ change: Image) async throws(Failure) -> Glance2010Image {
        let call = try calls.update(id, change)
        let answer: UpstreamReply
        do throws(TransportError) {
            answer = try await sendTwice(call)
        } catch {
            throw Self.failure(error)
        }
        return try await image(of: answer, id: id)
    }

    private func sendTwice(_ call: RegistryCall) async throws(TransportError) -> UpstreamReply {
        do throws(TransportError) {
            return try await send(call)
        } catch {
            guard case .closed = error else { throw error }
        }
        return try await send(call, fresh: true)
    }
}
