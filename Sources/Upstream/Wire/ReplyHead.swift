import HTTP

/// A final or interim response's head with what it says of the connection.
struct ReplyHead {
    var status: Int
    /// Without hop-by-hop fields.
    var fields: Fields
    var framing: BodyLength
    /// The upstream keeps the connection open behind this response, as far as the head tells.
    var keepsAlive: Bool

    var isInterim: Bool { status < 200 }

    /// Fields between us and the upstream only (RFC 9110 §7.6.1). Content-Length stays: a HEAD answer tells by it.
    private static let hopByHop = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "transfer-encoding",
        "proxy-authenticate", "proxy-authentication-info",
    ]

    /// Judges a parsed head. `method`: the request's, since a HEAD answer has no body.
    init(_ head: ResponseHead, version: Version, method: String) throws(HTTPParseError) {
        status = head.status
        fields = head.fields
        keepsAlive = version == .http11
        if head.status < 200 {
            guard head.status != 101 else { throw HTTPParseError(502, "101 without having been asked") }
            let length = try BodyLength.of(ResponseHead(status: 200, fields: fields), version: version, method: "GET")
            guard length == .untilClose || length == .length(0) else {
                throw HTTPParseError(502, "an interim response with a body")
            }
            framing = .none
            return
        }
        framing = try BodyLength.of(head, version: version, method: method)
        if framing == .untilClose { keepsAlive = false }
        removeHopByHop()
    }

    private mutating func removeHopByHop() {
        for name in fields.tokens("connection") {
            if name == "close" { keepsAlive = false }
            if !name.isEmpty, name != "content-length" { fields.removeAll(named: name) }
        }
        for name in Self.hopByHop { fields.removeAll(named: name) }
    }
}
