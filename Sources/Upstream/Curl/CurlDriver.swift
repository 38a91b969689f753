import CCurl
import EventLoop
import Glibc
import Posix

/// One libcurl multi handle on a loop: its sockets stand level-triggered in the loop's epoll set (libcurl does not
/// drain them), its timer is the loop's. Loop's thread only.
final class CurlDriver {
    let loop: EventLoop
    private let multi: UnsafeMutableRawPointer?
    private var timer: LoopTimer?
    private let sockets: CurlSockets
    private var isKickPosted = false
    /// Handles ready for another call; a reset handle keeps no option and no connection of its own.
    private var spare: [UnsafeMutableRawPointer] = []

    private static let maxSpare = 32
    /// Once per process, before the first handle.
    private static let isInitialized: Bool = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    init(loop: EventLoop, tuning: UpstreamTuning) {
        self.loop = loop
        sockets = CurlSockets(loop)
        multi = Self.isInitialized ? curl_multi_init() : nil
        timer = LoopTimer(loop) { [unowned self] in act(CURL_SOCKET_TIMEOUT, 0) }
        sockets.driver = self
        guard let multi else { return }
        _ = ccurl_multi_set_callbacks(multi, onSocket, onTimer, Unmanaged.passUnretained(self).toOpaque())
        _ = ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, tuning.maxIdle)
        _ = ccurl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
    }

    deinit {
        timer?.invalidate()
        for easy in spare { curl_easy_cleanup(easy) }
        guard let multi else { return }
        sockets.driver = nil
        _ = ccurl_multi_set_callbacks(multi, nil, nil, nil)
        curl_multi_cleanup(multi)
    }

    /// A handle without options; nil when memory ran out.
    func takeHandle() -> UnsafeMutableRawPointer? { spare.popLast() ?? curl_easy_init() }

    /// Starts the transfer; its object must live until `remove`.
    func add(_ easy: UnsafeMutableRawPointer, _ transfer: CurlTransfer) -> Bool {
        guard let multi else { return false }
        _ = ccurl_set_pointer(easy, CURLOPT_PRIVATE, Unmanaged.passUnretained(transfer).toOpaque())
        _ = ccurl_set_close(easy, onClose, Unmanaged.passUnretained(sockets).toOpaque())
        return curl_multi_add_handle(multi, easy) == CURLM_OK
    }

    /// Ends the transfer; a connection that is in the middle of something closes.
    func remove(_ easy: UnsafeMutableRawPointer, isReusable: Bool) {
        if let multi { curl_multi_remove_handle(multi, easy) }
        if isReusable, spare.count < Self.maxSpare {
            curl_easy_reset(easy)
            spare.append(easy)
        } else {
            curl_easy_cleanup(easy)
        }
    }

    /// Lets libcurl act on a descriptor or on its clock, and tells the transfers that ended.
    func act(_ fd: Int32, _ events: Int32) {
        guard let multi else { return }
        var running: Int32 = 0
        curl_multi_socket_action(multi, fd, events, &running)
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let result = ccurl_result(message)
            guard let pointer = ccurl_private(easy) else { continue }
            let transfer = Unmanaged<CurlTransfer>.fromOpaque(pointer).takeUnretainedValue()
            sockets.finished(transfer.socket, mayKeep: result == CURLE_OK && transfer.mayKeepConnection)
            transfer.ended(result)
        }
    }

    // MARK: Called back by libcurl, inside a call of ours: only note, never call it.

    fileprivate func watch(_ fd: Int32, _ what: Int32, _ easy: UnsafeMutableRawPointer?) {
        guard let use = sockets.watch(fd, what), let easy, let pointer = ccurl_private(easy) else { return }
        Unmanaged<CurlTransfer>.fromOpaque(pointer).takeUnretainedValue().socket = use
    }

    fileprivate func setTimer(_ milliseconds: Int) {
        if milliseconds < 0 {
            timer?.disarm()
        } else if milliseconds == 0 {
            timer?.disarm()
            kick()
        } else {
            timer?.arm(after: .milliseconds(milliseconds))
        }
    }

    /// At once, but not inside libcurl.
    private func kick() {
        guard !isKickPosted else { return }
        isKickPosted = true
        let posted = Posted(driver: self)
        loop.execute {
            guard let driver = posted.driver else { return }
            driver.isKickPosted = false
            driver.act(CURL_SOCKET_TIMEOUT, 0)
        }
    }

    private struct Posted: @unchecked Sendable { weak var driver: CurlDriver? }
}

private func onSocket(
    _ easy: UnsafeMutableRawPointer?, _ fd: curl_socket_t, _ what: Int32, _ driver: UnsafeMutableRawPointer?,
    _ socket: UnsafeMutableRawPointer?
) -> Int32 {
    guard let driver else { return 0 }
    Unmanaged<CurlDriver>.fromOpaque(driver).takeUnretainedValue().watch(fd, what, easy)
    return 0
}

private func onTimer(
    _ multi: UnsafeMutableRawPointer?, _ milliseconds: Int, _ driver: UnsafeMutableRawPointer?
) -> Int32 {
    guard let driver else { return 0 }
    Unmanaged<CurlDriver>.fromOpaque(driver).takeUnretainedValue().setTimer(milliseconds)
    return 0
}

private func onClose(_ sockets: UnsafeMutableRawPointer?, _ fd: curl_socket_t) -> Int32 {
    guard let sockets else { return close(fd) }
    return Unmanaged<CurlSockets>.fromOpaque(sockets).takeUnretainedValue().close(fd)
}
