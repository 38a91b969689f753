public import HTTP
public import Posix

/// Limits of one endpoint; all counts are per loop.
public struct UpstreamTuning: Sendable {
    public var timeouts = UpstreamTimeouts()
    /// Connections in use at one time.
    public var maxConnections = 256
    /// Calls that wait for one; more are refused at once.
    public var maxWaiting = 1024
    /// Longest wait for one.
    public var queueTime = Duration.seconds(5)
    /// Connections kept open for the next call.
    public var maxIdle = 64
    /// Longest idle time of a kept connection; shorter than the usual keep-alive of servers.
    public var idleTime = Duration.seconds(20)
    /// Bounds of response heads, chunk lines and trailers.
    public var limits = HTTPLimits()
    /// Interim (1xx) responses before the final one.
    public var interimResponses = 16
    /// Pieces in which bodies are read.
    public var readBytes = 64 << 10
    /// How long a looked-up name stays good.
    public var addressTime = Duration.seconds(30)
    /// How long the last addresses serve while the resolver fails.
    public var staleAddressTime = Duration.seconds(3600)
    /// Certificates of the authorities to trust, PEM; nil: the system's.
    public var caFile: String?
    /// The only addresses to connect to, in this order; nobody looks the name up any more, which still stands in Host and
    /// must be the certificate's. Nil: what the name resolves to.
    public var pinnedAddresses: [SocketAddress]?

    public init() {}
}
