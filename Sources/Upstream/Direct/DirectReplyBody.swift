import Bytes
import EventLoop
import HTTP

/// The body of a reply on a direct connection. Its end is proven by length, last chunk or, where the head gave
/// neither, an orderly close; a cut is an error. At the end the connection goes back at once.
final class DirectReplyBody: ReplyBody {
    private let pool: DirectPool
    private let connection: DirectConnection
    private let pause: Duration
    private let readBytes: Int
    private let mayKeep: Bool
    private var framing: BodyLength
    private var chunks: ChunkedDecoder
    private var isOpen = true
    private var fault: BodyError?

    init(
        _ head: ReplyHead, connection: DirectConnection, pool: DirectPool, mayKeep: Bool, pause: Duration,
        tuning: UpstreamTuning
    ) {
        self.pool = pool
        self.connection = connection
        self.mayKeep = mayKeep && head.keepsAlive
        self.pause = pause
        readBytes = tuning.readBytes
        chunks = ChunkedDecoder(limits: tuning.limits)
        framing = head.framing
        if framing == .length(0) { framing = .none }
        if framing == .none { finish() }
    }

    deinit { cancel() }

    var length: Int64? {
        switch framing {
        case .none: 0
        case .length(let remaining): remaining
        case .chunked, .untilClose: nil
        }
    }

    func next() async throws(BodyError) -> [UInt8]? {
        // Nil would be a proven end.
        if let fault { throw fault }
        guard isOpen else { return nil }
        do throws(BodyError) {
            while true {
                let bytes = try await source()
                if let piece = try take(bytes) { return piece }
                if !isOpen { return nil }
            }
        } catch {
            fault = error
            throw error
        }
    }

    func cancel() {
        guard isOpen else { return }
        isOpen = false
        if pool.loop.isCurrent {
            pool.discard(connection)
        } else {
            let leaving = Leaving(pool: pool, connection: connection)
            pool.loop.execute { leaving.pool.discard(leaving.connection) }
        }
    }

    private struct Leaving: @unchecked Sendable {
        let pool: DirectPool
        let connection: DirectConnection
    }

    /// What was read ahead, or the next bytes of the stream; they stand in the connection's buffer.
    private func source() async throws(BodyError) -> [UInt8] {
        if connection.hasLeftover { return connection.buffer }
        let bytes: [UInt8]
        do throws(IOError) {
            bytes = try await connection.stream.read(maxBytes: readBytes, timeout: pause)
        } catch {
            cancel()
            switch error {
            case .cancelled: throw .cancelled
            case .timedOut: throw .timedOut
            case .disconnected, .closed: throw .disconnected
            case .system(let failure): throw .failed("\(failure)")
            }
        }
        connection.offset = 0
        guard bytes.isEmpty else { return bytes }
        if framing == .untilClose {
            finish()
            return []
        }
        cancel()
        throw .disconnected
    }

    /// The body's part of the bytes from the buffer's offset on; what is left over stays in the buffer.
    private func take(_ bytes: [UInt8]) throws(BodyError) -> [UInt8]? {
        connection.buffer = []
        guard isOpen else { return nil }
        let start = connection.offset
        var piece: [UInt8]
        var end = bytes.count
        switch framing {
        case .length(let remaining):
            let count = min(Int64(end - start), remaining)
            end = start + Int(count)
            piece = start == 0 && end == bytes.count ? bytes : Array(bytes[start..<end])
            framing = .length(remaining - count)
            if remaining == count { framing = .none }
        case .chunked:
            do throws(HTTPParseError) {
                piece = try chunks.decode(bytes, from: &connection.offset)
            } catch {
                cancel()
                throw .malformed(error.reason)
            }
            end = connection.offset
            if chunks.isDone { framing = .none }
        case .untilClose:
            piece = start == 0 ? bytes : Array(bytes[start...])
        case .none:
            piece = []
        }
        if end < bytes.count {
            connection.buffer = bytes
            connection.offset = end
        } else {
            connection.offset = 0
        }
        if framing == .none { finish() }
        return piece.isEmpty ? nil : piece
    }

    private func finish() {
        guard isOpen else { return }
        isOpen = false
        if mayKeep {
            pool.giveBack(connection)
        } else {
            pool.discard(connection)
        }
    }
}
