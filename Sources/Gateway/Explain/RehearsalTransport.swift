import Bytes
import Dialects
import EventLoop
import HTTP
import Identity
import Images
import Posix
import Registry
import Server
import Upstream

/// Stands in for a remote registry of any dialect: calls are answered by an embedded registry of this process behind the
/// client dialect of the same name, and nothing is sent.
struct RehearsalTransport: Transport {
    private let pipeline: Pipeline

    /// - Parameters:
    ///   - dialect: of the registry that is stood in for.
    ///   - registry: holds what the calls find.
    init(_ dialect: any ClientDialect, _ registry: any Backend) {
        let mount = Mount(
            prefix: "", dialects: DialectDetector(only: dialect), backend: registry, backendName: "rehearsal",
            identity: RehearsalIdentity())
        pipeline = Pipeline(
            mounts: MountTable([mount]), locations: LocationPolicy(schemes: Self.schemes, allowsPrivate: true),
            publicURL: "http://registry", metrics: Metrics([]), log: nil, unreadBodyBytes: 1 << 20,
            imageBytes: .max)
    }

    /// Whatever a client may name: the gateway before it has judged it.
    private static let schemes = ["http", "https", "pithos", "swift", "s3", "rbd", "cinder"]

    func send(_ call: UpstreamCall) async throws(TransportError) -> UpstreamReply {
        var fields = Fields([("Host", "registry")])
        for field in call.fields { fields.append(name: field.name, value: field.value) }
        let framing: BodyLength = call.body.map { $0.length.map { .length($0) } ?? .chunked } ?? .none
        let request = ServerRequest(
            head: RequestHead(method: call.method, target: call.target, fields: fields), framing: framing,
            body: call.body ?? BytesBody([]), peer: Self.peer)
        let response = await pipeline.handle(request)
        let body: any BodySource =
            switch response.body {
            case .none: BytesBody([])
            case .bytes(let bytes): BytesBody(call.method == "HEAD" ? [] : bytes)
            case .stream(let source): source
            }
        return UpstreamReply(
            status: response.head.status, fields: response.head.fields, body: RehearsalReply(body))
    }

    static let peer = SocketAddress.v4(0x7f00_0001, port: 0)
}

/// Believes every token: who asks is the one who owns what the rehearsal finds.
struct RehearsalIdentity: IdentityProvider {
    static let caller = Caller(token: nil, user: "caller", tenant: "caller", roles: ["member"])

    func caller(for token: String?) async throws(Failure) -> Caller { Self.caller }
}

/// A reply's body that comes from this process.
private final class RehearsalReply: ReplyBody {
    private let source: any BodySource

    init(_ source: any BodySource) { self.source = source }

    var length: Int64? { source.length }
    func next() async throws(BodyError) -> [UInt8]? { try await source.next() }
    func cancel() {}
}
