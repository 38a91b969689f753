import Bytes
import EventLoop
import HTTP

/// Plain HTTP/1.1 on the loop's own sockets: one per endpoint and loop.
final class DirectTransport {
    private let url: UpstreamURL
    private let tuning: UpstreamTuning
    private let pool: DirectPool

    init(loop: EventLoop, url: UpstreamURL, tuning: UpstreamTuning) {
        self.url = url
        self.tuning = tuning
        pool = DirectPool(loop: loop, url: url, tuning: tuning)
    }

    func send(_ call: UpstreamCall) async throws(TransportError) -> UpstreamReply {
        let timeouts = call.timeouts ?? tuning.timeouts
        let framing = CallHead.framing(of: call)
        let head = try CallHead.bytes(call, url: url, framing: framing)
        let connection = try await pool.take(fresh: call.startsFresh, timeouts: timeouts)
        // The body is asked for only when the upstream is there to take it.
        let first: [UInt8]?
        do throws(BodyError) {
            first = try await CallBody.firstPiece(of: call.body)
        } catch {
            pool.discard(connection)
            throw error == .cancelled ? .cancelled : .clientBody(error)
        }
        if let reply = try await attempt(call, connection, head, framing, first, timeouts) { return reply }
        let fresh = try await pool.take(fresh: true, timeouts: timeouts)
        if let reply = try await attempt(call, fresh, head, framing, first, timeouts) { return reply }
        throw .closed(sentAnything: true)
    }

    /// One exchange on a connection; nil when a kept connection turned out dead and the call may be sent again.
    private func attempt(
        _ call: UpstreamCall, _ connection: DirectConnection, _ head: [UInt8], _ framing: BodyLength,
        _ first: [UInt8]?, _ timeouts: UpstreamTimeouts
    ) async throws(TransportError) -> UpstreamReply? {
        let stream = connection.stream
        let (sentBefore, receivedBefore) = (stream.sentBytes, stream.receivedBytes)
        let upload = Upload(connection, head: head, framing: framing, call: call, timeouts: timeouts)
        let failure: TransportError
        do throws(TransportError) {
            return try await exchange(call, connection, upload, first, timeouts)
        } catch {
            failure = error
        }
        await upload.abandon()
        let isUntouched = stream.sentBytes == sentBefore
        let mayRepeat = isUntouched || call.isRetryable && stream.receivedBytes == receivedBefore
        pool.discard(connection, resetting: upload.outcome != .finished)
        if failure.isClosed, connection.isReused, mayRepeat { return nil }
        throw Self.blame(failure, upload.outcome, isUntouched: isUntouched)
    }

    private func exchange(
        _ call: UpstreamCall, _ connection: DirectConnection, _ upload: Upload, _ first: [UInt8]?,
        _ timeouts: UpstreamTimeouts
    ) async throws(TransportError) -> UpstreamReply {
        await upload.start(first)
        let head = try await connection.readHead(method: call.method, tuning: tuning)
        let isEarly = upload.outcome != .finished
        if isEarly {
            guard head.status >= 300 else { throw .malformed("success before the whole body was sent") }
            await upload.abandon()
        }
        let body = DirectReplyBody(
            head, connection: connection, pool: pool, mayKeep: !isEarly, pause: timeouts.betweenBytes,
            tuning: tuning)
        return UpstreamReply(status: head.status, fields: head.fields, body: body)
    }

    /// Whose fault it was, when the sending side failed first.
    private static func blame(_ error: TransportError, _ outcome: Upload.Outcome, isUntouched: Bool) -> TransportError {
        if error == .cancelled { return error }
        switch outcome {
        case .bodyFailed(.cancelled): return error
        case .bodyFailed(let failure): return .clientBody(failure)
        case .sendFailed(let failure): return TransportError(failure, .sending, sentAnything: !isUntouched)
        case .running, .finished: return error
        }
    }
}
