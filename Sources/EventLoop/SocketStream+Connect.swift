import Glibc
public import Posix

extension SocketStream {
    /// Connects without blocking, on the loop that the caller runs on. Errors as the kernel names them
    /// (`.system` with ECONNREFUSED, EHOSTUNREACH...), `.timedOut` after `timeout`.
    public static func connect(to address: SocketAddress, timeout: Duration?) async throws(IOError) -> SocketStream {
        guard let loop = EventLoop.current else { preconditionFailure("connect is called on a loop") }
        let stream: SocketStream
        do throws(Errno) {
            let socket = try Socket.open(family: address.family)
            if address.family != AF_UNIX { Socket.setNoDelay(socket.raw) }
            let failure = Socket.connect(socket.raw, to: address)
            if let failure, failure.number != EINPROGRESS { throw failure }
            stream = try SocketStream(socket, peer: address, loop: loop, isConnected: failure == nil)
        } catch {
            throw .system(error)
        }
        do throws(IOError) {
            try await stream.waitWritable(timeout: timeout)
        } catch {
            stream.close()
            throw error
        }
        let number = Socket.pendingError(stream.fd)
        guard number == 0 else {
            stream.close()
            throw number == ETIMEDOUT ? .timedOut : .system(Errno(number, "connect"))
        }
        return stream
    }
}
