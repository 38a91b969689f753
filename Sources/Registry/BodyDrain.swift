import Bytes
import Images

/// Pulls a client's data in batches that are worth the turn of a worker.
enum BodyDrain {
    /// Bytes of a batch, but for the last piece in it.
    static let batchBytes = 256 << 10

    /// Hands all data to `write`, batch by batch, up to their proven end.
    ///
    /// - Parameter check: told after every piece how many bytes have come.
    static func run(
        _ body: any BodySource, checking check: (Int64) throws(Failure) -> Void,
        _ write: ([[UInt8]]) async throws(Failure) -> Void
    ) async throws(Failure) {
        var total: Int64 = 0
        var pieces: [[UInt8]] = []
        var held = 0
        while true {
            let piece: [UInt8]?
            do throws(BodyError) {
                piece = try await body.next()
            } catch {
                throw Self.failure(of: error)
            }
            if let piece {
                total += Int64(piece.count)
                held += piece.count
                try check(total)
                pieces.append(piece)
                if held < Self.batchBytes { continue }
            }
            let batch = pieces
            pieces = []
            held = 0
            if !batch.isEmpty { try await write(batch) }
            if piece == nil { return }
        }
    }

    private static func failure(of error: BodyError) -> Failure {
        switch error {
        case .disconnected, .cancelled:
            Failure(.clientDisconnected, "Client disconnected before sending all data to backend")
        case .timedOut: Failure(.clientTimedOut, "The image data came too slowly.")
        case .malformed(let why): Failure(.badRequest, why)
        case .tooLarge(let why): Failure(.tooLarge, why)
        case .failed(let why): Failure(.internal, cause: why)
        }
    }
}
