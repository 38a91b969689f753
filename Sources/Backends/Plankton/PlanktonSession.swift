import Bytes
import Dialects
import HTTP
import Images
import Upstream

/// The calls of one request to a Plankton server.
struct PlanktonSession: RemoteSession {
    let transport: any Transport
    let settings: PlanktonRegistrySettings
    let caller: Caller
    let calls: Plankton.Calls
    let marks: Marks?
    let passed: PassedFields?
    /// What is not found is the file at a location, not an image.
    var isRegistering = false

    init(
        transport: any Transport, settings: PlanktonRegistrySettings, caller: Caller, requestID: String,
        passed: PassedFields? = nil
    ) {
        self.passed = passed
        self.transport = transport
        self.settings = settings
        self.caller = caller
        calls = Plankton.Calls(token: caller.token, requestID: requestID, prefix: settings.versionPrefix)
        marks = PlanktonHolding.marks(prefix: settings.markPrefix)
    }

    var maxDocumentBytes: Int { settings.maxDocumentBytes }
    var maxErrorBytes: Int { settings.maxErrorBytes }
    var holding: PlanktonHolding { PlanktonHolding(marks: marks, release: settings.release) }

    func failure(status: Int, fields: Fields, body: [UInt8]) -> Failure {
        let secrets = [caller.token, settings.authority].compactMap(\.self)
        return Plankton.failure(
            status: status, fields: fields, body: body, isRegistration: isRegistering, hiding: secrets)
    }

    /// The id as every release takes it: small letters, with hyphens.
    ///
    /// - Throws: `imageNotFound` for one that no image can have, which servers since 0.16 call a bad request.
    func remote(_ id: String) throws(Failure) -> String {
        let text = ASCII.lowercased(id)
        if UUIDText.isCanonical(text) { return text }
        guard text.utf8.count == 32, text.utf8.allSatisfy(ByteSet.hexDigits.contains) else {
            throw Failure(.imageNotFound)
        }
        var parts: [Substring.UTF8View] = []
        var rest = text.utf8[...]
        for length in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return parts.map { String(Substring($0)) }.joined(separator: "-")
    }

    /// Reads the image that an answer's headers describe, and checks that it is the one asked for.
    func image(of reply: UpstreamReply, id: String? = nil) throws(Failure) -> PlanktonImage {
        let record = try Plankton.Record(reply.fields, decodesValues: settings.release.encodesReplies)
        if let id, !ASCII.equalIgnoringCase(record.image.id, id) {
            throw Failure(.badGateway, cause: "asked for image \(id), was given another one")
        }
        return PlanktonImage(record, marks: marks)
    }

    func show(_ id: String) async throws(Failure) -> PlanktonImage {
        let reply = try await exchange(calls.show(id)).reply
        guard reply.status == 200 else { throw await failure(of: reply) }
        let image = try image(of: reply, id: id)
        await discard(reply)
        return image
    }

    /// Changes an image; the server answers with what it is now.
    func update(_ id: String, _ image: Image, removing removals: [String]) async throws(Failure) -> PlanktonImage {
        let reply = try await exchange(calls.update(id, image, removing: removals)).reply
        guard reply.status == 200 else { throw await failure(of: reply) }
        let changed = try self.image(of: reply, id: id)
        await discard(reply)
        return changed
    }

    /// What a fault of the store is to whoever asked, also one who sent no token.
    func failure(_ fault: PithosFault) -> Failure {
        var failure = fault.failure
        if failure.kind == .tokenRejected, caller.token == nil { failure.kind = .unauthorized }
        return failure
    }

    /// A call that answers with nothing.
    func perform(_ call: RegistryCall) async throws(Failure) {
        let answer = try await exchange(call)
        let isGone = answer.status == 404 && answer.wasRepeated && call.method == "DELETE"
        guard answer.status == 204 || answer.status == 200 || isGone else { throw await failure(of: answer.reply) }
        await discard(answer.reply)
    }
}
