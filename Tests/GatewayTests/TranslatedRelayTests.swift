import Bytes
import Dialects
import HTTP
import Identity
import Images
import Synchronization
import Testing

@testable import Gateway
@testable import Server

/// Messages of a registry's own dialect that are operations all the same.
@Suite struct TranslatedRelayTests {
    @Test(arguments: [
        ("GET", "/v2/images", "list_images_detail"), ("GET", "/v2/images?visibility=all", "list_images_detail"),
        ("GET", "/v2/images/\(id)", "get_image_meta"), ("GET", "/v2/images/\(id)/file", "get_image_data"),
        ("PATCH", "/v2/images/\(id)", "update_image"), ("PUT", "/v2/images/\(id)/file", "update_image"),
        ("PUT", "/v2/images/\(id)/tags/t", "relay PUT /v2/images/\(id)/tags/t"),
        ("GET", "/v2/tasks", "relay GET /v2/tasks"), ("GET", "/v2/images?limit=x", "relay GET /v2/images?limit=x"),
    ])
    func `what the registry would belie is translated, all else is passed on`(
        method: String, target: String, expected: String
    ) async {
        let backend = TranslatingBackend()
        let fixture = GatewayFixture().pipeline
        let pipeline = Pipeline(
            mounts: MountTable([
                Mount(
                    prefix: "/v2", dialects: DialectDetector(only: ImageV2()), backend: backend, backendName: "main",
                    identity: PassthroughIdentity())
            ]), locations: fixture.locations, publicURL: nil, metrics: fixture.metrics, log: nil,
            unreadBodyBytes: 100, imageBytes: 100)
        let type =
            method == "PATCH" ? "application/openstack-images-v2.1-json-patch" : "application/octet-stream"
        let body = method == "PATCH" ? #"[{"op": "replace", "path": "/name", "value": "m"}]"# : "data"
        _ = await pipeline.handle(
            GatewayFixture.request(
                method, target, Fields([("X-Auth-Token", "t"), ("Host", "h"), ("Content-Type", type)]),
                body: BytesBody(method == "GET" || target.hasSuffix("/t") ? [] : Array(body.utf8))))
        #expect(backend.seen == [expected])
    }

    private static let id = "11111111-2222-4333-8444-555555555555"
}

private final class TranslatingBackend: Backend {
    private let calls = Mutex<[String]>([])
    var seen: [String] { calls.withLock { $0 } }
    var relays: String? { "image-v2" }

    func translates(_ operation: Images.Operation) -> Bool {
        if case .addTag = operation { false } else { true }
    }

    func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        calls.withLock { $0.append(request.operation.name) }
        return FakeBackend.usual(request.operation)
    }

    func relay(_ message: RelayedMessage) async throws(Failure) -> RelayedReply {
        calls.withLock { $0.append("relay \(message.method) \(message.target)") }
        return RelayedReply(status: 204, fields: [], body: BytesBody([]))
    }

    func close() async {}
}
