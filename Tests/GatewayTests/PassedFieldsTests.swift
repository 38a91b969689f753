import Bytes
import Dialects
import HTTP
import Identity
import Images
import Testing

@testable import Gateway
@testable import Server

@Suite struct PassedFieldsTests {
    /// A pipeline that passes what is listed for v1.
    private func send(
        _ lists: PassedFields.Lists, _ target: String, _ fields: [(String, String)] = []
    ) async -> (response: ServerResponse, passed: PassedFields?) {
        let backend = AnsweringBackend()
        var pipeline = GatewayFixture().pipeline
        pipeline = Pipeline(
            mounts: MountTable([
                Mount(
                    prefix: "/v1", dialects: DialectDetector(only: GlanceV1()), backend: backend, backendName: "main",
                    identity: PassthroughIdentity())
            ]), locations: pipeline.locations, publicURL: nil, metrics: pipeline.metrics, log: nil,
            unreadBodyBytes: 100, imageBytes: 100, passes: ["glance-v1": lists])
        let response = await pipeline.handle(
            GatewayFixture.request("GET", target, Fields([("X-Auth-Token", "t"), ("Host", "h")] + fields)))
        return (response, backend.passed)
    }

    @Test func `listed fields reach the backend, repeated ones in their order, and never those that say who asks`()
        async
    {
        let (_, passed) = await send(
            PassedFields.Lists(request: ["x-trace", "x_roles", "x-roles"]), "/v1/images",
            [("X-Trace", "1"), ("X-Other", "2"), ("x-trace", "3"), ("X-Roles", "admin"), ("X_Roles", "admin")])
        #expect(passed?.request.map { String(decoding: $0.value, as: UTF8.self) } == ["1", "3"])
    }

    @Test func `listed parameters reach the backend as they were spelled`() async {
        let (_, passed) = await send(
            PassedFields.Lists(query: ["my key"]), "/v1/images?limit=3&my%20key=a%2Fb&my+key=c&other=d")
        #expect(passed?.query == ["my%20key=a%2Fb"])
    }

    @Test func `listed fields of the last answer reach the client, but never over the gateway's own`() async {
        let (response, _) = await send(
            PassedFields.Lists(response: ["x-cache", "content-type", "set-cookie"]), "/v1/images")
        #expect(response.head.fields.all("x-cache").map { String(decoding: $0, as: UTF8.self) } == ["a", "b"])
        #expect(response.head.fields["content-type"] == "application/json")
        #expect(!response.head.fields.contains("set-cookie") && !response.head.fields.contains("x-else"))
    }

    @Test func `without lists nothing crosses`() async {
        let (response, passed) = await send(PassedFields.Lists(), "/v1/images?a=b", [("X-Trace", "1")])
        #expect(passed == nil && !response.head.fields.contains("x-cache"))
    }
}

/// Answers lists with nothing in them and fields of its own.
private final class AnsweringBackend: Backend {
    nonisolated(unsafe) var passed: PassedFields?

    func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        passed = request.passed
        request.passed?.collect([
            ("X-Cache", Array("a".utf8)), ("X-Cache", Array("b".utf8)), ("Content-Type", Array("text/x".utf8)),
            ("Set-Cookie", Array("c".utf8)), ("X-Else", Array("d".utf8)),
        ])
        return .images(ImageArray([]))
    }

    func close() async {}
}
