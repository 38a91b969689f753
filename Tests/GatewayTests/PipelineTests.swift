import Bytes
import HTTP
import Identity
import Images
import Server
import Testing

@testable import Gateway

/// The way of a request through the gateway, seen from both ends.
@Suite struct PipelineTests {
    static let id = "11111111-2222-4333-8444-555555555555"

    @Test func `a request reaches the backend with the token and the id of its client`() async throws {
        let gateway = GatewayFixture()
        let answer = await gateway.send("GET", "/v1/images/\(Self.id)", [("X-Openstack-Request-Id", "mine")])
        #expect(answer.head.status == 200)
        #expect(answer.requestID == "req-mine")
        #expect(try await answer.text() == "data")
        let call = try #require(gateway.backend.calls.first)
        #expect(gateway.backend.calls.count == 1)
        #expect(call.caller.token == "t" && call.requestID == "req-mine" && call.data == nil)
        guard case .downloadImage(Self.id, nil) = call.operation else {
            Issue.record("\(call.operation.name)")
            return
        }
    }

    @Test(arguments: ["/v1", "/plankton", "/old"])
    func `who a client claims to be reaches nobody`(mount: String) async throws {
        let claims = [
            ("X-Roles", "admin"), ("X_Roles", "admin"), ("X-Role", "admin"), ("X-User-Id", "root"), ("X-User", "root"),
            ("X-Tenant-Id", "root"), ("X-Tenant", "root"), ("X-Project-Id", "root"), ("X-Identity-Status", "Confirmed"),
            ("X-Is-Admin-Project", "True"), ("X-Service-Token", "root"), ("X-Service-Roles", "admin"),
            ("X_Auth_Token", "root"), ("X-Storage-Token", "root"), ("X-Image-Meta-X-Roles", "admin"),
        ]
        let gateway = GatewayFixture(identity: OpenIdentity())
        let fields = [("X-Auth-Token", "alice.acme.member")] + claims
        let answer = await gateway.sendBare("GET", "\(mount)/images/detail", fields)
        #expect(answer.head.status == 200)
        let caller = try #require(gateway.backend.calls.first?.caller)
        #expect(caller.token == "alice.acme.member" && caller.user == "alice" && caller.tenant == "acme")
        #expect(caller.roles == ["member"])
        let passed = GatewayFixture()
        _ = await passed.sendBare("GET", "\(mount)/images/detail", fields)
        let other = try #require(passed.backend.calls.first?.caller)
        #expect(other.user == nil && other.tenant == nil && other.roles.isEmpty)
    }

    @Test(arguments: ["/v1", "/plankton", "/old"])
    func `only the header X-Auth-Token is a token`(mount: String) async {
        let gateway = GatewayFixture()
        for name in ["X_Auth_Token", "X-Storage-Token", "X-Service-Token", "Authorization", "Cookie", "X-Auth-Key"] {
            let answer = await gateway.sendBare("GET", "\(mount)/images", [(name, "t")])
            #expect(answer.head.status == 401, "\(name)")
        }
        #expect(gateway.backend.calls.isEmpty)
    }

    @Test(arguments: ["/v1", "/plankton", "/old"])
    func `two tokens are a bad request`(mount: String) async {
        let gateway = GatewayFixture()
        for other in ["t", "u", ""] {
            let answer = await gateway.send("GET", "\(mount)/images", [("x-auth-token", other)])
            #expect(answer.head.status == 400)
        }
        #expect(gateway.backend.calls.isEmpty)
    }

    @Test func `a token has at most 16 KiB`() async {
        let gateway = GatewayFixture()
        let longest = String(repeating: "x", count: 16 << 10)
        let taken = await gateway.sendBare("GET", "/v1/images", [("X-Auth-Token", longest)])
        let refused = await gateway.sendBare("GET", "/v1/images", [("X-Auth-Token", longest + "x")])
        #expect(taken.head.status == 200 && refused.head.status == 401)
        #expect(gateway.backend.calls.map(\.caller.token) == [longest])
    }

    /// Plankton clients may send it in the query, where every byte can be written.
    @Test(arguments: ["a%0D%0AX-Roles:%20admin", "a%0Ab", "%00", "a%7F", "%1B", "a%09b"])
    func `a token with control characters is rejected`(token: String) async {
        let gateway = GatewayFixture()
        let answer = await gateway.sendBare("GET", "/plankton/images/?X-Auth-Token=\(token)")
        #expect(answer.head.status == 401)
        #expect(gateway.backend.calls.isEmpty)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let method: String
        let target: String
        var fields: [(String, String)] = []
        let status: Int
        var testDescription: String { "\(method) \(target) \(status)" }
    }

    @Test(arguments: [
        Bad(method: "GET", target: "/nowhere", status: 404),
        Bad(method: "GET", target: "/v1/nowhere", status: 404),
        Bad(method: "PATCH", target: "/v1/images/\(id)", status: 405),
        Bad(method: "GET", target: "/v1/images?limit=many", status: 400),
        Bad(method: "GET", target: "/v1/images?limit=-1", status: 400),
        Bad(method: "POST", target: "/v1/images", fields: [("X-Image-Meta-Size", "many")], status: 400),
        Bad(method: "POST", target: "/v1/images", fields: [("X-Image-Meta-Id", "../x")], status: 400),
        Bad(
            method: "POST", target: "/v1/images",
            fields: [
                ("X-Image-Meta-Name", "a"), ("X-Image-Meta-Disk_format", "raw"),
                ("X-Image-Meta-Container_format", "bare"),
                ("X-Image-Meta-Location", "http://169.254.169.254/latest"),
            ], status: 400),
        Bad(
            method: "PUT", target: "/v1/images/\(id)", fields: [("X-Glance-Api-Copy-From", "http://localhost/x")],
            status: 400),
        Bad(
            method: "POST", target: "/plankton/images/",
            fields: [("X-Image-Meta-Name", "a"), ("X-Image-Meta-Location", "pithos://u/c/..%2Fo")], status: 400),
        Bad(method: "PUT", target: "/plankton/images/\(id)/members/a%0Ab", status: 400),
        Bad(method: "PUT", target: "/v1/images/\(id)/members/\(String(repeating: "x", count: 256))", status: 400),
    ])
    func `a bad request reaches no backend`(_ bad: Bad) async {
        let gateway = GatewayFixture()
        let answer = await gateway.send(bad.method, bad.target, bad.fields)
        #expect(answer.head.status == bad.status)
        #expect(gateway.backend.calls.isEmpty)
        #expect(answer.requestID?.hasPrefix("req-") == true)
    }

    @Test(arguments: ["/", "", "/v2/images", "/v1x/images", "/v1%2Fimages", "*"])
    func `nothing is mounted at other paths`(path: String) async throws {
        let gateway = GatewayFixture()
        let answer = await gateway.send("GET", path)
        #expect(answer.head.status == 404 && answer.requestID?.hasPrefix("req-") == true)
        #expect(try await answer.text() == "404 Not Found\n\nNothing is mounted at this path.\n")
    }

    // MARK: Bodies

    @Test(arguments: [("GET", "/v1/images"), ("DELETE", "/v1/images/\(id)"), ("DELETE", "/plankton/images/\(id)")])
    func `a body that nobody wants is read to its end before anything is done`(
        method: String, target: String
    ) async {
        let gateway = GatewayFixture()
        let body = ScriptedBody(["abc", "def"])
        let answer = await gateway.send(method, target, body: body)
        #expect(answer.head.status < 300 && body.isRead)
        #expect(gateway.backend.calls.count == 1)
    }

    @Test(arguments: [
        (BodyError.disconnected, 400...499), (.malformed("chunk"), 400...400), (.timedOut, 400...499),
    ])
    func `a broken body that nobody wants stops the request`(fault: BodyError, statuses: ClosedRange<Int>) async {
        let gateway = GatewayFixture()
        let answer = await gateway.send(
            "DELETE", "/v1/images/\(Self.id)", body: ScriptedBody(["abc"], fault: fault))
        #expect(statuses.contains(answer.head.status))
        #expect(gateway.backend.calls.isEmpty)
    }

    @Test func `a body that nobody wants has a limit`() async {
        let gateway = GatewayFixture()
        let announced = ScriptedBody(["x"], length: 101)
        #expect(await gateway.send("DELETE", "/v1/images/\(Self.id)", body: announced).head.status == 413)
        #expect(announced.pulls == 0)
        let chunked = ScriptedBody(Array(repeating: String(repeating: "x", count: 60), count: 3))
        #expect(await gateway.send("DELETE", "/v1/images/\(Self.id)", body: chunked).head.status == 413)
        #expect(chunked.pulls == 2)
        #expect(gateway.backend.calls.isEmpty)
    }

    @Test func `a member is added without waiting for the body that old kamakis never send`() async {
        let gateway = GatewayFixture()
        let body = ScriptedBody([], length: 4, fault: .timedOut)
        let answer = await gateway.send("PUT", "/plankton/images/\(Self.id)/members/bob", body: body)
        #expect(answer.head.status < 300 && body.pulls == 0)
        #expect(gateway.backend.calls.count == 1)
    }

    @Test func `data goes to the backend untouched`() async throws {
        let gateway = GatewayFixture()
        let fields = [
            ("X-Image-Meta-Name", "a"), ("X-Image-Meta-Disk_format", "raw"), ("X-Image-Meta-Container_format", "bare"),
            ("Content-Type", "application/octet-stream"),
        ]
        let answer = await gateway.send("POST", "/v1/images", fields, body: ScriptedBody(["ab", "c\r\n", "d"]))
        #expect(answer.head.status == 201)
        #expect(gateway.backend.calls.first?.data == Array("abc\r\nd".utf8))
    }

    @Test func `a refused request leaves the data unread, so that no 100 Continue is sent`() async {
        let gateway = GatewayFixture()
        let body = ScriptedBody(["abc"], length: 3)
        let answer = await gateway.send(
            "POST", "/v1/images", [("X-Image-Meta-Size", "many"), ("Content-Type", "application/octet-stream")],
            body: body)
        #expect(answer.head.status == 400 && body.pulls == 0)
        let nobody = await gateway.pipeline.handle(
            GatewayFixture.request("PUT", "/v1/images/\(Self.id)/members", body: body))
        #expect(nobody.head.status == 401 && body.pulls == 0)
    }

    // MARK: Answers

    @Test(arguments: [
        Failure(.imageNotFound, "no"), Failure(.unavailable, "later", retryAfter: "7"), Failure(.internal),
        Failure(.badGateway, cause: "10.0.0.5 said t0k3n"),
    ])
    func `a backend's failure is an answer with a request id and without the cause`(_ failure: Failure) async throws {
        for mount in ["/v1", "/plankton", "/old"] {
            let gateway = GatewayFixture(FakeBackend { _ throws(Failure) in throw failure })
            let answer = await gateway.send("GET", "\(mount)/images/\(Self.id)")
            #expect(answer.head.status >= 400 && answer.requestID?.hasPrefix("req-") == true)
            #expect(try await !answer.text().contains("10.0.0.5"))
        }
    }

    @Test func `a list that cannot begin is an error, one that breaks off is cut`() async throws {
        let early = GatewayFixture(
            FakeBackend { _ in .images(ScriptedImages([], failure: Failure(.unavailable, "away"))) })
        #expect(await early.send("GET", "/v1/images").head.status == 503)
        let late = GatewayFixture(
            FakeBackend { _ in .images(ScriptedImages(["a"], failure: Failure(.unavailable, "away"))) })
        let answer = await late.send("GET", "/v1/images")
        #expect(answer.head.status == 200)
        await #expect(throws: BodyError.failed("unavailable")) { try await answer.text() }
    }

    @Test func `the versions are told without a token and without the backend`() async throws {
        let gateway = GatewayFixture()
        let answer = await gateway.sendBare("GET", "/plankton/versions", [("Host", "h:1")])
        #expect(answer.head.status == 200 && answer.requestID?.hasPrefix("req-") == true)
        #expect(try await answer.text().contains("\"http://h:1/plankton/v1.0/"))
        #expect(gateway.backend.calls.isEmpty)
    }

    @Test(
        arguments: [
            (nil, [("Host", "gw.example:9292")], "http://gw.example:9292"),
            (nil, [], "http://localhost"),
            ("https://images.example.org", [("Host", "evil.example")], "https://images.example.org"),
            ("https://images.example.org/x", [], "https://images.example.org/x"),
        ] as [(String?, [(String, String)], String)])
    func `addresses in answers are the configured ones, else those of the request's Host`(
        publicURL: String?, fields: [(String, String)], base: String
    ) async throws {
        let gateway = GatewayFixture(publicURL: publicURL)
        let token = [("X-Auth-Token", "t"), ("X-Forwarded-Host", "other.example"), ("Forwarded", "host=other.example")]
        let list = await gateway.sendBare("GET", "/v1/images/detail", fields + token)
        let text = try await list.text()
        #expect(text.contains("\"uri\": \"\(base)/v1/images/\(Self.id)\""))
        #expect(!text.contains("other.example") && (publicURL == nil || !text.contains("evil")))
        let show = await gateway.sendBare("HEAD", "/v1/images/\(Self.id)", fields + token)
        #expect(show.head.fields["X-Image-Meta-Uri"] == "\(base)/v1/images/\(Self.id)")
    }

    @Test func `image data over the limit is refused, at once when its length is known`() async throws {
        let fields = [
            ("X-Image-Meta-Disk_format", "raw"), ("X-Image-Meta-Container_format", "bare"),
            ("Content-Type", "application/octet-stream"),
        ]
        let piece = String(repeating: "x", count: 600)
        for body in [BytesBody(Array((piece + piece).utf8)), ScriptedBody([piece, piece])] as [any BodySource] {
            let gateway = GatewayFixture()
            let answer = await gateway.send("POST", "/v1/images", fields, body: body)
            #expect(answer.head.status == 413)
            #expect(gateway.backend.calls.isEmpty)
        }
        let within = GatewayFixture()
        let body = ScriptedBody([piece, String(piece.prefix(400))])
        #expect(await within.send("POST", "/v1/images", fields, body: body).head.status == 201)
    }

    // MARK: Messages that the server refuses

    @Test(arguments: [400, 408, 414, 431, 501, 502])
    func `a message that the server refuses has an answer with a request id`(status: Int) async throws {
        let gateway = GatewayFixture()
        let fields = Fields([("X-Openstack-Request-Id", "mine")])
        for target in ["/v1/images", "/plankton/images/", "/nowhere"] {
            let head = RequestHead(method: "GET", target: target, fields: fields)
            let answer = gateway.pipeline.rejection(
                status: status, reason: "the reason", head: head, peer: GatewayFixture.peer)
            #expect(answer.head.status == status || status > 500)
            #expect(answer.requestID == "req-mine")
            #expect(try await answer.text().contains("the reason"))
        }
        let headless = gateway.pipeline.rejection(
            status: status, reason: "the reason", head: nil, peer: GatewayFixture.peer)
        #expect(headless.head.status == status && headless.requestID?.hasPrefix("req-") == true)
        #expect(try await headless.text() == "\(status) \(StatusReason.text(status))\n\nthe reason.\n")
    }
}
