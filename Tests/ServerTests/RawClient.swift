import Bytes
import EventLoop
import Glibc
import HTTP
import Posix
import Server
import Synchronization

/// A blocking loopback socket: what it sends and receives is exactly what the test says.
final class RawClient {
    private let fd: Int32
    /// What must live as long as this client, usually its server.
    private let companion: AnyObject

    init(port: UInt16, keeping companion: AnyObject) {
        self.companion = companion
        fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        _ = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    deinit { close(fd) }

    @discardableResult
    func send(_ text: String) -> Self {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let sent = bytes.withUnsafeBytes { Glibc.send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { break }
            bytes.removeFirst(sent)
        }
        return self
    }

    func finishSending() { shutdown(fd, Int32(SHUT_WR)) }

    /// Everything up to the end of the stream; "RESET" is appended when it ended by a reset or a time-out.
    func readToEnd() -> String { read { _ in false } }

    /// Bytes until the text holds `mark`.
    func read(until mark: String) -> String { read { $0.contains(mark) } }

    private func read(_ isEnough: (String) -> Bool) -> String {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !isEnough(text) {
            let count = recv(fd, &buffer, buffer.count, 0)
            if count < 0 { return text + "RESET" }
            if count == 0 { return text }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        return text
    }
}

/// Answers by path, so that a test can choose what happens to bodies and connections.
struct TestHandler: RequestHandler {
    func handle(_ request: ServerRequest) async -> ServerResponse {
        switch request.head.path {
        case "/echo":
            var body: [UInt8] = []
            do {
                while let piece = try await request.body.next() { body += piece }
            } catch {
                return rejection(status: 400, reason: "\(error)", head: request.head, peer: request.peer)
            }
            return ServerResponse(ResponseHead(status: 200), body: .bytes(body))
        case "/stream": return ServerResponse(ResponseHead(status: 200), body: .stream(Pieces(3, length: nil)))
        case "/sized": return ServerResponse(ResponseHead(status: 200), body: .stream(Pieces(3, length: 15)))
        case "/cut": return ServerResponse(ResponseHead(status: 200), body: .stream(Pieces(3, length: 99)))
        case "/twice":
            // A body that broke stays broken, however often it is asked for more.
            var faults: [String] = []
            for _ in 0..<2 {
                do { while try await request.body.next() != nil {} } catch { faults.append("\(error)") }
            }
            return ServerResponse(ResponseHead(status: 200), body: .bytes(Array(faults.joined(separator: "|").utf8)))
        case "/stalled":
            return ServerResponse(ResponseHead(status: 200), body: .stream(Stalled(request.body)))
        case "/empty": return ServerResponse(ResponseHead(status: 204))
        case "/bad": return ServerResponse(ResponseHead(status: 200, fields: Fields([("x", "a\r\nb: c")])))
        default: return ServerResponse(ResponseHead(status: 404), body: .bytes(Array("no".utf8)))
        }
    }

    func rejection(status: Int, reason: String, head: RequestHead?, peer: SocketAddress) -> ServerResponse {
        ServerResponse(ResponseHead(status: status), body: .bytes(Array(reason.utf8)))
    }
}

/// `count` pieces of five bytes, announcing `length`.
final class Pieces: BodySource {
    private var left: Int
    private(set) var length: Int64?

    init(_ count: Int, length: Int64?) {
        left = count
        self.length = length
    }

    func next() async throws(BodyError) -> [UInt8]? {
        guard left > 0 else { return nil }
        left -= 1
        length = length.map { $0 - 5 }
        return Array("01234".utf8)
    }
}

/// Sends one piece and waits for more until its task is cancelled; counts how often that happened.
final class Stalled: BodySource {
    static let cancellations = Atomic(0)
    private let loop = EventLoop.current
    private var isFirst = true
    var length: Int64? { nil }

    init(_: any BodySource) {}

    func next() async throws(BodyError) -> [UInt8]? {
        if isFirst {
            isFirst = false
            return Array("begin".utf8)
        }
        guard let loop, case .cancelled = await LoopWait<Void>(loop).outcome(within: .seconds(20)) else { return nil }
        Self.cancellations.add(1, ordering: .relaxed)
        throw .cancelled
    }
}

/// A server on its own loop for one test.
final class TestServer {
    let group: EventLoopGroup
    let server: Server
    let port: UInt16

    init(_ limits: ServerLimits = ServerLimits()) async throws {
        Signals.ignorePipe()
        group = try EventLoopGroup(loops: 1)
        server = Server(group: group, handler: TestHandler(), limits: limits)
        port = try await server.listen(on: SocketAddress("127.0.0.1:0")!).port!
    }

    func client() -> RawClient { RawClient(port: port, keeping: self) }
}
