import CCurl
import EventLoop
import Glibc

/// The descriptors of one multi handle in the loop's epoll set.
///
/// libcurl watches no idle connection, and 7.88 takes bytes that an upstream sent unasked for the next call's answer.
/// So idle ones are watched here, and shut down at the first sign of life: libcurl then finds them dead.
final class CurlSockets {
    private let loop: EventLoop
    weak var driver: CurlDriver?
    private var sockets: [Int32: CurlSocket] = [:]
    /// Descriptors that libcurl has open, with a number that tells uses of the same descriptor apart.
    private var opened: [Int32: UInt64] = [:]
    private var openings: UInt64 = 0

    init(_ loop: EventLoop) { self.loop = loop }

    /// A descriptor as it was when a transfer used it.
    struct Use: Equatable {
        var fd: Int32
        var opening: UInt64
    }

    /// What libcurl wants to know of a descriptor now.
    func watch(_ fd: Int32, _ what: Int32) -> Use? {
        guard what != CURL_POLL_REMOVE else {
            forget(fd)
            return nil
        }
        if opened[fd] == nil {
            openings += 1
            opened[fd] = openings
        }
        var interest: Readiness = []
        if what == CURL_POLL_IN || what == CURL_POLL_INOUT { interest.insert(.readable) }
        if what == CURL_POLL_OUT || what == CURL_POLL_INOUT { interest.insert(.writable) }
        set(fd, interest, isIdle: false)
        return opened[fd].map { Use(fd: fd, opening: $0) }
    }

    /// A transfer on this descriptor ended well or not; libcurl may keep the connection.
    func finished(_ use: Use?, mayKeep: Bool) {
        guard let use, opened[use.fd] == use.opening else { return }
        if mayKeep { set(use.fd, [.readable, .peerClosed], isIdle: true) } else { quench(use.fd) }
    }

    /// libcurl closes the descriptor, here and now.
    func close(_ fd: Int32) -> Int32 {
        forget(fd)
        opened[fd] = nil
        return Glibc.close(fd)
    }

    fileprivate func act(_ socket: CurlSocket, _ mask: Int32) {
        if socket.isIdle { quench(socket.fd) } else { driver?.act(socket.fd, mask) }
    }

    private func quench(_ fd: Int32) {
        forget(fd)
        shutdown(fd, Int32(SHUT_RDWR))
    }

    private func set(_ fd: Int32, _ interest: Readiness, isIdle: Bool) {
        if let socket = sockets[fd] {
            socket.isIdle = isIdle
            try? loop.modify(fd, interest, socket.registration)
        } else {
            let socket = CurlSocket(fd, self)
            socket.isIdle = isIdle
            guard let registration = try? loop.register(fd, interest, socket) else { return }
            socket.registration = registration
            sockets[fd] = socket
        }
    }

    private func forget(_ fd: Int32) {
        if let socket = sockets.removeValue(forKey: fd) { loop.deregister(fd, socket.registration) }
    }
}

/// One descriptor of libcurl's.
private final class CurlSocket: ReadinessHandler {
    let fd: Int32
    private unowned let sockets: CurlSockets
    var registration = Registration.none
    var isIdle = false

    init(_ fd: Int32, _ sockets: CurlSockets) {
        self.fd = fd
        self.sockets = sockets
    }

    func becameReady(_ events: Readiness) {
        var mask: Int32 = 0
        if !events.isDisjoint(with: [.readable, .hungUp]) { mask |= CURL_CSELECT_IN }
        if events.contains(.writable) { mask |= CURL_CSELECT_OUT }
        if events.contains(.failed) { mask |= CURL_CSELECT_ERR }
        sockets.act(self, mask)
    }
}
