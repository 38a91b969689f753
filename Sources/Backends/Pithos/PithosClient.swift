import Bytes
public import Dialects
import HTTP
public import Upstream

/// A Pithos+ store behind its HTTP interface (astakos-pithos §2). No redirect is followed, no store but the transport's is
/// asked.
public final class PithosClient: PithosObjects {
    let transport: any Transport
    let settings: PithosClientSettings

    /// - Parameter transport: reaches the store and nobody else; its root is `https://HOST/pithos/object-store/v1`.
    public init(transport: any Transport, settings: PithosClientSettings = PithosClientSettings()) {
        self.transport = transport
        self.settings = settings
    }

    public func find(_ location: PithosLocation, token: String?) async throws(PithosFault) -> PithosObject {
        try await head(location, token).object
    }

    public func remove(_ location: PithosLocation, token: String?) async throws(PithosFault) {
        var call = call("DELETE", try PithosTarget.object(location), token)
        call.isRetryable = true
        let reply = try await send(call)
        guard reply.status == 204 || reply.status == 200 || reply.status == 404 else { throw await fault(of: reply) }
        await discard(reply)
    }

    func head(_ location: PithosLocation, _ token: String?) async throws(PithosFault) -> PithosHead {
        let reply = try await send(call("HEAD", try PithosTarget.object(location), token))
        guard reply.status == 200 else {
            let fault = await fault(of: reply)
            // What else could it dislike about a name?
            if reply.status == 400 { throw .unusable("the store refuses its name") }
            throw fault
        }
        await discard(reply)
        return try PithosHead(reply.fields, at: location)
    }

    /// What a container hashes its objects by; nil: there is no such container.
    func blocks(ofContainerAt location: PithosLocation, _ token: String?) async throws(PithosFault)
        -> PithosHash.Blocks?
    {
        let reply = try await send(call("HEAD", try PithosTarget.container(location), token))
        guard reply.status == 204 || reply.status == 200 else {
            let fault = await fault(of: reply)
            if fault == .notFound { return nil }
            throw fault
        }
        await discard(reply)
        guard let size = reply.fields["x-container-block-size"].flatMap({ ASCII.decimal($0) }),
            let name = reply.fields["x-container-block-hash"],
            let blocks = blocks(size: size, hash: name)
        else { throw .badGateway("no sound block size or hash of a container") }
        return blocks
    }

    /// Nil for what cannot be worked with.
    func blocks(size: Int64, hash: String) -> PithosHash.Blocks? {
        guard size > 0, size <= Int64(settings.maxBlockBytes),
            let algorithm = Digest.Algorithm(rawValue: ASCII.lowercased(hash))
        else { return nil }
        return PithosHash.Blocks(size: Int(size), algorithm: algorithm)
    }
}

// MARK: - Calls

extension PithosClient {
    func call(_ method: String, _ target: String, _ token: String?) -> UpstreamCall {
        var call = UpstreamCall(method: method, target: target)
        if let token { call.fields.append("X-Auth-Token", token) }
        return call
    }

    func send(_ call: UpstreamCall) async throws(PithosFault) -> UpstreamReply {
        do throws(TransportError) {
            return try await transport.send(call)
        } catch {
            throw PithosFault(error)
        }
    }

    /// Lets go of an answer whose content does not matter.
    func discard(_ reply: UpstreamReply) async {
        var count = 0
        while count < settings.maxErrorBytes, let piece = try? await reply.body.next() { count += piece.count }
        reply.body.cancel()
    }

    func fault(of reply: UpstreamReply) async -> PithosFault {
        await discard(reply)
        return PithosFault(status: reply.status)
    }
}

/// Limits of the talk with a store.
public struct PithosClientSettings: Sendable {
    /// Data up to this length are put in one call, larger ones block by block (astakos-pithos §2.7).
    public var maxWholeBytes: Int64 = 5 << 30
    /// How often one reading is taken up again where the store broke off.
    public var resumptions = 3
    /// Largest block that is worked with; one is held in memory while data of unknown length are put.
    public var maxBlockBytes = 64 << 20
    /// Most blocks of one object that is put; their hashes are held in memory.
    public var maxBlocks = 1 << 18
    /// Largest document taken from the store, bytes.
    public var maxDocumentBytes = 1 << 20
    /// Bytes read of an answer that does not matter.
    public var maxErrorBytes = 65_536

    public init() {}
}
