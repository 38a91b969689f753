import Bytes
import EventLoop
import HTTP
import Posix

/// One client connection: its task reads a request, has it handled, sends the answer, and begins again.
///
/// Lives and dies on one loop. Nothing is held while it idles but this object and its parked task.
final class Connection: @unchecked Sendable {
    let stream: SocketStream
    let handler: any RequestHandler
    let limits: ServerLimits
    unowned let owner: LoopServer
    var task: Task<Void, Never>?
    /// Whether a request is being read or answered; an idle connection is closed at once by a drain.
    private(set) var isBusy = false
    var isDraining = false
    /// Whether its first request is still to come, or has come in part.
    var isFresh: Bool { requestCount == 0 }

    /// How long a drain waits for the first request of a connection: it may be on the way.
    static let drainGrace = Duration.seconds(1)

    private var buffer: [UInt8] = []
    private var requestCount = 0
    private var graceTimer: LoopTimer?
    /// Bytes sent when the client was last seen to have stopped sending.
    private var sentAtHangup: Int64 = 0

    init(_ stream: SocketStream, owner: LoopServer, handler: any RequestHandler, limits: ServerLimits) {
        self.stream = stream
        self.owner = owner
        self.handler = handler
        self.limits = limits
    }

    func run() async {
        while await serveOne() {}
        graceTimer?.invalidate()
        stream.close()
    }

    /// Serves one request; whether the connection goes on.
    private func serveOne() async -> Bool {
        isBusy = !buffer.isEmpty
        let head: RequestHead
        switch await readHead() {
        case .head(let parsed): head = parsed
        case .closed: return false
        case .refused(let error):
            isBusy = true
            await refuse(error)
            return false
        }
        isBusy = true
        requestCount += 1
        let framing: BodyLength
        do throws(HTTPParseError) {
            framing = try BodyLength.of(head)
        } catch {
            await refuse(error, head)
            return false
        }
        return await answer(head, framing)
    }

    private enum HeadResult {
        case head(RequestHead)
        case refused(HTTPParseError)
        case closed
    }

    private func readHead() async -> HeadResult {
        var parser = RequestParser(limits: limits.http)
        // A new connection owes a request within the header time; a kept one may idle.
        let isFirst = requestCount == 0 || !buffer.isEmpty
        let patience =
            isDraining
            ? min(limits.requestHeader, Self.drainGrace)
            : isFirst ? limits.requestHeader : limits.keepAliveIdle
        var deadline = stream.loop.now + patience
        var isWaitingForFirst = requestCount > 0 && buffer.isEmpty
        while true {
            do throws(HTTPParseError) {
                if !buffer.isEmpty, let head = try parser.parse(buffer) {
                    buffer.removeFirst(parser.consumed)
                    return .head(head)
                }
            } catch { return .refused(error) }
            do throws(IOError) {
                let left = deadline - stream.loop.now
                guard left > .zero else { throw IOError.timedOut }
                let bytes = try await stream.read(timeout: left)
                if bytes.isEmpty {
                    return buffer.isEmpty ? .closed : .refused(HTTPParseError(400, "the request ends within its head"))
                }
                buffer = buffer.isEmpty ? bytes : buffer + bytes
                if isWaitingForFirst {
                    isWaitingForFirst = false
                    isBusy = true
                    deadline = stream.loop.now + limits.requestHeader
                }
            } catch {
                guard error == .timedOut, !isWaitingForFirst else { return .closed }
                return .refused(HTTPParseError(408, "the request head did not come within its time"))
            }
        }
    }

    private func answer(_ head: RequestHead, _ framing: BodyLength) async -> Bool {
        let expects = head.version == .http11 && head.fields.tokens("expect").contains("100-continue")
        let body = RequestBody(framing, stream: stream, buffer: buffer, expectsContinue: expects, limits: limits)
        buffer = []
        watchClient()
        let request = ServerRequest(head: head, framing: framing, body: body, peer: stream.peer)
        let response = await handler.handle(request)
        // What is at hand is sent in any case; a stream may wait long for the backend and must not outlive its reader.
        if case .stream = response.body {} else { unwatchClient() }
        let keeps = wantsKeeping(head) && !response.closesConnection && body.isWorthDraining
        let isSent = await send(response, to: head, keeps: keeps, body: body)
        unwatchClient()
        guard isSent else { return false }
        guard keeps else {
            if !body.hasEnded || stream.isReadableHint { await linger() }
            return false
        }
        if !body.hasEnded {
            guard await body.drain() else { return false }
        }
        buffer = body.buffer
        return !isDraining
    }

    private func wantsKeeping(_ head: RequestHead) -> Bool {
        guard !isDraining, requestCount < limits.requestsPerConnection else { return false }
        let tokens = head.fields.tokens("connection")
        if tokens.contains("close") { return false }
        return head.version == .http11 || tokens.contains("keep-alive")
    }

    /// Cancels the handler when the client is gone; a client that only stopped sending gets its answer as long as the
    /// answer makes progress.
    private func watchClient() {
        stream.onHangup { [unowned self] hangup in
            if hangup == .gone {
                task?.cancel()
            } else {
                graceTimer = graceTimer ?? LoopTimer(stream.loop) { [unowned self] in cancelUnlessSending() }
                sentAtHangup = stream.sentBytes
                graceTimer?.arm(after: limits.halfClosedGrace)
            }
        }
    }

    private func unwatchClient() {
        stream.onHangup(nil)
        graceTimer?.disarm()
    }

    private func cancelUnlessSending() {
        guard stream.sentBytes > sentAtHangup else {
            task?.cancel()
            return
        }
        sentAtHangup = stream.sentBytes
        graceTimer?.arm(after: limits.halfClosedGrace)
    }

    private func refuse(_ error: HTTPParseError, _ head: RequestHead? = nil) async {
        let response = handler.rejection(
            status: error.status, reason: error.reason, head: head, peer: stream.peer)
        let isHead = head?.method == "HEAD"
        let asked = RequestHead(method: isHead ? "HEAD" : "GET", target: "/", version: .http11)
        if await send(response, to: asked, keeps: false, body: nil) { await linger() }
    }

    /// Reads and drops what the client still sends, for a bounded time, so that a reset can't overtake the answer.
    private func linger() async {
        stream.shutdownWrite()
        let deadline = stream.loop.now + limits.lingering
        while stream.loop.now < deadline {
            guard let bytes = try? await stream.read(timeout: deadline - stream.loop.now), !bytes.isEmpty else {
                return
            }
        }
    }
}
