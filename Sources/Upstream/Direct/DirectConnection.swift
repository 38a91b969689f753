import EventLoop
import HTTP
import Posix

/// One HTTP/1.1 connection to an upstream with the bytes that were read ahead. Loop's thread only.
final class DirectConnection {
    let stream: SocketStream
    /// Read ahead and not yet used: from `offset` on.
    var buffer: [UInt8] = []
    var offset = 0
    /// It has carried a whole exchange before.
    var isReused = false
    /// It lies in the pool, since the given time.
    var isIdle = false
    var idleSince = MonotonicTime(nanoseconds: 0)
    /// When the response's head must be complete; nil while the request is still being sent.
    var headDeadline: MonotonicTime?

    init(_ stream: SocketStream) { self.stream = stream }

    var hasLeftover: Bool { offset < buffer.count }

    /// Neither closed nor spoken to unasked while it was idle.
    var isUsable: Bool {
        guard !stream.isClosed, stream.hangup == nil, !hasLeftover else { return false }
        guard stream.isReadableHint else { return true }
        do throws(IOError) { return try stream.tryRead() == nil } catch { return false }
    }

    /// The final response's head; interim ones are skipped, 101 is refused as nobody asked for it.
    func readHead(method: String, tuning: UpstreamTuning) async throws(TransportError) -> ReplyHead {
        var parser = ResponseParser(limits: tuning.limits)
        var interims = 0
        while true {
            if offset > 0 {
                buffer.removeFirst(offset)
                offset = 0
            }
            do throws(HTTPParseError) {
                if let parsed = try parser.parse(buffer) {
                    offset = parser.consumed
                    let head = try ReplyHead(parsed, version: parser.version, method: method)
                    if !head.isInterim { return head }
                    interims += 1
                    guard interims <= tuning.interimResponses else {
                        throw HTTPParseError(502, "too many interim responses")
                    }
                    parser = ResponseParser(limits: tuning.limits)
                    continue
                }
            } catch {
                throw .malformed(error.reason)
            }
            try await readMore(tuning.readBytes)
        }
    }

    private func readMore(_ maxBytes: Int) async throws(TransportError) {
        var limit: Duration?
        if let headDeadline {
            guard headDeadline > stream.loop.now else { throw .timedOut(.head) }
            limit = headDeadline - stream.loop.now
        }
        let bytes: [UInt8]
        do throws(IOError) {
            bytes = try await stream.read(maxBytes: maxBytes, timeout: limit)
        } catch {
            throw TransportError(error, .head, sentAnything: true)
        }
        guard !bytes.isEmpty else { throw .closed(sentAnything: true) }
        if hasLeftover {
            buffer.append(contentsOf: bytes)
        } else {
            buffer = bytes
            offset = 0
        }
    }
}
