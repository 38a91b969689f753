import Bytes
import EventLoop
import HTTP
import Synchronization
import Upstream

/// An identity service that gives its answers in order, the last one for ever, and remembers what it was asked.
final class ScriptedService: Transport {
    enum Reply: Sendable {
        case answer(Int, String)
        case fails(TransportError)
        /// A body that ends before its end.
        case breaks(Int, String)
    }

    struct Seen: Sendable, Equatable {
        var method: String
        var target: String
        var fields: [String: String]
        var body: String
        var isFresh: Bool
    }

    private struct State {
        var replies: [Reply]
        var seen: [Seen] = []
    }

    private let state: Mutex<State>

    init(_ replies: Reply...) { state = Mutex(State(replies: replies)) }

    /// The calls, in order.
    var seen: [Seen] { state.withLock { $0.seen } }

    func send(_ call: UpstreamCall) async throws(TransportError) -> UpstreamReply {
        var sent: [UInt8] = []
        do throws(BodyError) {
            while let piece = try await call.body?.next() { sent += piece }
        } catch { throw .clientBody(error) }
        var fields: [String: String] = [:]
        for field in call.fields { fields[field.nameText.lowercased()] = field.valueText }
        let seen = Seen(
            method: call.method, target: call.target, fields: fields, body: String(decoding: sent, as: UTF8.self),
            isFresh: call.startsFresh)
        let reply = state.withLock { state in
            state.seen.append(seen)
            return state.replies.count > 1 ? state.replies.removeFirst() : state.replies[0]
        }
        switch reply {
        case .fails(let error): throw error
        case .answer(let status, let body):
            return UpstreamReply(status: status, fields: Fields([("x-test", "yes")]), body: ScriptedBody(body))
        case .breaks(let status, let body):
            return UpstreamReply(status: status, fields: Fields(), body: ScriptedBody(body, fault: .disconnected))
        }
    }
}

/// A body in two pieces, perhaps with a fault behind them.
final class ScriptedBody: ReplyBody {
    private var pieces: [[UInt8]]
    private let fault: BodyError?
    /// Nil as for a chunked body, so that its size shows only while it is read.
    let length: Int64? = nil

    init(_ text: String, fault: BodyError? = nil) {
        let bytes = Array(text.utf8)
        pieces = [Array(bytes.dropFirst(7)), Array(bytes.prefix(7))].filter { !$0.isEmpty }
        self.fault = fault
    }

    func next() async throws(BodyError) -> [UInt8]? {
        if let piece = pieces.popLast() { return piece }
        if let fault { throw fault }
        return nil
    }

    func cancel() { pieces = [] }
}

/// Runs the body as a task of a fresh loop.
func onLoop<Result: Sendable>(_ body: @escaping @Sendable (EventLoop) async throws -> Result) async throws -> Result {
    let group = try EventLoopGroup(loops: 1)
    defer { group.stop() }
    let loop = group.next()
    let result: Swift.Result<Result, any Error> = await loop.spawn {
        do { return .success(try await body(loop)) } catch { return .failure(error) }
    }.value
    return try result.get()
}
