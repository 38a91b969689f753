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
            switch error {
            case .tooLarge: throw tooLarge(limit)
            case .malformed(let reason): throw Failure(.badRequest, "The request body is malformed: \(reason)")
            case .timedOut: throw Failure(.clientTimedOut, "The request body did not come in time")
            case .disconnected, .cancelled, .failed:
                throw Failure(.clientDisconnected, "Client disconnected before sending all data to backend")
            }
        }
        return bytes
    }

    private static func tooLarge(_ limit: Int) -> Failure {
        Failure(.tooLarge, "The request document is larger than \(limit) bytes")
    }
}
