import Bytes
import HTTP
import Synchronization
import Upstream

/// Passes calls on and remembers what they and their answers were, for `baleen explain`.
final class RecordingTransport: Transport {
    /// One call as it would have crossed the wire.
    struct Exchange: Sendable {
        var method: String
        var target: String
        var fields: Fields
        /// A document; nil: no body, or image data.
        var document: [UInt8]?
        /// Image data go with the call; their length when it is known.
        var takesData: Bool
        var dataLength: Int64?
        /// Nil: no answer came.
        var status: Int?
        /// What stood in the way of an answer.
        var fault: String?
    }

    private let transport: any Transport
    private let log = Mutex<[Exchange]>([])

    init(_ transport: any Transport) { self.transport = transport }

    var exchanges: [Exchange] { log.withLock { $0 } }

    func send(_ call: UpstreamCall) async throws(TransportError) -> UpstreamReply {
        let document = call.body as? BytesBody
        let place = log.withLock { log in
            log.append(
                Exchange(
                    method: call.method, target: call.target, fields: call.fields, document: document?.content,
                    takesData: call.body != nil && document == nil, dataLength: call.body?.length))
            return log.count - 1
        }
        do throws(TransportError) {
            let reply = try await transport.send(call)
            log.withLock { $0[place].status = reply.status }
            return reply
        } catch {
            log.withLock { $0[place].fault = "\(error)" }
            throw error
        }
    }
}
