import Bytes

/// Reading a call's body for the wire.
enum CallBody {
    /// The first piece.
    static func firstPiece(of body: (any BodySource)?) async throws(BodyError) -> [UInt8]? {
        guard let body else { return nil }
        let length = body.length
        return try await nextPiece(of: body, remaining: length)
    }

    /// The next piece, nil at the end. The piece that completes a known length is given only when the source has
    /// proven its end: a source that fails at the last moment must not have completed the request.
    static func nextPiece(of body: (any BodySource)?, remaining: Int64?) async throws(BodyError) -> [UInt8]? {
        guard let remaining else { return try await body?.next() }
        guard let body, let piece = try await body.next() else {
            guard remaining == 0 else { throw .malformed("\(remaining) bytes less than announced") }
            return nil
        }
        guard Int64(piece.count) <= remaining else { throw .malformed("more bytes than announced") }
        if Int64(piece.count) == remaining {
            guard try await body.next() == nil else { throw .malformed("more bytes than announced") }
        }
        return piece
    }
}
