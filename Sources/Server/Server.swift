public import EventLoop
public import Posix
import Synchronization

/// The HTTP/1.1 server: listeners on every loop, one task a connection.
public final class Server: Sendable {
    private let loops: [LoopServer]
    private let remaining: Atomic<Int>

    public init(group: EventLoopGroup, handler: any RequestHandler, limits: ServerLimits = ServerLimits()) {
        let share = max(1, limits.maximumConnections / group.loops.count)
        loops = group.loops.map { LoopServer($0, handler: handler, limits: limits, maximumConnections: share) }
        remaining = Atomic(group.loops.count)
    }

    /// Listens on the address with every loop (the kernel spreads connections over them).
    ///
    /// - Returns: the address with the port that the kernel chose when the given one is 0.
    /// - Throws: the refusal of the first loop's socket, for instance when the port is taken.
    public func listen(on address: SocketAddress) async throws(Errno) -> SocketAddress {
        var actual = address
        for server in loops {
            let wanted = actual
            let result: Result<SocketAddress, Errno> = await server.loop.spawn {
                do throws(Errno) { return .success(try server.listen(on: wanted)) } catch { return .failure(error) }
            }.value
            actual = try result.get()
        }
        return actual
    }

    /// Drains: no new connections, idle ones closed, running requests finished with `Connection: close`; what is left after
    /// `hardLimit` is cut. `done` runs once, on some loop.
    public func drain(hardLimit: Duration, done: @escaping @Sendable () -> Void) {
        for server in loops {
            server.loop.execute {
                let limit = LoopTimer(server.loop) { server.cut() }
                limit.arm(after: hardLimit)
                server.drain {
                    limit.invalidate()
                    if self.remaining.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { done() }
                }
            }
        }
    }

    /// Cuts everything that still runs: the second signal.
    public func cut() {
        for server in loops { server.loop.execute { server.cut() } }
    }
}
