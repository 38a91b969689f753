import Bytes
import Dialects
import HTTP
import Images
import Upstream

/// Reading (astakos-pithos §2.2, §2.6).
extension PithosClient {
    public func open(
        _ object: PithosObject, range: Range<Int64>?, token: String?
    ) async throws(PithosFault) -> any PithosData {
        let whole = 0..<object.content.size
        let range = range ?? whole
        guard range.lowerBound >= 0, range.upperBound <= whole.upperBound else {
            throw .badGateway("a range outside of the object")
        }
        var reading = PithosReading(client: self, object: object, token: token)
        // Nothing to ask for, and a range of nothing cannot be said.
        if range.isEmpty, !whole.isEmpty { return PithosDownload(reading, range, hash: nil, first: nil) }
        let hash = range == whole ? try await hasher(for: object, token) : nil
        let reply = try await reading.start(range)
        return PithosDownload(reading, range, hash: hash, first: reply)
    }

    /// Nil when nothing is known that the hash could be worked out with.
    private func hasher(for object: PithosObject, _ token: String?) async throws(PithosFault) -> PithosHash? {
        guard let blocks = try await blocks(of: object, token), blocks.canMake(object.content.hash) else { return nil }
        do throws(DigestError) {
            return try PithosHash(blocks)
        } catch {
            return nil
        }
    }

    /// Who may read an object of somebody else's may not ask about its container, but for the object's own map.
    private func blocks(of object: PithosObject, _ token: String?) async throws(PithosFault) -> PithosHash.Blocks? {
        do throws(PithosFault) {
            return try await blocks(ofContainerAt: object.location, token)
        } catch {
            guard error == .forbidden else { throw error }
            return try await blocksOfMap(object, token)
        }
    }

    private func blocksOfMap(_ object: PithosObject, _ token: String?) async throws(PithosFault) -> PithosHash.Blocks? {
        let target = try PithosTarget.object(object.location) + "?hashmap&format=json"
        let reply = try await send(call("GET", target, token))
        guard reply.status == 200, let bytes = try? await reply.collect(limit: settings.maxDocumentBytes) else {
            reply.body.cancel()
            return nil
        }
        guard let map = try? JSONReader.parse(bytes).object, let size = map["block_size"]?.integer,
            let name = map["block_hash"]?.text
        else { return nil }
        return blocks(size: size, hash: name)
    }
}

/// How one version of one object is asked for, again and again if need be.
struct PithosReading {
    let client: PithosClient
    let object: PithosObject
    let token: String?
    /// Set when the store refuses to pin the version: then this entity tag must still be the object's.
    private var entityTag: String?

    init(client: PithosClient, object: PithosObject, token: String?) {
        self.client = client
        self.object = object
        self.token = token
    }

    /// The first asking; a reader of somebody else's object may be refused its versions.
    mutating func start(_ range: Range<Int64>) async throws(PithosFault) -> UpstreamReply {
        do throws(PithosFault) {
            return try await ask(range)
        } catch {
            guard !object.isOwn, error == .forbidden || error == .notFound else { throw error }
            let head = try await client.head(object.location, token)
            guard head.object.version == object.version, let tag = head.entityTag else { throw Self.changed }
            entityTag = tag
            return try await ask(range)
        }
    }

    /// Asks for exact ends, since a store refuses others, and accepts exactly those.
    func ask(_ range: Range<Int64>) async throws(PithosFault) -> UpstreamReply {
        let isWhole = range == 0..<object.content.size
        var target = try PithosTarget.object(object.location)
        if entityTag == nil { target += "?version=" + PithosTarget.query(object.version) }
        var call = client.call("GET", target, token)
        if let entityTag { call.fields.append("If-Match", "\"\(entityTag)\"") }
        if !isWhole { call.fields.append("Range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)") }
        let reply = try await client.send(call)
        guard reply.status == (isWhole ? 200 : 206) else {
            let fault = await client.fault(of: reply)
            throw reply.status == 412 ? Self.changed : fault
        }
        do throws(PithosFault) {
            try check(reply, range, isWhole: isWhole)
        } catch {
            reply.body.cancel()
            throw error
        }
        return reply
    }

    private static let changed = PithosFault.damaged("the object changed since it was found")

    private func check(_ reply: UpstreamReply, _ range: Range<Int64>, isWhole: Bool) throws(PithosFault) {
        if let length = reply.body.length, length != Int64(range.count) {
            throw .damaged("\(length) bytes instead of \(range.count)")
        }
        guard !isWhole else { return }
        let expected = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(object.content.size)"
        guard let actual = reply.fields["content-range"], actual.sameBytes(as: expected) else {
            throw .damaged("another range than asked for")
        }
    }
}
