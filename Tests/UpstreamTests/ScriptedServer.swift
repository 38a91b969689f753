import EventLoop
import Posix

/// A raw socket server on the test's own loop: every connection runs the test's script, which sees bytes only.
final class ScriptedServer: @unchecked Sendable {
    private let loop: EventLoop
    private var listener: Listener?
    private(set) var connections: [ServerConnection] = []
    /// Heads of the requests that scripts read.
    var requests: [String] = []

    typealias Script = @Sendable (ServerConnection) async throws -> Void

    init(_ loop: EventLoop, _ script: @escaping Script) throws {
        self.loop = loop
        listener = try Listener(on: .v4(0x7f00_0001, port: 0), loop: loop) { [unowned self] stream in
            let connection = ServerConnection(stream, number: connections.count + 1, server: self)
            connections.append(connection)
            loop.spawn {
                try? await script(connection)
                connection.stream.close()
            }
        }
    }

    var port: UInt16 { listener?.address.port ?? 0 }

    /// Listens no more; connections that stand go on.
    func stop() { listener?.stop() }
}

/// One accepted connection of a scripted server.
final class ServerConnection: @unchecked Sendable {
    let stream: SocketStream
    /// Counted from 1.
    let number: Int
    unowned let server: ScriptedServer
    private var rest: [UInt8] = []
    /// What the script noted for the test.
    var sum: Sum?
    var didPeerClose = false

    struct Ended: Error {}

    init(_ stream: SocketStream, number: Int, server: ScriptedServer) {
        self.stream = stream
        self.number = number
        self.server = server
    }

    /// The next request's head, to its empty line.
    func readHead() async throws -> String {
        while true {
            for end in rest.indices where rest[...end].suffix(4).elementsEqual([13, 10, 13, 10]) {
                let head = String(decoding: rest[...end], as: UTF8.self)
                rest.removeFirst(end + 1)
                server.requests.append(head)
                return head
            }
            try await more()
        }
    }

    /// So many bytes of a body, summed up.
    func readBytes(_ count: Int) async throws -> Sum {
        var sum = Sum()
        try await readBytes(count, into: &sum)
        return sum
    }

    /// A chunked body to its last chunk.
    func readChunked() async throws -> Sum {
        var sum = Sum()
        while true {
            while !rest.contains(0x0a) { try await more() }
            guard let end = rest.firstIndex(of: 0x0a),
                let size = Int(String(decoding: rest[..<(end - 1)], as: UTF8.self), radix: 16)
            else { throw Ended() }
            rest.removeFirst(end + 1)
            try await readBytes(size, into: &sum)
            _ = try await readBytes(2)
            if size == 0 { return sum }
        }
    }

    private func readBytes(_ count: Int, into sum: inout Sum) async throws {
        let end = sum.count + count
        while sum.count < end {
            if rest.isEmpty { try await more() }
            let take = min(rest.count, end - sum.count)
            sum.add(rest.prefix(take))
            rest.removeFirst(take)
        }
    }

    func send(_ text: String) async throws { try await stream.write(Array(text.utf8)) }

    func pause(_ time: Duration) async { await UpstreamTests.pause(stream.loop, time) }

    /// Waits for the peer to close; whether it did within the time.
    func peerCloses(within time: Duration = .seconds(2)) async -> Bool {
        do throws(IOError) {
            while true {
                if try await stream.read(timeout: time).isEmpty { return true }
            }
        } catch {
            return error == .disconnected
        }
    }

    private func more() async throws {
        let bytes = try await stream.read(timeout: .seconds(10))
        guard !bytes.isEmpty else { throw Ended() }
        rest.append(contentsOf: bytes)
    }
}

/// Count and sum of a byte stream: every 61st byte, weighed by its place.
struct Sum: Equatable, Sendable {
    private(set) var count = 0
    private var value: UInt64 = 0
    private var next = 0

    init() {}

    mutating func add(_ bytes: ArraySlice<UInt8>) {
        while next < count + bytes.count {
            value = value &* 31 &+ UInt64(bytes[bytes.startIndex + next - count])
            next += 61
        }
        count += bytes.count
    }
}

/// Waits on the loop's own timers.
func pause(_ loop: EventLoop, _ time: Duration) async {
    final class Held: @unchecked Sendable { var timer: LoopTimer? }
    let held = Held()
    await withUnsafeContinuation { continuation in
        held.timer = LoopTimer(loop) { continuation.resume() }
        held.timer?.arm(after: time)
    }
}
