import Bytes
import Images

/// Image data of at most `limit` bytes, for backends that would take any number.
final class CappedBody: BodySource {
    private let source: any BodySource
    private let limit: Int64
    private var left: Int64

    /// Throws `tooLarge` at once when the announced length is over the limit.
    init(_ source: any BodySource, limit: Int64) throws(Failure) {
        self.source = source
        self.limit = limit
        left = limit
        if let length = source.length, length > limit { throw Failure(.tooLarge, Self.refusal(limit)) }
    }

    var length: Int64? { source.length }

    func next() async throws(BodyError) -> [UInt8]? {
        guard let piece = try await source.next() else { return nil }
        left -= Int64(piece.count)
        guard left >= 0 else { throw .tooLarge(Self.refusal(limit)) }
        return piece
    }

    /// In the words of the servers (glance-v1 §2.3).
    private static func refusal(_ limit: Int64) -> String {
        "Denying attempt to upload image larger than \(limit) bytes."
    }
}
