import Bytes
import CCurl
import EventLoop
import HTTP
import Posix

/// Calls through libcurl on the caller's loop: one per endpoint and loop.
final class CurlTransport {
    private let url: UpstreamURL
    private let tuning: UpstreamTuning
    private let driver: CurlDriver
    private let slots: ConnectionSlots

    init(loop: EventLoop, url: UpstreamURL, tuning: UpstreamTuning) {
        self.url = url
        self.tuning = tuning
        driver = CurlDriver(loop: loop, tuning: tuning)
        slots = ConnectionSlots(loop: loop, count: tuning.maxConnections, maxWaiting: tuning.maxWaiting)
    }

    func send(_ call: UpstreamCall) async throws(TransportError) -> UpstreamReply {
        let timeouts = call.timeouts ?? tuning.timeouts
        let framing = CallHead.framing(of: call)
        // libcurl validates little: the head that we would write ourselves must pass.
        _ = try CallHead.bytes(call, url: url, framing: framing)
        try await slots.acquire(within: tuning.queueTime)
        let transfer = CurlTransfer(driver, method: call.method, framing: framing, tuning: tuning, timeouts: timeouts)
        guard let easy = driver.takeHandle() else {
            slots.release()
            throw .failed("no libcurl handle")
        }
        CurlCallbacks.install(transfer, on: easy)
        let lists = CurlOptions.apply(
            to: easy, call: call, url: url, framing: framing, tuning: tuning, timeouts: timeouts)
        guard transfer.start(easy, lists: lists, slots: slots), lists != nil else {
            transfer.end()
            throw .failed("libcurl refused the call")
        }
        let pump = CurlUpload(transfer, body: call.body, framing: framing)
        pump.start()
        do throws(TransportError) {
            let head = try await waitHead(transfer, pump)
            if !transfer.isRequestSent {
                guard head.status >= 300 else { throw .malformed("success before the whole body was sent") }
                await pump.abandon()
            }
            return UpstreamReply(
                status: head.status, fields: head.fields, body: CurlReplyBody(transfer, framing: head.framing))
        } catch {
            await pump.abandon()
            transfer.end()
            throw error
        }
    }

    private func waitHead(_ transfer: CurlTransfer, _ pump: CurlUpload) async throws(TransportError) -> ReplyHead {
        while true {
            if let failure = pump.failure { throw failure }
            // A reply without a body is handed out when libcurl is through with it, so that its connection is kept.
            if let head = transfer.head, head.framing != .none || !transfer.isRequestSent || transfer.isEnded {
                if transfer.isEnded, head.framing == .none, let failure = Self.failure(of: transfer) { throw failure }
                return head
            }
            if transfer.isEnded { throw Self.failure(of: transfer) ?? .closed(sentAnything: true) }
            var limit: Duration?
            if let deadline = transfer.headDeadline {
                guard deadline > driver.loop.now else { throw .timedOut(.head) }
                limit = deadline - driver.loop.now
            }
            switch await transfer.waitReply(limit) {
            case .changed: continue
            case .timedOut: throw .timedOut(.head)
            case .cancelled: throw .cancelled
            }
        }
    }

    /// What libcurl's verdict means; nil: it is content.
    static func failure(of transfer: CurlTransfer) -> TransportError? {
        guard let result = transfer.result, result != CURLE_OK else { return nil }
        if let violation = transfer.violation { return .malformed(violation) }
        let text = String(cString: curl_easy_strerror(result))
        switch result {
        case CURLE_COULDNT_RESOLVE_HOST: return .resolveFailed(text)
        case CURLE_COULDNT_CONNECT: return .connectFailed(text)
        case CURLE_OPERATION_TIMEDOUT: return .timedOut(.connect)
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CIPHER,
            CURLE_SSL_CERTPROBLEM, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_USE_SSL_FAILED:
            return .tlsFailed(text)
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND:
            return .closed(sentAnything: transfer.wasRequestStarted)
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
            return .malformed(text)
        default: return .failed("libcurl: \(text)")
        }
    }
}
