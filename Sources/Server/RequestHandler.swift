public import Bytes
public import HTTP
public import Posix

/// What answers requests. One handler serves all loops; `handle` runs in the connection's task on its loop and is
/// cancelled when the client goes away.
public protocol RequestHandler: Sendable {
    func handle(_ request: ServerRequest) async -> ServerResponse

    /// The answer to a message that the server itself refuses (it could not be parsed or was too slow), and to one whose
    /// answer cannot be had without a `fallback`; `head` is nil when there is none.
    func rejection(status: Int, reason: String, head: RequestHead?, peer: SocketAddress) -> ServerResponse
}

/// One request as the server hands it on.
public struct ServerRequest {
    public var head: RequestHead
    /// Framing of the body; `untilClose` never occurs.
    public var framing: BodyLength
    /// The body. Pulling it for the first time is what sends `100 Continue`; not pulling it is an early answer.
    public var body: any BodySource
    public var peer: SocketAddress

    public init(head: RequestHead, framing: BodyLength, body: any BodySource, peer: SocketAddress) {
        self.head = head
        self.framing = framing
        self.body = body
        self.peer = peer
    }
}

public struct ServerResponse {
    public enum Body {
        case none
        case bytes([UInt8])
        /// Pulled piece by piece; a source that fails resets the connection, so that a cut never looks like an end.
        case stream(any BodySource)
    }

    /// Without framing fields, `Date` and `Connection`: these are the server's.
    public var head: ResponseHead
    public var body: Body
    /// Closes the connection after this answer whatever the client wants.
    public var closesConnection: Bool
    /// Called once after the last byte, or when sending failed.
    public var completion: ((ResponseReport) -> Void)?
    /// What is sent instead when the first piece of the body, or the head, cannot be sent; nil: the handler's rejection.
    public var fallback: ((_ status: Int, _ reason: String) -> ServerResponse)?

    public init(
        _ head: ResponseHead, body: Body = .none, closesConnection: Bool = false,
        completion: ((ResponseReport) -> Void)? = nil
    ) {
        self.head = head
        self.body = body
        self.closesConnection = closesConnection
        self.completion = completion
    }
}

/// What became of a response, for the access log.
public struct ResponseReport: Sendable {
    /// The status sent; differs from the response's when its first piece of body failed.
    public var status: Int
    /// Body bytes sent and received.
    public var sentBytes: Int64
    public var receivedBytes: Int64
    /// Nil: sent whole. Else what cut it.
    public var fault: String?
}
