public import Posix

/// Says which URLs a fetch for a client may follow (reliability trap 11).
public protocol FetchPolicy: Sendable {
    /// Judges a URL, looks its host up once, and judges every address that it has.
    func approve(_ url: String) async throws(FetchRefusal) -> FetchTarget
}

/// What may be fetched, as it was judged.
public struct FetchTarget: Sendable {
    /// Scheme, host and port; no path.
    public var origin: UpstreamURL
    /// Path and query, encoded.
    public var target: String
    /// The only addresses that may be connected to, never empty.
    public var addresses: [SocketAddress]

    public init(origin: UpstreamURL, target: String, addresses: [SocketAddress]) {
        self.origin = origin
        self.target = target
        self.addresses = addresses
    }
}

/// A URL may not be fetched. The text is for the log and holds nothing of the URL, where a password or a signature may be.
public struct FetchRefusal: Error, Sendable, Equatable {
    public let reason: String

    public init(_ reason: String) { self.reason = reason }
}

/// Why a fetch gave no data.
public enum FetchError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The policy refuses the URL, or one that it was redirected to.
    case refused(FetchRefusal)
    /// A redirection that leads nowhere, or from https to http.
    case badRedirection(String)
    case tooManyRedirections
    /// The server's final status, which is not 200.
    case status(Int)
    /// More bytes were announced than are taken.
    case tooLarge(Int64)
    case transport(TransportError)

    /// For the log; holds nothing of the URL.
    public var description: String {
        switch self {
        case .refused(let refusal): refusal.reason
        case .badRedirection(let reason): "redirection refused: \(reason)"
        case .tooManyRedirections: "too many redirections"
        case .status(let status): "the server answered \(status)"
        case .tooLarge(let length): "the server announces \(length) bytes"
        case .transport(.resolveFailed), .transport(.connectFailed): "the server cannot be reached"
        case .transport(let error): "no answer: \(error)"
        }
    }
}
