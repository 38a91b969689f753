public import Bytes
import EventLoop
import HTTP
import Posix

/// GETs URLs that clients name. Every address is judged before it is connected to, and nothing but the judged addresses is:
/// a name that resolves otherwise a moment later leads nowhere. Redirections are judged and pinned anew.
///
/// The request says nothing of the client: Host, User-Agent and Accept are all it has.
public struct GuardedFetch: Sendable {
    /// Bounds of one fetch.
    public struct Limits: Sendable {
        /// Redirections followed; Glance's own clients follow as many.
        public var redirections = 5
        /// Bytes of data.
        public var bytes: Int64 = 1 << 40
        public var timeouts = UpstreamTimeouts()
        /// Bytes a second that must come once the data were waited for as long as `rateGrace`.
        public var minimumRate: Int64 = 1024
        public var rateGrace = Duration.seconds(60)
        /// PEM of the authorities to trust; nil: the system's.
        public var caFile: String?

        public init() {}
    }

    private let policy: any FetchPolicy
    private let limits: Limits

    public init(policy: any FetchPolicy, limits: Limits = Limits()) {
        self.policy = policy
        self.limits = limits
    }

    private static let fields = Fields([("User-Agent", "baleen"), ("Accept", "*/*")])

    /// The data behind a URL. On a loop; the body stays on it, and dropping it ends the fetch.
    public func open(_ url: String) async throws(FetchError) -> any BodySource {
        var url = url
        for _ in 0...limits.redirections {
            let target: FetchTarget
            do throws(FetchRefusal) { target = try await policy.approve(url) } catch { throw .refused(error) }
            let endpoint = UpstreamEndpoint(url: target.origin, tuning: tuning(pinning: target.addresses))
            let reply: UpstreamReply
            do throws(TransportError) {
                reply = try await endpoint.send(
                    UpstreamCall(method: "GET", target: target.target, fields: Self.fields))
            } catch {
                throw .transport(error)
            }
            switch reply.status {
            case 200:
                if let length = reply.body.length, length > limits.bytes {
                    reply.body.cancel()
                    throw .tooLarge(length)
                }
                return FetchedBody(reply.body, from: endpoint, limits)
            case 301, 302, 303, 307, 308:
                reply.body.cancel()
                url = try Self.redirection(reply, from: url)
            default:
                reply.body.cancel()
                throw .status(reply.status)
            }
        }
        throw .tooManyRedirections
    }

    private func tuning(pinning addresses: [SocketAddress]) -> UpstreamTuning {
        var tuning = UpstreamTuning()
        tuning.timeouts = limits.timeouts
        tuning.pinnedAddresses = addresses
        tuning.caFile = limits.caFile
        tuning.maxConnections = 1
        tuning.maxIdle = 1
        return tuning
    }

    private static func redirection(_ reply: UpstreamReply, from url: String) throws(FetchError) -> String {
        guard reply.fields.all("location").count == 1, let text = reply.fields["location"], !text.isEmpty else {
            throw .badRedirection("no single Location")
        }
        let next = URLReference.resolve(text, against: url)
        if URLReference.scheme(of: url) == "https", URLReference.scheme(of: next) != "https" {
            throw .badRedirection("it leaves https")
        }
        return next
    }
}

/// What a fetch brings: bounded in size and in patience.
private final class FetchedBody: BodySource {
    private let body: any ReplyBody
    /// Its connection lives as long as the body.
    private let endpoint: UpstreamEndpoint
    private let limits: GuardedFetch.Limits
    private var count: Int64 = 0
    /// Time spent waiting for the server; a slow taker is not its fault.
    private var waited = Duration.zero

    init(_ body: any ReplyBody, from endpoint: UpstreamEndpoint, _ limits: GuardedFetch.Limits) {
        self.body = body
        self.endpoint = endpoint
        self.limits = limits
    }

    deinit { body.cancel() }

    var length: Int64? { body.length }

    func next() async throws(BodyError) -> [UInt8]? {
        let began = MonotonicTime.now()
        guard let piece = try await body.next() else { return nil }
        waited += MonotonicTime.now() - began
        count &+= Int64(piece.count)
        guard count <= limits.bytes else {
            body.cancel()
            throw .tooLarge("fetched data, limit \(limits.bytes) bytes")
        }
        if waited > limits.rateGrace, count / max(1, waited.components.seconds) < limits.minimumRate {
            body.cancel()
            throw .timedOut
        }
        return piece
    }
}
