import CCurl
import EventLoop
import HTTP
import Posix

/// One call in libcurl: what its callbacks said, and the tasks that wait for it. Loop's thread only.
///
/// Back-pressure: a piece that nobody takes pauses the download, a missing piece pauses the upload.
final class CurlTransfer: @unchecked Sendable {
    /// What a waiting task is woken by.
    enum Wake: Sendable { case changed, timedOut, cancelled }

    let driver: CurlDriver
    private(set) var easy: UnsafeMutableRawPointer?
    private let method: String
    private let tuning: UpstreamTuning
    let timeouts: UpstreamTimeouts

    /// Received bytes that wait for their reader before the download pauses.
    private static let maxPending = 128 << 10

    // The response.
    private(set) var head: ReplyHead?
    private var headBytes: [UInt8] = []
    private var interims = 0
    /// Received and not yet taken.
    private var pending: [UInt8] = []
    private var isDownloadPaused = false
    private(set) var violation: String?
    /// libcurl's verdict once the transfer ended.
    private(set) var result: CURLcode?
    /// Bytes of the body that libcurl delivered.
    private(set) var received: Int64 = 0
    private(set) var headDeadline: MonotonicTime?

    // The request's body.
    private var piece: [UInt8] = []
    private var pieceOffset = 0
    /// Bytes of the body that libcurl has not taken yet; nil: chunked.
    private var bodyRemaining: Int64?
    private var isBodyEnded = false
    private var isBodyBroken = false
    private var isUploadPaused = false
    private(set) var isRequestSent = false
    private(set) var wasRequestStarted = false

    private var replyWaiter: UnsafeContinuation<Wake, Never>?
    private var uploadWaiter: UnsafeContinuation<Wake, Never>?
    private var replyTimer: LoopTimer?
    private var uploadTimer: LoopTimer?
    private var slots: ConnectionSlots?
    private var lists: CurlOptions.Lists?

    init(
        _ driver: CurlDriver, method: String, framing: BodyLength, tuning: UpstreamTuning, timeouts: UpstreamTimeouts
    ) {
        self.driver = driver
        self.method = method
        self.tuning = tuning
        self.timeouts = timeouts
        switch framing {
        case .none: bodyRemaining = 0
        case .length(let length): bodyRemaining = length
        case .chunked, .untilClose: bodyRemaining = nil
        }
        isBodyEnded = bodyRemaining == 0
    }

    deinit { end() }

    var isEnded: Bool { result != nil }
    /// The socket that libcurl uses for this transfer.
    var socket: CurlSockets.Use?
    /// Nothing odd was seen on the connection, as far as the head tells.
    var mayKeepConnection: Bool {
        guard let head, head.keepsAlive else { return false }
        return head.status != 204 || head.fields["content-length"] ?? "0" == "0"
    }

    /// Hands the configured handle with its lists to libcurl; both are this object's from now on.
    func start(_ easy: UnsafeMutableRawPointer, lists: CurlOptions.Lists?, slots: ConnectionSlots) -> Bool {
        self.easy = easy
        self.lists = lists
        self.slots = slots
        replyTimer = LoopTimer(driver.loop) { [unowned self] in wakeReply(.timedOut) }
        uploadTimer = LoopTimer(driver.loop) { [unowned self] in wakeUpload(.timedOut) }
        return driver.add(easy, self)
    }

    /// Takes the call out of libcurl and gives its slot back; a connection in the middle of something closes.
    func end() {
        replyTimer?.invalidate()
        uploadTimer?.invalidate()
        slots?.release()
        slots = nil
        guard let easy else { return }
        self.easy = nil
        driver.remove(easy, isReusable: result == CURLE_OK)
        lists?.free()
        lists = nil
    }

    // MARK: Tasks

    /// Waits until the response or the transfer's end moved on.
    func waitReply(_ timeout: Duration?) async -> Wake {
        let loop = driver.loop
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                replyWaiter = continuation
                if let timeout { replyTimer?.arm(after: timeout) }
            }
        } onCancel: {
            loop.execute { self.wakeReply(.cancelled) }
        }
    }

    /// Gives libcurl a piece of the body, and waits until it has taken it. Empty: the end.
    func upload(_ bytes: [UInt8]) async -> Wake {
        guard result == nil else { return .changed }
        if bytes.isEmpty { isBodyEnded = true } else { (piece, pieceOffset) = (bytes, 0) }
        resume()
        guard result == nil, !bytes.isEmpty else { return .changed }
        guard pieceOffset < piece.count else { return .changed }
        let loop = driver.loop
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                uploadWaiter = continuation
                uploadTimer?.arm(after: timeouts.betweenBytes)
            }
        } onCancel: {
            loop.execute { self.wakeUpload(.cancelled) }
        }
    }

    /// The body failed: the request must not look complete.
    func breakBody() {
        isBodyBroken = true
        resume()
        wakeReply(.changed)
    }

    /// What libcurl delivered since the last time; taking it lets a paused download go on.
    func takePiece() -> [UInt8]? {
        guard !pending.isEmpty else { return nil }
        var piece: [UInt8] = []
        swap(&piece, &pending)
        if isDownloadPaused { resume() }
        return piece
    }

    private func resume() {
        guard isDownloadPaused || isUploadPaused, let easy else { return }
        isDownloadPaused = false
        isUploadPaused = false
        curl_easy_pause(easy, CURLPAUSE_CONT)
    }

    private func wakeReply(_ wake: Wake) {
        guard let waiter = replyWaiter else { return }
        replyWaiter = nil
        replyTimer?.disarm()
        waiter.resume(returning: wake)
    }

    private func wakeUpload(_ wake: Wake) {
        guard let waiter = uploadWaiter else { return }
        uploadWaiter = nil
        uploadTimer?.disarm()
        waiter.resume(returning: wake)
    }

    func ended(_ result: CURLcode) {
        self.result = result
        wakeReply(.changed)
        wakeUpload(.changed)
    }

    // MARK: libcurl's callbacks

    /// The connection stands and the request goes out.
    func requestStarts() {
        wasRequestStarted = true
        if isBodyEnded { requestSent() }
    }

    private func requestSent() {
        guard !isRequestSent else { return }
        isRequestSent = true
        headDeadline = driver.loop.now + timeouts.head
        if head == nil, replyWaiter != nil { replyTimer?.arm(after: timeouts.head) }
    }

    /// One line of a head or of the trailers; whether libcurl may go on.
    func headLine(_ line: UnsafeRawBufferPointer) -> Bool {
        guard head == nil else {
            // Trailers are dropped, within bounds.
            headBytes.append(contentsOf: line)
            return headBytes.count <= tuning.limits.trailerBytes || violate("too long trailers")
        }
        headBytes.append(contentsOf: line)
        guard headBytes.count <= tuning.limits.headerSectionBytes + tuning.limits.startLineBytes else {
            return violate("the head is too long")
        }
        guard line.count <= 2 else { return true }
        var parser = ResponseParser(limits: tuning.limits)
        do throws(HTTPParseError) {
            guard let parsed = try parser.parse(headBytes) else { return violate("the head ends in a bare LF") }
            let head = try ReplyHead(parsed, version: parser.version, method: method)
            headBytes = []
            if head.isInterim {
                interims += 1
                return interims <= tuning.interimResponses || violate("too many interim responses")
            }
            self.head = head
        } catch {
            return violate(error.reason)
        }
        wakeReply(.changed)
        return true
    }

    private func violate(_ reason: String) -> Bool {
        violation = violation ?? reason
        return false
    }

    /// Bytes of the body; libcurl comes again with them when this says pause.
    func received(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard pending.isEmpty || pending.count + bytes.count <= Self.maxPending else {
            isDownloadPaused = true
            return Int(ccurl_write_pause)
        }
        received += Int64(bytes.count)
        pending.append(contentsOf: bytes)
        wakeReply(.changed)
        return bytes.count
    }

    /// Fills libcurl's buffer from the body.
    func supply(_ area: UnsafeMutableRawBufferPointer) -> Int {
        if isBodyBroken { return Int(ccurl_read_abort) }
        if pieceOffset < piece.count {
            let count = min(area.count, piece.count - pieceOffset)
            let range = pieceOffset..<(pieceOffset + count)
            piece.withUnsafeBytes { area.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range])) }
            pieceOffset += count
            if let remaining = bodyRemaining {
                bodyRemaining = remaining - Int64(count)
                if remaining == Int64(count) { requestSent() }
            }
            if pieceOffset == piece.count {
                piece = []
                pieceOffset = 0
                wakeUpload(.changed)
            } else if uploadWaiter != nil {
                uploadTimer?.arm(after: timeouts.betweenBytes)
            }
            return count
        }
        if isBodyEnded {
            requestSent()
            return 0
        }
        isUploadPaused = true
        return Int(ccurl_read_pause)
    }
}
