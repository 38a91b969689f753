import Bytes
import Images

/// Reads a request's document into memory, within a limit.
enum DocumentReader {
    static func read(_ body: any BodySource, limit: Int) async throws(Failure) -> [UInt8] {
        if let length = body.length, length > Int64(limit) { throw tooLarge(limit) }
        var bytes: [UInt8] = []
        do throws(BodyError) {
            while let piece = try await body.next() {
                guard bytes.count + piece.count <= limit else { throw .tooLarge("") }
                bytes = bytes.isEmpty ? piece : bytes + piece
            }
        } catch {
            throw failure(of: error, limit)
        }
        return bytes
    }

    /// Reads a body to its proven end and keeps nothing of it.
    static func skip(_ body: any BodySource, limit: Int64) async throws(Failure) {
        if let length = body.length, length > limit { throw tooLarge(Int(clamping: limit)) }
        var left = limit
        do throws(BodyError) {
            while let piece = try await body.next() {
                left -= Int64(piece.count)
                if left < 0 { throw .tooLarge("") }
            }
        } catch {
            throw failure(of: error, Int(clamping: limit))
        }
    }

    private static func failure(of error: BodyError, _ limit: Int) -> Failure {
        switch error {
        case .tooLarge: tooLarge(limit)
        case .malformed(let reason): Failure(.badRequest, "The request body is malformed: \(reason)")
        case .timedOut: Failure(.clientTimedOut, "The request body did not come in time")
        case .disconnected, .cancelled, .failed:
            Failure(.clientDisconnected, "Client disconnected before sending all data to backend")
        }
    }

    private static func tooLarge(_ limit: Int) -> Failure {
        Failure(.tooLarge, "The request document is larger than \(limit) bytes")
    }
}
