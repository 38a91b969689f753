import Glibc
public import Posix

/// Accepts connections on one loop, whose thread makes, uses and releases it. When descriptors run out it pauses instead of spinning, and tries again.
public final class Listener: ReadinessHandler, @unchecked Sendable {
    private let loop: EventLoop
    private let socket: FileDescriptor
    private let onAccept: (SocketStream) -> Void
    private var registration: Registration?
    private var backOff: LoopTimer?
    private var isPaused = false
    private var isStopped = false
    /// A descriptor kept in hand, so that an important listener (administration) still gets one connection through
    /// when the process has no more.
    private var reserve: Int32 = -1
    private let keepsReserve: Bool
    /// Where it listens, with the port that the kernel chose.
    public let address: SocketAddress
    /// Times that accepting had to pause for lack of descriptors or memory.
    public private(set) var backOffCount = 0

    /// Connections taken in one go before other work gets its turn.
    private static let acceptsPerTurn = 64
    /// How soon to try again after descriptors ran out.
    private static let backOffTime = Duration.milliseconds(50)

    /// Listens at once; on the loop's thread. `onAccept` runs on the loop and usually spawns a task.
    public init(
        on address: SocketAddress, loop: EventLoop, reserve: Bool = false, onAccept: @escaping (SocketStream) -> Void
    ) throws(Errno) {
        self.loop = loop
        socket = try Socket.listen(on: address)
        self.address = Socket.localAddress(socket.raw) ?? address
        self.onAccept = onAccept
        keepsReserve = reserve
        takeReserve()
        registration = try loop.register(socket.raw, [.readable, .onChange], self)
        backOff = LoopTimer(loop) { [unowned self] in acceptAll() }
    }

    deinit {
        if let registration { loop.deregister(socket.raw, registration) }
        if reserve >= 0 { _ = Glibc.close(reserve) }
    }

    /// Leaves new connections in the kernel's queue until `resume`.
    public func pause() { isPaused = true }

    public func resume() {
        isPaused = false
        acceptAll()
    }

    /// Accepts what is queued already, which closing would reset, then listens no more.
    public func stop() {
        guard let registration else { return }
        isPaused = false
        while acceptSome() {}
        isStopped = true
        loop.deregister(socket.raw, registration)
        self.registration = nil
        backOff?.invalidate()
        backOff = nil
        // The descriptor closes with this object; shut it down now so that the port is free at once.
        shutdown(socket.raw, Int32(SHUT_RDWR))
    }

    public func becameReady(_ events: Readiness) { acceptAll() }

    private func acceptAll() {
        if acceptSome() { loop.execute { self.acceptAll() } }
    }

    /// Takes connections from the kernel's queue; whether there may be more.
    private func acceptSome() -> Bool {
        for _ in 0..<Self.acceptsPerTurn {
            // `onAccept` may pause.
            guard !isPaused, !isStopped, backOff?.isArmed != true else { return false }
            switch Socket.accept(socket.raw) {
            case .connection(let fd, let peer):
                takeReserve()
                if let stream = try? SocketStream(FileDescriptor(adopting: fd), peer: peer, loop: loop) {
                    onAccept(stream)
                }
            case .failed(EAGAIN): return false
            case .failed(EMFILE), .failed(ENFILE), .failed(ENOBUFS), .failed(ENOMEM):
                if reserve >= 0 {
                    _ = Glibc.close(reserve)
                    reserve = -1
                    continue
                }
                backOffCount += 1
                backOff?.arm(after: Self.backOffTime)
                return false
            case .failed: continue  // that one connection is gone already
            }
        }
        return true
    }

    private func takeReserve() {
        if keepsReserve, reserve < 0 { reserve = open("/dev/null", O_RDONLY | O_CLOEXEC) }
    }
}
