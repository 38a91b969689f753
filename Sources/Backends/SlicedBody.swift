import Bytes

/// A range of a body, for registries that send only whole images: what stands before it is read and dropped, what stands
/// behind it is not asked for.
final class SlicedBody: BodySource {
    /// Nil once the range is over: dropping a registry's answer closes its connection.
    private var source: (any BodySource)?
    /// Bytes before the range, still to be dropped.
    private var ahead: Int64
    private var left: Int64

    /// - Parameter range: offsets in the whole, within its length.
    init(_ source: any BodySource, _ range: Range<Int64>) {
        self.source = source
        ahead = range.lowerBound
        left = range.upperBound - range.lowerBound
    }

    var length: Int64? { left }

    func next() async throws(BodyError) -> [UInt8]? {
        while left > 0, let source {
            guard let piece = try await source.next() else {
                throw .malformed("the registry's data end before the range that was asked for")
            }
            let dropped = Int(min(ahead, Int64(piece.count)))
            ahead -= Int64(dropped)
            let kept = piece[dropped...].prefix(Int(clamping: left))
            guard !kept.isEmpty else { continue }
            left -= Int64(kept.count)
            if left == 0 { self.source = nil }
            return kept.count == piece.count ? piece : Array(kept)
        }
        return nil
    }
}
