import Bytes
import HTTP
import Images
import Synchronization

@testable import Upstream

/// A registry that expects given requests in order and answers each with a given reply.
final class ScriptedTransport: Transport {
    struct Step: Sendable {
        var method: String
        var target: String
        var headers: [(String, String)] = []
        var json: JSONValue?
        var body: String?
        var reply: Reply
    }

    enum Reply: Sendable {
        case answer(Int, [(String, String)], [UInt8])
        /// Ends after these bytes of the announced length: with a fault, or nil: as if all were there.
        case cut(Int, [(String, String)], [UInt8], of: Int64?, BodyError?)
        /// The connection ends without an answer.
        case closed
        case fails(TransportError)
        /// Waits until the caller is cancelled.
        case hangs
    }

    private struct State {
        var steps: ArraySlice<Step>
        var complaints: [String] = []
        var seen: [String] = []
    }

    private let state: Mutex<State>

    init(_ steps: [Step]) { state = Mutex(State(steps: steps[...])) }

    /// What went otherwise than scripted, steps that were not asked for included.
    var complaints: [String] {
        state.withLock { state in state.complaints + state.steps.map { "not asked for: \($0.method) \($0.target)" } }
    }

    /// `METHOD target` of every request.
    var seen: [String] { state.withLock { $0.seen } }

    func send(_ call: UpstreamCall) async throws(TransportError) -> UpstreamReply {
        let length = call.body?.length
        let step = state.withLock { state -> Step? in
            state.seen.append("\(call.method) \(call.target)")
            return state.steps.popFirst()
        }
        guard let step else {
            complain("not expected: \(call.method) \(call.target)")
            throw .closed(sentAnything: false)
        }
        var sent: [UInt8] = []
        do throws(BodyError) {
            while let piece = try await call.body?.next() { sent += piece }
        } catch {
            // As transports do that give up an upload because the connection broke.
            if error == .cancelled, case .closed = step.reply { throw .closed(sentAnything: true) }
            throw .clientBody(error)
        }
        check(call, sent, length, against: step)
        switch step.reply {
        case .closed: throw .closed(sentAnything: true)
        case .fails(let error): throw error
        case .hangs:
            while !Task.isCancelled { await Task.yield() }
            throw .cancelled
        case .answer(let status, let headers, let body):
            // Small pieces show who relies on the cut.
            return UpstreamReply(status: status, fields: Fields(headers), body: Pieces(body))
        case .cut(let status, let headers, let body, let length, let fault):
            return UpstreamReply(
                status: status, fields: Fields(headers), body: Pieces(body, length: length, fault: fault))
        }
    }

    private func complain(_ text: String) { state.withLock { $0.complaints.append(text) } }

    private func check(_ call: UpstreamCall, _ sent: [UInt8], _ length: Int64?, against step: Step) {
        let what = "\(step.method) \(step.target)"
        if call.method != step.method || !Self.same(call.target, step.target) {
            complain("expected \(what), was \(call.method) \(call.target)")
        }
        for (name, value) in step.headers {
            let actual =
                name.lowercased() == "content-length" ? length.map { String($0) } : call.fields[name]
            if actual != value { complain("\(what): \(name) is \(actual ?? "absent"), expected \(value)") }
        }
        if let body = step.body, Array(body.utf8) != sent {
            complain("\(what): body \(String(decoding: sent, as: UTF8.self))")
        }
        if let json = step.json {
            let document = try? JSONReader.parse(sent)
            if !(document.map { JSONCompare.equal($0, json) } ?? false) {
                complain("\(what): document \(String(decoding: sent, as: UTF8.self))")
            }
        } else if step.body == nil, !sent.isEmpty {
            complain("\(what): unexpected document \(String(decoding: sent, as: UTF8.self))")
        }
    }

    /// Paths byte by byte, query parameters as a set of pairs after decoding.
    private static func same(_ a: String, _ b: String) -> Bool {
        func parts(_ target: String) -> (String, [String]) {
            let pieces = target.split(separator: "?", maxSplits: 1).map(String.init)
            let items = (try? QueryItems(pieces.count > 1 ? pieces[1] : ""))?.all ?? []
            return (pieces[0], items.map { $0.name + "=" + $0.value }.sorted())
        }
        return parts(a) == parts(b)
    }
}

/// A body in pieces of seven bytes.
final class Pieces: ReplyBody {
    private var rest: ArraySlice<UInt8>
    private let fault: BodyError?
    let length: Int64?
    private(set) var isCancelled = false

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
        length = Int64(bytes.count)
        fault = nil
    }

    /// - Parameter fault: how it ends; nil: soundly.
    init(_ bytes: [UInt8], length: Int64?, fault: BodyError?) {
        rest = bytes[...]
        self.length = length
        self.fault = fault
    }

    func next() async throws(BodyError) -> [UInt8]? {
        guard !rest.isEmpty else {
            if let fault { throw fault }
            return nil
        }
        let piece = Array(rest.prefix(7))
        rest = rest.dropFirst(7)
        return piece
    }

    func cancel() { isCancelled = true }
}

/// A body that ends with a fault behind some bytes.
final class BrokenBody: BodySource {
    private var pieces: [[UInt8]]
    private let fault: BodyError
    let length: Int64?

    init(_ bytes: [UInt8], length: Int64?, fault: BodyError = .disconnected) {
        pieces = [bytes]
        self.length = length
        self.fault = fault
    }

    func next() async throws(BodyError) -> [UInt8]? {
        if let piece = pieces.popLast() { return piece }
        throw fault
    }
}

enum JSONCompare {
    /// The same whatever the order of keys.
    static func equal(_ a: JSONValue, _ b: JSONValue) -> Bool {
        switch (a, b) {
        case (.object(let a), .object(let b)):
            a.members.count == b.members.count
                && a.members.allSatisfy { member in b[member.key].map { equal(member.value, $0) } ?? false }
        case (.array(let a), .array(let b)): a.count == b.count && zip(a, b).allSatisfy { equal($0, $1) }
        default: a == b
        }
    }
}
