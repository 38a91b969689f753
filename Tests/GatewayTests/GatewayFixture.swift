import Bytes
import Dialects
import HTTP
import Identity
import Images
import Posix
import Synchronization

@testable import Gateway
@testable import Server

/// Remembers what reaches it and answers as told.
final class FakeBackend: Backend {
    struct Call: Sendable {
        let operation: Operation
        let caller: Caller
        let requestID: String
        /// The data that came with it.
        let data: [UInt8]?
    }

    private let seen = Mutex<[Call]>([])
    private let answer: @Sendable (Operation) throws(Failure) -> Outcome
    private let readsData: Bool

    init(
        readsData: Bool = true,
        _ answer: @escaping @Sendable (Operation) throws(Failure) -> Outcome = FakeBackend.usual
    ) {
        self.readsData = readsData
        self.answer = answer
    }

    var calls: [Call] { seen.withLock { $0 } }

    func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        var data: [UInt8]?
        if let body = request.data, readsData { data = try await DocumentReader.read(body, limit: 1 << 20) }
        let call = Call(
            operation: request.operation, caller: request.caller, requestID: request.requestID, data: data)
        seen.withLock { $0.append(call) }
        return try answer(request.operation)
    }

    func close() async {}

    @Sendable static func usual(_ operation: Operation) -> Outcome {
        switch operation {
        case .listImages: .images(ImageArray([image]))
        case .showImage, .createImage, .updateImage: .image(image)
        case .downloadImage: .data(image, BytesBody(Array("data".utf8)))
        case .listMembers: .members(MemberList([]))
        case .listSharedImages: .sharedImages([])
        default: .done
        }
    }

    static var image: Image {
        var image = Image()
        image[.id] = .text("11111111-2222-4333-8444-555555555555")
        image[.name] = .text("one")
        image[.status] = .text("active")
        image[.diskFormat] = .text("raw")
        image[.containerFormat] = .text("bare")
        image[.size] = .integer(4)
        return image
    }
}

/// A pipeline before one backend, mounted at `/v1` for v1 clients, at `/plankton` and at `/old` for those of 2010.
struct GatewayFixture {
    let backend: FakeBackend
    let pipeline: Pipeline

    init(
        _ backend: FakeBackend = FakeBackend(), identity: any IdentityProvider = PassthroughIdentity(),
        publicURL: String? = nil, log: AccessLog? = nil
    ) {
        self.backend = backend
        let dialects: [(String, any ClientDialect)] = [
            ("/v1", GlanceV1()), ("/plankton", Plankton()), ("/old", Glance2010()),
        ]
        pipeline = Pipeline(
            mounts: MountTable(
                dialects.map { prefix, dialect in
                    Mount(
                        prefix: prefix, dialects: DialectDetector(only: dialect), backend: backend, backendName: "main",
                        identity: identity)
                }),
            locations: LocationPolicy(schemes: ["http", "pithos"], allowsPrivate: false), publicURL: publicURL,
            metrics: Metrics([]), log: log, unreadBodyBytes: 100, imageBytes: Self.imageBytes)
    }

    static let imageBytes: Int64 = 1000
    static let peer = SocketAddress.v4(0xc000_0207, port: 40_000)

    static func request(
        _ method: String, _ target: String, _ fields: Fields = Fields(), body: any BodySource = BytesBody([]),
        framing: BodyLength? = nil
    ) -> ServerRequest {
        let length = body.length.map { $0 == 0 ? BodyLength.none : .length($0) } ?? .chunked
        return ServerRequest(
            head: RequestHead(method: method, target: target, fields: fields), framing: framing ?? length, body: body,
            peer: peer)
    }

    /// A request with a token and a host.
    func send(
        _ method: String, _ target: String, _ fields: [(String, String)] = [], body: any BodySource = BytesBody([])
    ) async -> ServerResponse {
        await pipeline.handle(
            Self.request(
                method, target, Fields([("Host", "gw.example:9292"), ("X-Auth-Token", "t")] + fields), body: body))
    }

    /// The same without either.
    func sendBare(_ method: String, _ target: String, _ fields: [(String, String)] = []) async -> ServerResponse {
        await pipeline.handle(Self.request(method, target, Fields(fields)))
    }
}

extension ServerResponse {
    /// The whole body.
    func text() async throws(BodyError) -> String {
        switch body {
        case .none: return ""
        case .bytes(let bytes): return String(decoding: bytes, as: UTF8.self)
        case .stream(let source):
            var bytes: [UInt8] = []
            while let piece = try await source.next() { bytes += piece }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    var requestID: String? { head.fields["X-Openstack-Request-Id"] }
}
