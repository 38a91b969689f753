import CLinux
import Glibc

/// Creating and adjusting stream sockets; all are non-blocking and close on exec.
public enum Socket {
    /// A listening socket. TCP ports are bound with SO_REUSEPORT, so that each loop has its own queue; accepted
    /// sockets inherit TCP_NODELAY. A stale unix path is removed first.
    public static func listen(
        on address: SocketAddress, backlog: Int32 = 1024, reusePort: Bool = true
    ) throws(Errno) -> FileDescriptor {
        let socket = try open(family: address.family)
        if case .unix(let path) = address {
            var status = stat()
            if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unlink(path) }
        } else {
            try set(socket.raw, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR")
            if reusePort { try set(socket.raw, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT") }
            try set(socket.raw, Int32(IPPROTO_TCP), TCP_NODELAY, 1, "TCP_NODELAY")
            if address.family == AF_INET6 { try set(socket.raw, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1, "IPV6_V6ONLY") }
        }
        guard address.withSockaddr({ Glibc.bind(socket.raw, $0, $1) }) == 0 else { throw Errno.last("bind") }
        guard Glibc.listen(socket.raw, backlog) == 0 else { throw Errno.last("listen") }
        return socket
    }

    /// An unconnected stream socket.
    public static func open(family: Int32) throws(Errno) -> FileDescriptor {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        return try FileDescriptor(Glibc.socket(family, kind, 0), from: "socket")
    }

    /// Starts to connect; nil when the connection stands already, else the number to judge (EINPROGRESS: wait until
    /// writable, then ask `pendingError`).
    public static func connect(_ fd: Int32, to address: SocketAddress) -> Errno? {
        address.withSockaddr { Glibc.connect(fd, $0, $1) } == 0 ? nil : Errno.last("connect")
    }

    /// The error that the socket keeps for its owner, and clears.
    public static func pendingError(_ fd: Int32) -> Int32 {
        var number: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &length) == 0 ? number : errno
    }

    public static func setNoDelay(_ fd: Int32) {
        try? set(fd, Int32(IPPROTO_TCP), TCP_NODELAY, 1, "TCP_NODELAY")
    }

    /// Makes the coming close send a reset: the peer must not take what it has for a whole message.
    public static func resetOnClose(_ fd: Int32) {
        var value = linger(l_onoff: 1, l_linger: 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    /// The address this end is bound to (with the port that the kernel chose for port 0).
    public static func localAddress(_ fd: Int32) -> SocketAddress? {
        SocketAddress.filled { getsockname(fd, $0, $1) }
    }

    public static func peerAddress(_ fd: Int32) -> SocketAddress? {
        SocketAddress.filled { getpeername(fd, $0, $1) }
    }

    /// The next queued connection, or the error number (EAGAIN: none).
    public static func accept(_ fd: Int32) -> Accepted {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let accepted = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { clinux_accept(fd, $0, &length) }
        }
        guard accepted >= 0 else { return .failed(errno) }
        return .connection(accepted, SocketAddress(kernel: storage, length: length) ?? .unix(""))
    }

    /// What `accept` gave: a descriptor that the receiver owns, or an error number.
    public enum Accepted {
        case connection(Int32, SocketAddress)
        case failed(Int32)
    }

    private static func set(_ fd: Int32, _ level: Int32, _ option: Int32, _ value: Int32, _ name: String)
        throws(Errno)
    {
        var value = value
        guard setsockopt(fd, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw Errno.last("setsockopt \(name)")
        }
    }
}
