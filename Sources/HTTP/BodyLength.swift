/// How a message's body is framed (RFC 9112 §6.3). Every rule that refuses an ambiguity stands here.
public enum BodyLength: Sendable, Equatable {
    case none
    /// Exactly so many bytes; 0 is said, too.
    case length(Int64)
    case chunked
    /// Responses only: until the connection closes, so that a cut can't be told from the end.
    case untilClose

    /// Of a request.
    public static func of(_ head: RequestHead) throws(HTTPParseError) -> BodyLength {
        switch try declared(head.fields) {
        case .chunked where head.version == .http10:
            throw HTTPParseError(400, "Transfer-Encoding in an HTTP/1.0 request")
        case let framing: return framing
        }
    }

    /// Of a final response to a request with `method`.
    public static func of(
        _ head: ResponseHead, version: Version, method: String
    ) throws(HTTPParseError) -> BodyLength {
        let framing = try declared(head.fields)
        if framing == .chunked, version == .http10 {
            throw HTTPParseError(502, "Transfer-Encoding in an HTTP/1.0 response")
        }
        if method == "HEAD" || head.status == 204 || head.status == 304 { return .none }
        return framing == .none ? .untilClose : framing
    }

    private static func declared(_ fields: Fields) throws(HTTPParseError) -> BodyLength {
        let lengths = fields.all("content-length")
        guard lengths.count <= 1 else { throw HTTPParseError(400, "more than one Content-Length") }
        guard fields.contains("transfer-encoding") else {
            guard let length = lengths.first else { return .none }
            return .length(try decimal(length))
        }
        guard lengths.isEmpty else { throw HTTPParseError(400, "Content-Length beside Transfer-Encoding") }
        let codings = fields.tokens("transfer-encoding")
        guard codings == ["chunked"] else {
            throw HTTPParseError(
                codings.contains { $0.isEmpty } ? 400 : 501, "Transfer-Encoding is not exactly chunked")
        }
        return .chunked
    }

    /// Digits only: no sign, blank, list or other numeral, and no more than 18 of them (RFC 9110 §8.6).
    private static func decimal(_ bytes: ArraySlice<UInt8>) throws(HTTPParseError) -> Int64 {
        guard !bytes.isEmpty, bytes.count <= 18, bytes.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
            throw HTTPParseError(400, "Content-Length is not a number of bytes")
        }
        return bytes.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }
}
