import Bytes
import HTTP

/// How a call looks on the wire, for both transports.
enum CallHead {
    /// How the request's body is announced.
    static func framing(of call: UpstreamCall) -> BodyLength {
        guard let body = call.body else {
            // A method that usually has content says that there is none (RFC 9110 §8.6).
            return ["POST", "PUT", "PATCH"].contains(call.method) ? .length(0) : .none
        }
        return body.length.map { .length($0) } ?? .chunked
    }

    /// Fields that the transport writes itself: a caller's would contradict them.
    private static let reserved = [
        "host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te",
    ]

    /// The head's bytes, or why the call may not cross the wire.
    static func bytes(_ call: UpstreamCall, url: UpstreamURL, framing: BodyLength) throws(TransportError) -> [UInt8] {
        for name in reserved where call.fields.contains(name) {
            throw .invalidCall("field \(name) is the transport's")
        }
        var own = [("Host", url.hostField)]
        switch framing {
        case .length(let length): own.append(("Content-Length", "\(length)"))
        case .chunked: own.append(("Transfer-Encoding", "chunked"))
        case .none, .untilClose: break
        }
        do throws(HeadWriter.Refusal) {
            return try HeadWriter.request(
                method: call.method, target: target(call, url: url), fields: call.fields, framing: own)
        } catch {
            throw .invalidCall(error.reason)
        }
    }

    /// The target with the endpoint's own path before it.
    static func target(_ call: UpstreamCall, url: UpstreamURL) -> String {
        let target = url.path.isEmpty ? call.target : url.path + call.target
        return target.utf8.first == UInt8(ascii: "/") ? target : "/" + target
    }
}
