import EventLoop
import Posix

/// The connections of one endpoint on one loop. A connection goes back only if nothing odd happened on it; the last
/// used is the next used. Loop's thread only.
final class DirectPool {
    let loop: EventLoop
    private let tuning: UpstreamTuning
    private let slots: ConnectionSlots
    private let book: AddressBook
    private var idle: [DirectConnection] = []
    private var sweeper: LoopTimer?

    init(loop: EventLoop, url: UpstreamURL, tuning: UpstreamTuning) {
        self.loop = loop
        self.tuning = tuning
        slots = ConnectionSlots(loop: loop, count: tuning.maxConnections, maxWaiting: tuning.maxWaiting)
        book = AddressBook(loop: loop, url: url, tuning: tuning)
        sweeper = LoopTimer(loop) { [unowned self] in sweep() }
    }

    deinit {
        sweeper?.invalidate()
        for connection in idle { connection.stream.close() }
    }

    /// A connection of the caller's own, kept or fresh; ends by `giveBack` or `discard`.
    func take(fresh: Bool, timeouts: UpstreamTimeouts) async throws(TransportError) -> DirectConnection {
        try await slots.acquire(within: tuning.queueTime)
        if !fresh {
            while let connection = idle.popLast() {
                connection.isIdle = false
                if connection.isUsable { return connection }
                connection.stream.close()
            }
        }
        do {
            return try await connect(timeouts)
        } catch {
            slots.release()
            throw error
        }
    }

    /// Keeps the connection for the next call; the caller has proven that the exchange is complete on both sides.
    func giveBack(_ connection: DirectConnection) {
        guard !connection.stream.isClosed, connection.stream.hangup == nil, !connection.hasLeftover,
            idle.count < tuning.maxIdle
        else { return discard(connection) }
        connection.buffer = []
        connection.offset = 0
        connection.headDeadline = nil
        connection.isReused = true
        connection.isIdle = true
        connection.idleSince = loop.now
        if idle.isEmpty { sweeper?.arm(after: tuning.idleTime) }
        idle.append(connection)
        slots.release()
    }

    /// Closes the connection. `resetting`: the request must not look complete.
    func discard(_ connection: DirectConnection, resetting: Bool = false) {
        connection.stream.close(resetting: resetting)
        slots.release()
    }

    private func connect(_ timeouts: UpstreamTimeouts) async throws(TransportError) -> DirectConnection {
        let deadline = loop.now + timeouts.connect
        var failure = TransportError.timedOut(.connect)
        let addresses = try await book.addresses(within: timeouts.connect)
        for (place, address) in addresses.enumerated() {
            let left = deadline - loop.now
            guard left > .zero else { break }
            do throws(IOError) {
                // A dead address must leave time for the ones behind it.
                let stream = try await SocketStream.connect(to: address, timeout: left / (addresses.count - place))
                let connection = DirectConnection(stream)
                stream.onHangup { [weak self, unowned connection] _ in self?.peerLeft(connection) }
                return connection
            } catch {
                failure = TransportError(error, .connect, sentAnything: false)
                if failure == .cancelled { break }
            }
        }
        throw failure
    }

    private func peerLeft(_ connection: DirectConnection) {
        guard connection.isIdle, let place = idle.firstIndex(where: { $0 === connection }) else { return }
        idle.remove(at: place)
        connection.stream.close()
    }

    private func sweep() {
        let expired = idle.prefix { loop.now - $0.idleSince >= tuning.idleTime }
        for connection in expired { connection.stream.close() }
        idle.removeFirst(expired.count)
        if let oldest = idle.first { sweeper?.arm(at: oldest.idleSince + tuning.idleTime) }
    }
}
