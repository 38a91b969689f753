import Bytes

/// Data on their way into a store: counted and hashed as the store will hash them.
final class HashedBody: BodySource {
    private let source: any BodySource
    private let hash: PithosHash
    private(set) var count: Int64 = 0

    init(_ source: any BodySource, _ blocks: PithosHash.Blocks) throws(PithosFault) {
        self.source = source
        hash = try PithosClient.digesting { () throws(DigestError) in try PithosHash(blocks) }
    }

    var length: Int64? { source.length }

    func next() async throws(BodyError) -> [UInt8]? {
        guard let piece = try await source.next() else { return nil }
        count &+= Int64(piece.count)
        do throws(DigestError) {
            try hash.update(piece)
        } catch {
            throw .failed("digest")
        }
        return piece
    }

    func finish() throws(PithosFault) -> String {
        try PithosClient.digesting { () throws(DigestError) in try hash.finish() }
    }
}

/// Cuts data into blocks of one size; the last may be shorter.
final class BlockReader {
    private let source: any BodySource
    private let blockBytes: Int
    private var rest: ArraySlice<UInt8> = []
    private var isDone = false

    init(_ source: any BodySource, blockBytes: Int) {
        self.source = source
        self.blockBytes = blockBytes
    }

    /// Empty at the end.
    func next() async throws(PithosFault) -> [UInt8] {
        var block = Array(rest.prefix(blockBytes))
        rest = rest.dropFirst(block.count)
        do throws(BodyError) {
            while block.count < blockBytes, !isDone {
                guard let piece = try await source.next() else {
                    isDone = true
                    break
                }
                let part = piece.prefix(blockBytes - block.count)
                block += part
                rest = piece.dropFirst(part.count)
            }
        } catch {
            throw error == .cancelled ? .cancelled : .data(error)
        }
        return block
    }
}
