public import Bytes
public import Dialects
import HTTP
import Images
import Upstream

/// Putting (astakos-pithos §2.7).
extension PithosClient {
    public func put(
        _ data: any BodySource, at location: PithosLocation, overwrites: Bool, token: String?
    ) async throws(PithosFault) -> PithosObject {
        let blocks = try await container(at: location, token)
        let sent: (size: Int64, hash: String)
        if let length = data.length, length <= settings.maxWholeBytes {
            sent = try await putWhole(data, blocks, at: location, overwrites: overwrites, token)
        } else {
            sent = try await putBlocks(data, blocks, at: location, overwrites: overwrites, token)
        }
        let object = try await find(location, token: token)
        guard object.content.size == sent.size else {
            throw .damaged("\(sent.size) bytes were put, the store has \(object.content.size)")
        }
        guard !blocks.canMake(object.content.hash) || object.content.hash.sameBytes(as: sent.hash) else {
            throw .damaged("hash \(sent.hash) was put, the store has \(object.content.hash)")
        }
        return object
    }

    /// Makes the container when it is missing. Asked before anything is sent, since data pass only once.
    private func container(at location: PithosLocation, _ token: String?) async throws(PithosFault)
        -> PithosHash.Blocks
    {
        if let blocks = try await blocks(ofContainerAt: location, token) { return blocks }
        var call = call("PUT", try PithosTarget.container(location), token)
        call.body = BytesBody([])
        let reply = try await send(call)
        guard reply.status == 201 || reply.status == 202 else { throw await fault(of: reply) }
        await discard(reply)
        guard let blocks = try await blocks(ofContainerAt: location, token) else {
            throw .badGateway("a container that was made is not there")
        }
        return blocks
    }

    private func putWhole(
        _ data: any BodySource, _ blocks: PithosHash.Blocks, at location: PithosLocation, overwrites: Bool,
        _ token: String?
    ) async throws(PithosFault) -> (Int64, String) {
        let body = try HashedBody(data, blocks)
        var call = call("PUT", try PithosTarget.object(location), token)
        call.fields.append("Content-Type", "application/octet-stream")
        if !overwrites { call.fields.append("If-None-Match", "*") }
        call.body = body
        let reply = try await send(call)
        guard reply.status == 201 else { throw await fault(of: reply) }
        await discard(reply)
        return (body.count, try body.finish())
    }

    // MARK: Blocks

    /// Data whose length is not known before their end, or too long for one call: sent block by block, then named all
    /// together.
    private func putBlocks(
        _ data: any BodySource, _ blocks: PithosHash.Blocks, at location: PithosLocation, overwrites: Bool,
        _ token: String?
    ) async throws(PithosFault) -> (Int64, String) {
        let reader = BlockReader(data, blockBytes: blocks.size)
        var block = try await reader.next()
        // What fits into a block needs no map.
        if block.count < blocks.size {
            return try await putWhole(BytesBody(block), blocks, at: location, overwrites: overwrites, token)
        }
        let hash = try Self.digesting { () throws(DigestError) in try PithosHash(blocks) }
        var leaves: [String] = []
        var size: Int64 = 0
        while !block.isEmpty {
            guard leaves.count < settings.maxBlocks else { throw .tooLarge }
            let leaf = try Self.digesting { () throws(DigestError) in
                try hash.update(block)
                return Hex.encode(try PithosHash.leaf(block, blocks.algorithm))
            }
            try await post(block, leaf: leaf, to: location, token)
            leaves.append(leaf)
            size += Int64(block.count)
            block = try await reader.next()
        }
        try await putMap(leaves, size: size, at: location, overwrites: overwrites, token)
        return (size, try Self.digesting { () throws(DigestError) in try hash.finish() })
    }

    /// A block is known by its hash, so that sending it twice does no harm.
    private func post(
        _ block: [UInt8], leaf: String, to location: PithosLocation, _ token: String?
    ) async throws(PithosFault) {
        let target = try PithosTarget.container(location) + "?update&format=json"
        let reply = try await repeating { client, isFresh throws(TransportError) in
            var call = client.call("POST", target, token)
            call.fields.append("Content-Type", "application/octet-stream")
            call.body = BytesBody(block)
            call.startsFresh = isFresh
            return try await client.transport.send(call)
        }
        guard reply.status == 202 else { throw await fault(of: reply) }
        let hashes = try await document(of: reply).array?.map { $0.text.map(ASCII.lowercased) }
        guard hashes == [leaf] else { throw .damaged("the store received another block than was sent") }
    }

    private func putMap(
        _ leaves: [String], size: Int64, at location: PithosLocation, overwrites: Bool, _ token: String?
    ) async throws(PithosFault) {
        var writer = JSONWriter(ascii: true)
        writer.value(.object(JSONObject(["bytes": .integer(size), "hashes": .array(leaves.map(JSONValue.string))])))
        var call = call("PUT", try PithosTarget.object(location) + "?hashmap&format=json", token)
        call.fields.append("Content-Type", "application/octet-stream")
        if !overwrites { call.fields.append("If-None-Match", "*") }
        call.body = BytesBody(writer.take())
        let reply = try await send(call)
        guard reply.status != 409 else {
            await discard(reply)
            throw .damaged("the store lost blocks that it had received")
        }
        guard reply.status == 201 else { throw await fault(of: reply) }
        await discard(reply)
    }

    private func repeating(
        _ send: (PithosClient, Bool) async throws(TransportError) -> UpstreamReply
    ) async throws(PithosFault) -> UpstreamReply {
        do throws(TransportError) {
            return try await send(self, false)
        } catch {
            guard case .closed = error else { throw PithosFault(error) }
        }
        do throws(TransportError) {
            return try await send(self, true)
        } catch {
            throw PithosFault(error)
        }
    }

    private func document(of reply: UpstreamReply) async throws(PithosFault) -> JSONValue {
        let bytes: [UInt8]
        do throws(BodyError) {
            bytes = try await reply.collect(limit: settings.maxDocumentBytes)
        } catch {
            throw PithosFault(reading: error)
        }
        guard let value = try? JSONReader.parse(bytes) else { throw .badGateway("no JSON where it should be") }
        return value
    }

    static func digesting<Value>(_ work: () throws(DigestError) -> Value) throws(PithosFault) -> Value {
        do throws(DigestError) {
            return try work()
        } catch {
            throw .badGateway("no \(error.algorithm)")
        }
    }
}
