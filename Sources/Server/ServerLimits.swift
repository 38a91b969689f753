public import HTTP

/// Bounds of client connections, each with a configuration name (`limits.*`, `timeouts.*`).
public struct ServerLimits: Sendable {
    /// Sizes of heads and chunk framing.
    public var http = HTTPLimits()
    /// From a connection's first byte of a request (or its opening) to the end of the head; no trickle extends it.
    public var requestHeader = Duration.seconds(30)
    /// Longest wait for the next bytes of a request body.
    public var bodyIdle = Duration.seconds(60)
    /// Bytes a second that a request body must reach over the time it was waited for, once that is over `bodyIdle`; 0: none.
    public var minimumBodyRate = 1024
    /// Longest pause without progress while a response is sent.
    public var writeIdle = Duration.seconds(60)
    /// How long a kept connection may wait for its next request.
    public var keepAliveIdle = Duration.seconds(75)
    /// Open client connections over all loops; more stay in the kernel's queue.
    public var maximumConnections = 10_000
    /// Requests on one connection before it is closed, so that load moves to new instances.
    public var requestsPerConnection = 100_000
    /// An unread request body up to this size is read and dropped so that the connection can be kept, else it is closed.
    public var unreadBodyBytes: Int64 = 256 << 10
    /// Longest time for dropping an unread body, and for seeing the client close after a refusal.
    public var lingering = Duration.seconds(2)
    /// How long a client that closed its sending side still gets an answer before the request is cancelled.
    public var halfClosedGrace = Duration.seconds(1)
    /// Bytes asked of the kernel in one read of a body.
    public var readBytes = 256 << 10

    public init() {}
}
