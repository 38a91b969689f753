import Bytes
import EventLoop
import HTTP
import Posix

/// The body of one request on its connection: pulled, limited in time, its end proven by its framing.
final class RequestBody: BodySource {
    private enum Framing {
        case length(Int64)
        case chunked(ChunkedDecoder)
        case ended
        case failed(BodyError)
    }

    private let stream: SocketStream
    private let limits: ServerLimits
    private var framing: Framing
    /// Bytes read beyond what was consumed; the next request's when the body has ended.
    private(set) var buffer: [UInt8]
    private var owesContinue: Bool
    private var waited = Duration.zero
    private(set) var receivedBytes: Int64 = 0

    private static let continueHead = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    init(_ length: BodyLength, stream: SocketStream, buffer: [UInt8], expectsContinue: Bool, limits: ServerLimits) {
        self.stream = stream
        self.buffer = buffer
        self.limits = limits
        switch length {
        case .length(let count) where count > 0: framing = .length(count)
        case .chunked: framing = .chunked(ChunkedDecoder(limits: limits.http))
        default: framing = .ended
        }
        owesContinue = expectsContinue && buffer.isEmpty
    }

    var hasEnded: Bool { if case .ended = framing { true } else { false } }

    /// Whether the rest may be read and dropped so that the connection lives on: the client is not waiting to be asked
    /// for it, nothing is broken, and it is not large.
    var isWorthDraining: Bool {
        guard !owesContinue else { return false }
        return switch framing {
        case .ended: true
        case .failed: false
        case .length(let left): left <= limits.unreadBodyBytes
        case .chunked: true
        }
    }

    var length: Int64? {
        switch framing {
        case .length(let left): left
        case .ended: 0
        case .chunked, .failed: nil
        }
    }

    func next() async throws(BodyError) -> [UInt8]? {
        if case .failed(let error) = framing { throw error }
        do throws(BodyError) {
            return try await pull()
        } catch {
            framing = .failed(error)
            throw error
        }
    }

    private func pull() async throws(BodyError) -> [UInt8]? {
        while true {
            if !buffer.isEmpty, let piece = try decodeBuffer(), !piece.isEmpty {
                receivedBytes += Int64(piece.count)
                return piece
            }
            if hasEnded { return nil }
            if buffer.isEmpty { buffer = try await read() }
        }
    }

    /// Takes what belongs to this body from the buffer.
    private func decodeBuffer() throws(BodyError) -> [UInt8]? {
        switch framing {
        case .ended, .failed: return nil
        case .length(let left):
            let piece: [UInt8]
            if Int64(buffer.count) <= left {
                piece = buffer
                buffer = []
            } else {
                piece = Array(buffer[..<Int(left)])
                buffer.removeFirst(Int(left))
            }
            let rest = left - Int64(piece.count)
            framing = rest == 0 ? .ended : .length(rest)
            return piece
        case .chunked(var decoder):
            var position = 0
            let input = buffer
            do throws(HTTPParseError) {
                let piece = try decoder.decode(input, from: &position)
                buffer = position == input.count ? [] : Array(input[position...])
                framing = decoder.isDone ? .ended : .chunked(decoder)
                return piece
            } catch {
                throw error.status == 400 ? .malformed(error.reason) : .tooLarge(error.reason)
            }
        }
    }

    private func read() async throws(BodyError) -> [UInt8] {
        do throws(IOError) {
            if owesContinue {
                owesContinue = false
                try await stream.write(Self.continueHead, timeout: limits.writeIdle)
            }
            if let ready = try stream.tryRead(maxBytes: limits.readBytes) { return try nonEmpty(ready) }
            let start = stream.loop.now
            let bytes = try await stream.read(maxBytes: limits.readBytes, timeout: limits.bodyIdle)
            waited += stream.loop.now - start
            if waited > limits.bodyIdle, isTooSlow { throw IOError.timedOut }
            return try nonEmpty(bytes)
        } catch {
            switch error {
            case .timedOut: throw .timedOut
            case .cancelled: throw .cancelled
            default: throw .disconnected
            }
        }
    }

    private func nonEmpty(_ bytes: [UInt8]) throws(IOError) -> [UInt8] {
        if bytes.isEmpty { throw .disconnected }
        return bytes
    }

    /// Counted over the time spent waiting for the client, not the time the backend took.
    private var isTooSlow: Bool {
        Double(receivedBytes) < Double(limits.minimumBodyRate) * (waited / Duration.seconds(1))
    }

    /// Reads and drops the rest within the given bounds: whether the end was reached.
    func drain() async -> Bool {
        var left = limits.unreadBodyBytes
        let deadline = stream.loop.now + limits.lingering
        while !hasEnded {
            guard left > 0, stream.loop.now < deadline else { return false }
            if buffer.isEmpty {
                do throws(IOError) {
                    let left = deadline - stream.loop.now
                    buffer = try nonEmpty(try await stream.read(maxBytes: limits.readBytes, timeout: left))
                } catch { return false }
            }
            left -= Int64(buffer.count)
            do throws(BodyError) { _ = try decodeBuffer() } catch { return false }
        }
        return true
    }
}
