import Bytes
import Dialects
import FoundationEssentials
import HTTP
import Images
import Synchronization

@testable import Upstream

/// One exchange with the real Plankton server of Synnefo 0.20 (Tests/Interop/transcripts).
struct RecordedExchange: Sendable {
    let name: String
    let method: String
    let target: String
    let requestFields: [(String, String)]
    let requestBody: [UInt8]
    let status: Int
    let replyFields: [(String, String)]
    let replyBody: [UInt8]

    /// The story in the order in which it happened.
    static let all: [RecordedExchange] = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Interop/transcripts/plankton.json")
        guard let data = try? Data(contentsOf: file), let list = try? JSONReader.parse(Array(data)).array else {
            return []
        }
        return list.compactMap { $0.object.flatMap(RecordedExchange.init) }
    }()

    /// Nil for what is no request by the rules of HTTP, or has a body that is no text: nothing of these reaches a backend.
    private init?(_ entry: JSONObject) {
        guard let request = entry["request"]?.object, let response = entry["response"]?.object,
            let name = entry["name"]?.text, let method = request["method"]?.text, let target = request["target"]?.text,
            let status = response["status"]?.integer, entry["http_version"] == nil, request["body_base64"] == nil
        else { return nil }
        self.name = name
        self.method = method
        self.target = target
        self.status = Int(status)
        requestFields = Self.pairs(request["headers"])
        requestBody = Array((request["body"]?.text ?? "").utf8)
        replyFields = Self.pairs(response["headers"])
        replyBody = Array((response["body"]?.text ?? "").utf8)
    }

    private static func pairs(_ value: JSONValue?) -> [(String, String)] {
        (value?.array ?? []).map { ($0.array?.first?.text ?? "", $0.array?.last?.text ?? "") }
    }

    /// Fields as they were on the wire: a non-ASCII byte is written as the Latin-1 character with its number.
    static func fields(_ pairs: [(String, String)]) -> Fields {
        var fields = Fields()
        for (name, value) in pairs { fields.append(name: bytes(name), value: bytes(value)) }
        return fields
    }

    private static func bytes(_ text: String) -> [UInt8] {
        text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }

    /// As a client of the gateway sends it to a mount in the place of the server's.
    var clientRequest: ClientRequest {
        let head = RequestHead(method: method, target: target, fields: Self.fields(requestFields))
        let prefix = "/image"
        let path = String(head.path)
        return ClientRequest(
            head: head, path: path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path,
            query: head.query.map { String($0) }, mountPrefix: prefix, publicURL: "https://gw.example.com",
            framing: requestBody.isEmpty ? .none : .length(Int64(requestBody.count)), requestID: "req-1")
    }

    /// The image's fields and properties in the answer; nil when it describes none.
    var answeredMeta: [String: String]? {
        let meta = Self.meta(Self.fields(replyFields))
        return status == 200 && meta["id"] != nil ? meta : nil
    }

    static func meta(_ fields: Fields) -> [String: String] {
        var meta: [String: String] = [:]
        for field in fields {
            let name = ASCII.lowercased(field.nameText)
            guard name.hasPrefix("x-image-meta-") else { continue }
            meta[String(name.dropFirst("x-image-meta-".count))] = String(decoding: field.value, as: UTF8.self)
        }
        return meta
    }
}

/// The recorded server at one moment of its story: gives its recorded answer to the recorded request, and to look-ups
/// before and behind it what it had said before.
final class RecordedServer: Transport {
    private struct State {
        var calls: [RegistryCall] = []
        /// The last seen answer's fields by image id.
        var images: [String: [(String, String)]] = [:]
        var exchange: RecordedExchange?
        /// The recorded answer has been given.
        var isTold = false
    }

    private let state = Mutex(State())

    /// What was called during the exchange at hand.
    var calls: [RegistryCall] { state.withLock { $0.calls } }

    func begin(_ exchange: RecordedExchange) {
        state.withLock {
            $0.exchange = exchange
            $0.calls = []
            $0.isTold = false
        }
    }

    /// Remembers what the story tells of an image.
    func end() {
        state.withLock { state in
            guard let exchange = state.exchange, let id = exchange.answeredMeta?["id"] else { return }
            state.images[id] = exchange.replyFields
        }
    }

    /// What was last seen of an image before the exchange at hand.
    func fields(of id: String) -> Fields? { state.withLock { $0.images[id] }.map(RecordedExchange.fields) }

    func send(_ call: UpstreamCall) async throws(TransportError) -> UpstreamReply {
        let call = RegistryCall(call.method, call.target, fields: call.fields)
        let reply = state.withLock { state -> (Int, Fields, [UInt8])? in
            state.calls.append(call)
            guard let exchange = state.exchange else { return nil }
            if Self.isSame(call, exchange), !state.isTold {
                state.isTold = true
                return (exchange.status, RecordedExchange.fields(exchange.replyFields), exchange.replyBody)
            }
            let path = call.target.split(separator: "?").first.map(String.init) ?? ""
            switch call.method {
            // Whom the server does not know, it tells nothing.
            case _ where exchange.status == 401:
                return (401, RecordedExchange.fields(exchange.replyFields), exchange.replyBody)
            case "HEAD":
                guard let id = path.split(separator: "/").last, let fields = state.images[String(id)] else {
                    return (404, Fields(), [])
                }
                return (200, RecordedExchange.fields(fields), [])
            // Properties of a former registration are taken away.
            case "PUT" where exchange.method == "POST" && state.isTold:
                let removed = RecordedExchange.meta(call.fields)
                let rest = exchange.replyFields.filter { field in
                    removed["\(ASCII.lowercased(field.0).dropFirst("x-image-meta-".count))"] == nil
                }
                return (200, RecordedExchange.fields(rest), [])
            // Whatever else is asked: nothing is there.
            case "GET" where path.hasSuffix("/images/detail"): return (200, Fields(), Array("[]".utf8))
            case "GET" where path.hasSuffix("/members"): return (200, Fields(), Array(#"{"members": []}"#.utf8))
            default: return nil
            }
        }
        guard let (status, fields, body) = reply else { throw .closed(sentAnything: false) }
        return UpstreamReply(status: status, fields: fields, body: Pieces(body))
    }

    /// The same request but for letter case, the version's spelling, and lists in brief, which are never asked for.
    private static func isSame(_ call: RegistryCall, _ exchange: RecordedExchange) -> Bool {
        guard call.method == exchange.method else { return false }
        func path(_ target: String) -> String {
            let decoded = PercentCoding.decode(target.prefix { $0 != "?" }.utf8)
            var path = ASCII.lowercased(String(decoding: decoded, as: UTF8.self))
            for version in ["/image/v1.0", "/image/v1"] where path.hasPrefix(version + "/") {
                path = "/v1.0" + path.dropFirst(version.count)
            }
            if path.hasSuffix("/images") { path += "/" }
            return exchange.method == "GET" && path.hasSuffix("/images/") ? path + "detail" : path
        }
        return path(call.target) == path(exchange.target)
    }
}
