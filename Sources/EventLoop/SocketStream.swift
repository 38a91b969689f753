import CLinux
import Glibc
public import Posix

/// A connected stream socket of one loop: at most one task reads and one writes at a time.
///
/// Loop-bound: every call and the last release happen on the loop's thread. It is Sendable only so that a task
/// started on that loop may take it along. Reads and writes first try the call and wait only if the kernel would
/// block; a wait ends by readiness, time-out, cancellation of the waiting task, or `close`.
public final class SocketStream: ReadinessHandler, @unchecked Sendable {
    /// What the peer did to the connection.
    public enum Hangup: Sendable, Equatable {
        /// It will send no more, but may still read (half-close).
        case peerClosed
        /// The connection is gone in both directions.
        case gone
    }

    public let loop: EventLoop
    public let peer: SocketAddress
    /// Bytes moved since the stream was made.
    public private(set) var receivedBytes: Int64 = 0
    public private(set) var sentBytes: Int64 = 0
    /// What the kernel reported so far; nil while both directions live.
    public private(set) var hangup: Hangup?
    /// The descriptor's number, for TLS or splice; negative once closed.
    public private(set) var fd: Int32

    private var registration = Registration.none
    private var mayRead = true
    private var mayWrite: Bool
    private var hangupAction: ((Hangup) -> Void)?
    private var isBulk = false
    var reader = StreamWaiter()
    var writer = StreamWaiter()

    /// Reads larger than this go straight into their own buffer from the next read on.
    private static let bulkBytes = 16 << 10
    public static let defaultReadBytes = 64 << 10

    /// Takes over a non-blocking connected descriptor on its loop's thread.
    public convenience init(_ descriptor: consuming FileDescriptor, peer: SocketAddress, loop: EventLoop)
        throws(Errno)
    {
        try self.init(descriptor, peer: peer, loop: loop, isConnected: true)
    }

    init(_ descriptor: consuming FileDescriptor, peer: SocketAddress, loop: EventLoop, isConnected: Bool)
        throws(Errno)
    {
        self.loop = loop
        self.peer = peer
        mayWrite = isConnected
        mayRead = isConnected
        fd = -1
        registration = try loop.register(descriptor.raw, .stream, self)
        fd = descriptor.release()
    }

    deinit {
        guard fd >= 0 else { return }
        if loop.isCurrent {
            close()
        } else {
            // Only a leak of the owner's leads here: let the loop close it.
            let (loop, fd, registration) = (loop, fd, registration)
            loop.execute {
                loop.deregister(fd, registration, isClosing: true)
                _ = Glibc.close(fd)
            }
        }
    }

    public var isClosed: Bool { fd < 0 }

    /// Bytes or the end may be waiting: a read would probably not block. False positives happen, false negatives
    /// only until the loop's next turn.
    public var isReadableHint: Bool { mayRead }

    // MARK: Reading

    /// The next bytes, at most `maxBytes`; empty at the end of the stream. `timeout` counts from the start of the
    /// wait.
    public func read(maxBytes: Int = defaultReadBytes, timeout: Duration? = nil) async throws(IOError) -> [UInt8] {
        while true {
            if let bytes = try tryRead(maxBytes: maxBytes) { return bytes }
            try await wait(.read, timeout)
        }
    }

    /// What can be read without waiting: nil when nothing is there, empty at the end of the stream.
    public func tryRead(maxBytes: Int = defaultReadBytes) throws(IOError) -> [UInt8]? {
        guard fd >= 0 else { throw .closed }
        guard mayRead else { return nil }
        var result = 0
        var bytes: [UInt8]
        if isBulk || maxBytes > loop.scratch.count {
            bytes = [UInt8](unsafeUninitializedCapacity: maxBytes) { buffer, count in
                result = receive(UnsafeMutableRawBufferPointer(buffer))
                count = max(result, 0)
            }
        } else {
            let area = UnsafeMutableRawBufferPointer(rebasing: loop.scratch.prefix(maxBytes))
            result = receive(area)
            bytes = result > 0 ? [UInt8](area.prefix(result)) : []
        }
        if result < 0 {
            let number = errno
            if number == EAGAIN {
                mayRead = false
                return nil
            }
            throw IOError(number, "recv")
        }
        receivedBytes += Int64(result)
        isBulk = result >= Self.bulkBytes
        // A short read drained the socket; the next byte is a change that epoll reports (epoll(7), edge-triggered).
        if result > 0, result < maxBytes, hangup == nil { mayRead = false }
        return bytes
    }

    private func receive(_ area: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            let count = recv(fd, area.baseAddress, area.count, 0)
            if count >= 0 || errno != EINTR { return count }
        }
    }

    /// Waits until a read would not block.
    public func waitReadable(timeout: Duration? = nil) async throws(IOError) {
        while !mayRead { try await wait(.read, timeout) }
        guard fd >= 0 else { throw .closed }
    }

    /// Waits until a write would not block.
    public func waitWritable(timeout: Duration? = nil) async throws(IOError) {
        while !mayWrite { try await wait(.write, timeout) }
        guard fd >= 0 else { throw .closed }
    }

    /// Waits until bytes are there or may be sent, whichever comes first. No other task may be reading or writing.
    public func waitReadableOrWritable(timeout: Duration? = nil) async throws(IOError) {
        while !mayRead && !mayWrite { try await wait(.either, timeout) }
        guard fd >= 0 else { throw .closed }
    }

    /// The kernel said that it would block: for callers that read or write `fd` themselves (TLS, splice).
    public func wouldBlock(reading: Bool) {
        if reading { mayRead = false } else { mayWrite = false }
    }

    // MARK: Writing

    /// Sends all bytes; `timeout` is the longest pause without progress.
    public func write(_ bytes: [UInt8], timeout: Duration? = nil) async throws(IOError) {
        try await write(bytes, [], timeout: timeout)
    }

    /// Sends all pieces with as few calls and packets as possible.
    public func write(
        _ head: [UInt8], _ body: [UInt8], _ tail: [UInt8] = [], timeout: Duration? = nil
    ) async throws(IOError) {
        var offset = 0
        while offset < head.count + body.count + tail.count {
            let sent = try tryWrite(head, body, tail, from: offset)
            offset += sent
            if sent == 0 { try await wait(.write, timeout) }
        }
    }

    /// Sends what the kernel takes now of the pieces, behind the first `offset` bytes; 0: it would block.
    public func tryWrite(
        _ head: [UInt8], _ body: [UInt8] = [], _ tail: [UInt8] = [], from offset: Int = 0
    ) throws(IOError) -> Int {
        guard fd >= 0 else { throw .closed }
        guard mayWrite else { return 0 }
        let headOffset = min(offset, head.count)
        let bodyOffset = min(offset - headOffset, body.count)
        let tailOffset = min(offset - headOffset - bodyOffset, tail.count)
        let total = head.count + body.count + tail.count - headOffset - bodyOffset - tailOffset
        while true {
            let sent = head.withUnsafeBytes { head in
                body.withUnsafeBytes { body in
                    tail.withUnsafeBytes { tail in
                        // An empty array may have no base address.
                        clinux_send3(
                            fd, head.baseAddress.map { $0 + headOffset }, head.count - headOffset,
                            body.baseAddress.map { $0 + bodyOffset }, body.count - bodyOffset,
                            tail.baseAddress.map { $0 + tailOffset }, tail.count - tailOffset)
                    }
                }
            }
            if sent >= 0 {
                if sent < total { mayWrite = false }
                sentBytes += Int64(sent)
                return sent
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                mayWrite = false
                return 0
            case let number: throw IOError(number, "send")
            }
        }
    }

    // MARK: Ending

    /// Tells the peer that no more bytes come; reading goes on.
    public func shutdownWrite() {
        if fd >= 0 { shutdown(fd, Int32(SHUT_WR)) }
    }

    /// Closes the descriptor and ends all waits with `.closed`. `resetting`: the peer gets a reset, so that it can't
    /// take a cut message for a whole one. Closing twice is harmless.
    public func close(resetting: Bool = false) {
        guard fd >= 0 else { return }
        if resetting { Socket.resetOnClose(fd) }
        loop.deregister(fd, registration, isClosing: true)
        _ = Glibc.close(fd)
        fd = -1
        hangupAction = nil
        reader.end(.closed)
        writer.end(.closed)
        reader.timer?.invalidate()
        writer.timer?.invalidate()
    }

    /// Calls `action` when the peer closes or the connection breaks, also while a task reads; at once if it already did.
    /// At most one call for each kind; nil stops it.
    public func onHangup(_ action: ((Hangup) -> Void)?) {
        hangupAction = action
        if let hangup { action?(hangup) }
    }

    // MARK: From the loop

    public func becameReady(_ events: Readiness) {
        let broken = !events.isDisjoint(with: [.hungUp, .failed])
        if broken || !events.isDisjoint(with: [.readable, .peerClosed]) {
            mayRead = true
            reader.end(.ready)
        }
        if broken || events.contains(.writable) {
            mayWrite = true
            if reader.wantsEither { reader.end(.ready) }
            writer.end(.ready)
        }
        let now: Hangup? = broken ? .gone : events.contains(.peerClosed) ? .peerClosed : nil
        if let now, now != hangup {
            hangup = now
            hangupAction?(now)
        }
    }
}
