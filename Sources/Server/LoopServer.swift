import EventLoop
import HTTP
import Posix

/// One loop's share of the server: its listeners and its connections.
final class LoopServer: @unchecked Sendable {
    let loop: EventLoop
    private let handler: any RequestHandler
    private let limits: ServerLimits
    private let maximumConnections: Int
    private var listeners: [Listener] = []
    private var connections: [ObjectIdentifier: Connection] = [:]
    private var isDraining = false
    private var isFull = false
    private var onEmpty: (() -> Void)?
    private var cachedDate = (second: Int64.min, text: "")

    init(_ loop: EventLoop, handler: any RequestHandler, limits: ServerLimits, maximumConnections: Int) {
        self.loop = loop
        self.handler = handler
        self.limits = limits
        self.maximumConnections = maximumConnections
    }

    /// Listens; on the loop's thread.
    func listen(on address: SocketAddress) throws(Errno) -> SocketAddress {
        let listener = try Listener(on: address, loop: loop) { [unowned self] in accept($0) }
        listeners.append(listener)
        return listener.address
    }

    private func accept(_ stream: SocketStream) {
        let connection = Connection(stream, owner: self, handler: handler, limits: limits)
        connection.isDraining = isDraining
        connections[ObjectIdentifier(connection)] = connection
        connection.task = loop.spawn {
            await connection.run()
            self.remove(connection)
        }
        if connections.count >= maximumConnections, !isFull {
            isFull = true
            for listener in listeners { listener.pause() }
        }
    }

    private func remove(_ connection: Connection) {
        connections[ObjectIdentifier(connection)] = nil
        connection.task = nil
        if isFull, connections.count < maximumConnections {
            isFull = false
            for listener in listeners { listener.resume() }
        }
        if isDraining, connections.isEmpty { finish() }
    }

    /// Stops accepting, closes idle connections, lets busy ones finish; `done` runs once none is left.
    func drain(_ done: @escaping () -> Void) {
        isDraining = true
        onEmpty = done
        for listener in listeners { listener.stop() }
        listeners = []
        for connection in connections.values {
            connection.isDraining = true
            if connection.isFresh {
                connection.stream.limitParkedRead(to: Connection.drainGrace)
            } else if !connection.isBusy {
                connection.stream.close()
            }
        }
        if connections.isEmpty { finish() }
    }

    /// Ends every connection now: the drain's hard limit.
    func cut() {
        for connection in connections.values {
            connection.task?.cancel()
            connection.stream.close(resetting: true)
        }
    }

    private func finish() {
        onEmpty?()
        onEmpty = nil
    }

    /// The `Date` field's value, made once a second (RFC 9110 §6.6.1).
    func date() -> String {
        let second = WallClock.now().seconds
        if cachedDate.second != second { cachedDate = (second, HTTPDate.text(second)) }
        return cachedDate.text
    }
}
