import Bytes
import HTTP

/// Writes the head of a call: the one place where a call's text meets the wire, so the one that checks its bytes.
enum CallHead {
    /// How the body, if any, is announced.
    enum Framing: Equatable {
        /// No body, and none expected of the method.
        case none
        case length(Int64)
        case chunked
    }

    /// What the transport writes itself; a caller's would contradict it.
    private static let reserved = ["host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te"]

    static func framing(of call: UpstreamCall) -> Framing {
        guard let body = call.body else {
            // A method that usually has content says that there is none (RFC 9110 §8.6).
            return ["POST", "PUT", "PATCH"].contains(call.method) ? .length(0) : .none
        }
        return body.length.map { .length($0) } ?? .chunked
    }

    static func bytes(_ call: UpstreamCall, host: String, basePath: String, framing: Framing) throws(TransportError)
        -> [UInt8]
    {
        try check(call)
        var head: [UInt8] = []
        head.reserveCapacity(256 + call.target.utf8.count + call.fields.byteCount + 4 * call.fields.count)
        head.append(contentsOf: call.method.utf8)
        head.append(0x20)
        head.append(contentsOf: basePath.utf8)
        head.append(contentsOf: call.target.utf8)
        head.append(contentsOf: " HTTP/1.1\r\nHost: ".utf8)
        head.append(contentsOf: host.utf8)
        head.append(contentsOf: "\r\n".utf8)
        for field in call.fields {
            head.append(contentsOf: field.name)
            head.append(0x3a)
            head.append(0x20)
            head.append(contentsOf: field.value)
            head.append(0x0d)
            head.append(0x0a)
        }
        switch framing {
        case .none: break
        case .length(let length): head.append(contentsOf: "Content-Length: \(length)\r\n".utf8)
        case .chunked: head.append(contentsOf: "Transfer-Encoding: chunked\r\n".utf8)
        }
        head.append(0x0d)
        head.append(0x0a)
        return head
    }

    /// Refuses what could be read as something else on the way: by bytes, since CRLF is one `Character`.
    static func check(_ call: UpstreamCall) throws(TransportError) {
        guard !call.method.isEmpty, call.method.utf8.allSatisfy(isTokenByte) else {
            throw .invalidCall("method is no token")
        }
        guard call.target.utf8.first == 0x2f || call.target.isEmpty || call.target.utf8.first == 0x3f,
            call.target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x23 })
        else { throw .invalidCall("target is not an encoded path") }
        for field in call.fields {
            guard !field.name.isEmpty, field.name.allSatisfy(isTokenByte) else {
                throw .invalidCall("field name is no token")
            }
            guard field.value.allSatisfy(isValueByte) else {
                throw .invalidCall("control byte in field \(field.nameText)")
            }
            guard !reserved.contains(where: { isSame(field.name, $0) }) else {
                throw .invalidCall("field \(field.nameText) is the transport's")
            }
        }
    }
}
