import Bytes
import EventLoop
import HTTP

extension Connection {
    /// How a response's body goes out.
    private enum Coding {
        /// Nothing follows the head.
        case bodiless
        case length(Int64)
        case chunked
        /// HTTP/1.0 without a known length.
        case untilClose
    }

    /// Sends one response. False: the connection is of no further use (it was cut, or closed).
    func send(_ response: ServerResponse, to head: RequestHead, keeps: Bool, body: RequestBody?) async -> Bool {
        var response = response
        var first: [UInt8] = []
        var source: (any BodySource)?
        var report = ResponseReport(status: response.head.status, sentBytes: 0, receivedBytes: 0, fault: nil)
        let sendsBody = head.method != "HEAD" && response.head.status != 204 && response.head.status != 304
        switch response.body {
        case .none: break
        case .bytes(let bytes): if sendsBody { first = bytes }
        case .stream(let stream):
            guard sendsBody else { break }
            do throws(BodyError) {
                let length = stream.length
                if let piece = try await stream.next() {
                    first = piece
                    source = stream
                    if let length { source = ExactLength(stream, length, alreadyRead: piece.count) }
                } else if let length, length > 0 {
                    throw .malformed("the data ended before its length")
                }
            } catch {
                // Nothing was sent yet: an honest error instead of a cut answer.
                let completion = response.completion
                report.fault = String(describing: error)
                report.status = error == .timedOut ? 504 : 502
                response = instead(of: response, report.status, "the backend's data could not be read", head)
                response.completion = completion
                if case .bytes(let bytes) = response.body { first = bytes }
            }
        }
        let coding = coding(of: response, first: first, source: source, head: head)
        let closes = !keeps || { if case .untilClose = coding { true } else { false } }()
        let isSent = await write(response, coding, first, source, head, closes: closes, &report)
        report.receivedBytes = body?.receivedBytes ?? 0
        response.completion?(report)
        return isSent && (!closes || !keeps)
    }

    private func coding(
        of response: ServerResponse, first: [UInt8], source: (any BodySource)?, head: RequestHead
    ) -> Coding {
        if response.head.status == 204 || response.head.status == 304 { return .bodiless }
        if head.method == "HEAD" {
            return switch response.body {
            case .none: .length(0)
            case .bytes(let bytes): .length(Int64(bytes.count))
            case .stream(let stream): stream.length.map(Coding.length) ?? .bodiless
            }
        }
        guard let source else { return .length(Int64(first.count)) }
        if let rest = source.length { return .length(rest + Int64(first.count)) }
        return head.version == .http10 ? .untilClose : .chunked
    }

    private func write(
        _ response: ServerResponse, _ coding: Coding, _ first: [UInt8], _ source: (any BodySource)?,
        _ head: RequestHead, closes: Bool, _ report: inout ResponseReport
    ) async -> Bool {
        do {
            let bytes: [UInt8]
            do {
                bytes = try headBytes(response, coding, head, closes: closes)
            } catch let refusal as HeadWriter.Refusal {
                // Nothing was sent yet: an honest error instead of a reset.
                report.fault = refusal.reason
                report.status = 502
                let refusal = instead(of: response, 502, "the backend's answer holds what no header may hold", head)
                return await send(refusal, head, closes: closes, &report)
            }
            if case .chunked = coding {
                try await writeChunked(bytes, first, source, &report)
            } else {
                try await stream.write(bytes, first, timeout: limits.writeIdle)
                report.sentBytes += Int64(first.count)
                while let piece = try await source?.next() {
                    try await stream.write(piece, timeout: limits.writeIdle)
                    report.sentBytes += Int64(piece.count)
                }
            }
            return true
        } catch {
            report.fault = String(describing: error)
            // A reset, so that the client can't take what it got for the whole.
            stream.close(resetting: true)
            return false
        }
    }

    private func instead(
        of response: ServerResponse, _ status: Int, _ reason: String, _ head: RequestHead
    ) -> ServerResponse {
        response.fallback?(status, reason)
            ?? handler.rejection(status: status, reason: reason, head: head, peer: stream.peer)
    }

    /// Says that the answer cannot be told.
    private func send(
        _ refusal: ServerResponse, _ head: RequestHead, closes: Bool, _ report: inout ResponseReport
    ) async -> Bool {
        var body: [UInt8] = []
        if case .bytes(let bytes) = refusal.body { body = bytes }
        do {
            let bytes = try headBytes(refusal, .length(Int64(body.count)), head, closes: closes)
            if head.method == "HEAD" { body = [] }
            try await stream.write(bytes, body, timeout: limits.writeIdle)
            report.sentBytes += Int64(body.count)
            return true
        } catch {
            stream.close(resetting: true)
            return false
        }
    }

    private func writeChunked(
        _ head: [UInt8], _ first: [UInt8], _ source: (any BodySource)?, _ report: inout ResponseReport
    ) async throws {
        var opening = head
        var piece: [UInt8]? = first
        while let current = piece {
            opening.append(contentsOf: ChunkedEncoder.opening(current.count))
            try await stream.write(opening, current, timeout: limits.writeIdle)
            report.sentBytes += Int64(current.count)
            opening = ChunkedEncoder.closing
            piece = try await source?.next()
        }
        try await stream.write(opening + ChunkedEncoder.end, timeout: limits.writeIdle)
    }

    /// The head's bytes; throws `HeadWriter.Refusal` for one that may not cross the wire.
    private func headBytes(
        _ response: ServerResponse, _ coding: Coding, _ head: RequestHead, closes: Bool
    ) throws -> [UInt8] {
        var framing = [("Date", owner.date())]
        switch coding {
        case .bodiless: break
        case .length(let count): framing.append(("Content-Length", String(count)))
        case .chunked: framing.append(("Transfer-Encoding", "chunked"))
        case .untilClose: break
        }
        if closes {
            framing.append(("Connection", "close"))
        } else if head.version == .http10 {
            framing.append(("Connection", "keep-alive"))
        }
        return try HeadWriter.response(response.head, framing: framing)
    }
}

/// Holds a source to the length it announced: a body that ends early or runs over is an error, never a short answer.
private final class ExactLength: BodySource {
    private let source: any BodySource
    private var left: Int64

    init(_ source: any BodySource, _ length: Int64, alreadyRead: Int) {
        self.source = source
        left = length - Int64(alreadyRead)
    }

    var length: Int64? { left }

    func next() async throws(BodyError) -> [UInt8]? {
        guard left >= 0 else { throw .malformed("more data than its length") }
        guard let piece = try await source.next() else {
            if left > 0 { throw .malformed("the data ended before its length") }
            return nil
        }
        left -= Int64(piece.count)
        if left < 0 { throw .malformed("more data than its length") }
        return piece
    }
}
