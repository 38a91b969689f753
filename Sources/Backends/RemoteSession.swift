import Bytes
import Dialects
import EventLoop
import HTTP
import Images
import Upstream

/// The calls of one request to one registry, whatever its dialect: sending, repeating, reading answers, telling failures
/// (mapping §7, §8). Each backend dialect has its own session, which knows how its registry refuses.
protocol RemoteSession: Sendable {
    var transport: any Transport { get }
    var caller: Caller { get }
    /// Largest document taken from the registry, bytes.
    var maxDocumentBytes: Int { get }
    /// Bytes read of an error's body.
    var maxErrorBytes: Int { get }

    /// What crosses beside the operation; nil: nothing.
    var passed: PassedFields? { get }

    /// What an answer that refuses means in the registry's dialect.
    func failure(status: Int, fields: Fields, body: [UInt8]) -> Failure
}

/// An answer, and whether the call had to be sent twice.
struct RemoteAnswer {
    var reply: UpstreamReply
    var wasRepeated: Bool
    var status: Int { reply.status }
}

extension RemoteSession {
    /// One sending, nothing more: repeating is the session's, so that no call travels three times.
    func send(
        _ call: RegistryCall, data: (any BodySource)? = nil, fresh: Bool = false
    ) async throws(TransportError) -> UpstreamReply {
        var sent = UpstreamCall(
            method: call.method, target: target(of: call), fields: call.fields,
            body: data ?? call.document.map { BytesBody($0) }, isRetryable: false)
        for field in passed?.request ?? [] where !call.fields.contains(field.name) {
            sent.fields.append(name: Array(field.name.utf8), value: field.value)
        }
        sent.startsFresh = fresh
        let reply = try await transport.send(sent)
        if let passed, passed.wantsResponse { passed.collect(reply.fields.map { ($0.nameText, Array($0.value)) }) }
        return reply
    }

    /// Lists take the client's own parameters along.
    private func target(of call: RegistryCall) -> String {
        guard let passed, !passed.query.isEmpty, call.listsImages else { return call.target }
        let mark = call.target.utf8.contains(UInt8(ascii: "?")) ? "&" : "?"
        return call.target + mark + passed.query.joined(separator: "&")
    }

    /// Sends a call; a harmless one once more on a fresh connection when the first was lost.
    func exchange(_ call: RegistryCall, data: (any BodySource)? = nil) async throws(Failure) -> RemoteAnswer {
        var wasRepeated = false
        while true {
            do throws(TransportError) {
                return RemoteAnswer(
                    reply: try await send(call, data: data, fresh: wasRepeated), wasRepeated: wasRepeated)
            } catch {
                if case .closed = error, call.isRepeatable, data == nil, !wasRepeated {
                    wasRepeated = true
                    continue
                }
                throw Self.failure(error)
            }
        }
    }

    /// Sends a call whose answer is an object.
    func object(_ call: RegistryCall, id: String? = nil) async throws(Failure) -> JSONObject {
        let answer = try await exchange(call)
        guard answer.status == 200 || answer.status == 201 else { throw await failure(of: answer.reply) }
        return try await document(of: answer.reply)
    }

    func document(of reply: UpstreamReply) async throws(Failure) -> JSONObject {
        let bytes: [UInt8]
        do throws(BodyError) {
            bytes = try await reply.collect(limit: maxDocumentBytes)
        } catch {
            throw Self.failure(reading: error)
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader.parse(bytes, limits: JSONLimits(maxBytes: maxDocumentBytes))
        } catch {
            throw Failure(.badGateway, cause: "registry's document: \(error)")
        }
        guard let object = value.object else { throw Failure(.badGateway, cause: "registry's document is no object") }
        return object
    }

    /// Reads what a refused call says; the body is bounded.
    func failure(of reply: UpstreamReply) async -> Failure {
        var bytes: [UInt8] = []
        while bytes.count < maxErrorBytes, let piece = try? await reply.body.next() {
            bytes += piece.prefix(maxErrorBytes - bytes.count)
        }
        reply.body.cancel()
        var failure = failure(status: reply.status, fields: reply.fields, body: bytes)
        if failure.kind == .tokenRejected, caller.token == nil { failure.kind = .unauthorized }
        return failure
    }

    /// Lets go of an answer whose content does not matter.
    func discard(_ reply: UpstreamReply) async {
        var count = 0
        while count < maxErrorBytes, let piece = try? await reply.body.next() { count += piece.count }
        reply.body.cancel()
    }

    /// Work that a vanished client does not stop: undoing, and finding out what became of what was sent.
    func shielded<Result: Sendable>(_ work: @escaping @Sendable () async -> Result) async -> Result {
        if let loop = EventLoop.current { return await loop.spawn { await work() }.value }
        return await Task { await work() }.value
    }

    static func failure(_ error: TransportError) -> Failure {
        switch error {
        case .timedOut(.queue): Failure(.unavailable, cause: "no free connection to the registry in time")
        case .timedOut(let phase): Failure(.gatewayTimeout, cause: "registry: time-out while \(phase)")
        case .overloaded: Failure(.unavailable, cause: "too many calls wait for the registry")
        case .cancelled: Failure(.clientDisconnected)
        case .clientBody(let fault): failure(client: fault)
        case .invalidCall(let why): Failure(.badRequest, "The request cannot be passed on", cause: why)
        default: Failure(.badGateway, cause: "registry: \(error)")
        }
    }

    static func failure(client fault: BodyError) -> Failure {
        switch fault {
        case .disconnected, .cancelled: Failure(.clientDisconnected)
        case .timedOut: Failure(.clientTimedOut)
        case .malformed(let why): Failure(.badRequest, "Malformed request body: \(why)")
        case .tooLarge(let why): Failure(.tooLarge, why)
        case .failed(let why): Failure(.internal, cause: why)
        }
    }

    static func failure(reading fault: BodyError) -> Failure {
        switch fault {
        case .cancelled: Failure(.clientDisconnected)
        case .timedOut: Failure(.gatewayTimeout, cause: "registry stopped in the middle of an answer")
        default: Failure(.badGateway, cause: "registry's answer: \(fault)")
        }
    }
}
