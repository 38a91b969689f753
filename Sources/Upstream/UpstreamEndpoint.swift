import EventLoop

/// One remote service: calls sent here travel by the transport of its scheme, on the caller's own loop.
public final class UpstreamEndpoint: Transport {
    /// Which implementation carries the calls.
    public enum Kind: String, Sendable {
        /// Our own HTTP/1.1; http only.
        case direct
        /// libcurl: https, and everything that is not plain.
        case curl
    }

    public let url: UpstreamURL
    public let kind: Kind
    private let local: LoopLocal<LocalTransport>

    /// `kind` nil: direct for http, curl for https. https is always curl's.
    public init(url: UpstreamURL, kind: Kind? = nil, tuning: UpstreamTuning = UpstreamTuning()) {
        let kind = url.scheme == .https ? .curl : kind ?? .direct
        self.url = url
        self.kind = kind
        local = LoopLocal { loop in
            switch kind {
            case .direct: LocalTransport(.direct(DirectTransport(loop: loop, url: url, tuning: tuning)))
            case .curl: LocalTransport(.curl(CurlTransport(loop: loop, url: url, tuning: tuning)))
            }
        }
    }

    public func send(_ call: UpstreamCall) async throws(TransportError) -> UpstreamReply {
        guard let loop = EventLoop.current else { throw .failed("called outside of an event loop") }
        return try await local.value(on: loop).send(call)
    }
}

/// What an endpoint has on one loop; stays on that loop's thread.
private final class LocalTransport {
    enum Carrier {
        case direct(DirectTransport)
        case curl(CurlTransport)
    }

    private let carrier: Carrier

    init(_ carrier: Carrier) { self.carrier = carrier }

    func send(_ call: UpstreamCall) async throws(TransportError) -> UpstreamReply {
        switch carrier {
        case .direct(let transport): try await transport.send(call)
        case .curl(let transport): try await transport.send(call)
        }
    }
}
