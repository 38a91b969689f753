public import Bytes
public import HTTP

/// How a call reaches a remote service. Knows HTTP and connections, nothing of what the call means.
public protocol Transport: Sendable {
    /// Sends the call and gives the final response's head with its body still to be read.
    ///
    /// Called by a task of an event loop. Cancelling the task ends the call and closes its connection. When this
    /// throws or returns, nobody reads `call.body` any more.
    func send(_ call: UpstreamCall) async throws(TransportError) -> UpstreamReply
}

/// One request to a remote service.
public struct UpstreamCall {
    public var method: String
    /// Path and query, already encoded; the endpoint's own path is put before it.
    public var target: String
    /// Built by an allow-list; without Host, Content-Length, Transfer-Encoding, Connection and Expect, which are the
    /// transport's.
    public var fields: Fields
    /// The request's content; sent with Content-Length when it knows its length, else chunked.
    public var body: (any BodySource)?
    /// Nil: the endpoint's.
    public var timeouts: UpstreamTimeouts?
    /// Whether a second sending does no harm, should a kept connection die before the first byte of the answer
    /// (RFC 9110 §9.2.2). GET and HEAD without a body, if not said otherwise.
    public var isRetryable: Bool
    /// Not on a kept connection: for a caller that repeats a call itself.
    public var startsFresh = false

    public init(
        method: String, target: String, fields: Fields = Fields(), body: (any BodySource)? = nil,
        timeouts: UpstreamTimeouts? = nil, isRetryable: Bool? = nil
    ) {
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
        self.timeouts = timeouts
        self.isRetryable = body == nil && (isRetryable ?? (method == "GET" || method == "HEAD"))
    }
}

/// The final response to a call. Hop-by-hop fields are gone from it.
public struct UpstreamReply {
    public var status: Int
    public var fields: Fields
    /// Read it to its proven end, or drop or cancel it, which closes the connection.
    public var body: any ReplyBody

    public init(status: Int, fields: Fields, body: any ReplyBody) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// The whole body; longer ones than `limit` bytes are refused.
    public func collect(limit: Int) async throws(BodyError) -> [UInt8] {
        if let length = body.length, length > Int64(limit) {
            body.cancel()
            throw .tooLarge("reply of \(length) bytes, limit \(limit)")
        }
        guard var bytes = try await body.next() else { return [] }
        while let piece = try await body.next() {
            guard bytes.count + piece.count <= limit else {
                body.cancel()
                throw .tooLarge("reply, limit \(limit) bytes")
            }
            bytes.append(contentsOf: piece)
        }
        return bytes
    }
}

/// The body of a reply: pulled, and given up by `cancel`.
public protocol ReplyBody: BodySource {
    /// Closes the connection unless the end was reached. Harmless when repeated.
    func cancel()
}

/// How long each phase of a call may take.
public struct UpstreamTimeouts: Sendable, Equatable {
    /// Name look-up, connecting and TLS together.
    public var connect: Duration
    /// From the last byte of the request to the last byte of the response's head, interim responses included: a
    /// total that no trickle extends.
    public var head: Duration
    /// Longest pause without progress in either body.
    public var betweenBytes: Duration

    public init(
        connect: Duration = .seconds(5), head: Duration = .seconds(60), betweenBytes: Duration = .seconds(60)
    ) {
        self.connect = connect
        self.head = head
        self.betweenBytes = betweenBytes
    }
}
