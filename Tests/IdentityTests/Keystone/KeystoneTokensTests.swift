import Images
import Testing
import Upstream

@testable import Identity

/// What Keystone says of a client's token.
@Suite struct KeystoneTokensTests {
    static func v2Document(
        token: String, life: Int64 = 3600, tenant: String = #"{"id":"p1","name":"demo"}"#
    ) -> String {
        let end = Timestamp(seconds: FakeKeystone.now.seconds + life).text(.zulu)
        return #"{"access":{"token":{"id":"\#(token)","expires":"\#(end)","tenant":\#(tenant)},"#
            + #""user":{"id":"u1","name":"alice","roles":[{"id":"r1","name":"Member"}],"roles_links":[]}}}"#
    }

    /// What becomes of a token, with the calls that were made for it.
    private func ask(
        _ token: String, version: KeystoneVersion = .v3,
        _ validate: @escaping @Sendable (FakeKeystone.Request, Int) async throws(TransportError) -> FakeKeystone.Answer
    ) async throws -> (Result<Caller, IdentityFault>, FakeKeystone) {
        let secret = try TemporarySecret("pw-secret")
        let keystone = FakeKeystone { (request, count) async throws(TransportError) in
            guard request.method == "POST" else { return try await validate(request, count) }
            return version == .v3
                ? .granted("OWN\(count)") : .status(200, Self.v2Document(token: "OWN\(count)"))
        }
        let session = KeystoneSession(
            transport: keystone, version: version, credential: KeystoneFixture.password(secret),
            clock: FakeClock().time)
        let result = try await KeystoneFixture.onLoop { () -> Result<Caller, IdentityFault> in
            do throws(IdentityFault) {
                return .success(try await KeystoneTokens(session).caller(for: token))
            } catch {
                return .failure(error)
            }
        }
        return (result, keystone)
    }

    @Test func `a token for a project gives its caller`() async throws {
        let (result, keystone) = try await ask("client-token") { _, _ in
            .status(200, FakeKeystone.document(life: 1800, roles: ["member", "reader"]))
        }
        let caller = try result.get()
        #expect(caller.token == "client-token")
        #expect(caller.user == "u1")
        #expect(caller.tenant == "p1")
        #expect(caller.roles == ["member", "reader"])
        #expect(caller.system == .keystone)
        #expect(caller.expires == Timestamp(seconds: FakeKeystone.now.seconds + 1800))
        #expect(keystone.lines == ["POST /auth/tokens?nocatalog", "GET /auth/tokens?nocatalog"])
        #expect(keystone.requests.last?.token == "OWN0")
        #expect(keystone.requests.last?.subject == "client-token")
    }

    struct Judged: Sendable, CustomTestStringConvertible {
        let what: String
        let answer: FakeKeystone.Answer
        let isRejected: Bool
        var part = ""
        var testDescription: String { what }
    }

    private static func scoped(_ scope: String) -> FakeKeystone.Answer {
        .status(200, FakeKeystone.document(scope: scope))
    }

    @Test(arguments: [
        Judged(what: "unknown", answer: .status(404, "no token client-token"), isRejected: true),
        Judged(what: "unscoped", answer: scoped(""), isRejected: true, part: "project"),
        Judged(what: "domain", answer: scoped(#""domain":{"id":"default"},"#), isRejected: true, part: "project"),
        Judged(what: "system", answer: scoped(#""system":{"all":true},"#), isRejected: true, part: "project"),
        Judged(
            what: "past", answer: .status(200, FakeKeystone.document(life: -1)), isRejected: true, part: "expired"),
        Judged(what: "now", answer: .status(200, FakeKeystone.document(life: 0)), isRejected: true, part: "expired"),
        Judged(what: "no right", answer: .status(403, "client-token"), isRejected: false, part: "403"),
        Judged(what: "overload", answer: .status(429), isRejected: false, part: "429"),
        Judged(what: "fault", answer: .status(500, "client-token OWN0"), isRejected: false, part: "500"),
        Judged(what: "maintenance", answer: .status(503), isRejected: false, part: "503"),
        Judged(what: "bad question", answer: .status(400), isRejected: false, part: "400"),
        Judged(what: "redirect", answer: .status(302), isRejected: false, part: "302"),
        Judged(what: "no content", answer: .status(204), isRejected: false, part: "204"),
        Judged(what: "no JSON", answer: .status(200, "client-token"), isRejected: false, part: "user"),
        Judged(what: "project null", answer: scoped(#""project":null,"#), isRejected: true, part: "project"),
        Judged(what: "project without id", answer: scoped(#""project":{"name":"x"},"#), isRejected: false),
        Judged(what: "project with another id", answer: scoped(#""project":{"id":7},"#), isRejected: false),
    ])
    func `what Keystone says otherwise`(_ judged: Judged) async throws {
        let (result, keystone) = try await ask("client-token") { _, _ in judged.answer }
        guard case .failure(let fault) = result else {
            Issue.record("a caller came of it")
            return
        }
        #expect(fault.isRejection == judged.isRejected)
        #expect(judged.part.isEmpty || fault.text.contains(judged.part))
        for secret in ["client-token", "OWN0", "pw-secret"] { #expect(!fault.text.contains(secret)) }
        #expect(keystone.requests.count == 2)
    }

    @Test func `a stale own token is renewed and the question repeated once`() async throws {
        let (result, keystone) = try await ask("client-token") { request, _ in
            request.token == "OWN0" ? .status(401) : .status(200, FakeKeystone.document())
        }
        #expect(try result.get().user == "u1")
        #expect(keystone.requests.map(\.token) == [nil, "OWN0", nil, "OWN1"])
    }

    @Test func `when the new own token is refused too, nobody is blamed but the service`() async throws {
        let (result, keystone) = try await ask("client-token") { _, _ in .status(401) }
        guard case .failure(let fault) = result else {
            Issue.record("a caller came of it")
            return
        }
        #expect(!fault.isRejection)
        #expect(keystone.requests.count == 4)
    }

    @Test func `a Keystone that cannot be reached is no rejection`() async throws {
        let (result, _) = try await ask("client-token") { (_, _) async throws(TransportError) in
            throw .timedOut(.head)
        }
        guard case .failure(let fault) = result else {
            Issue.record("a caller came of it")
            return
        }
        #expect(!fault.isRejection && !fault.text.contains("client-token"))
    }

    @Test(arguments: KeystoneVersion.allCases, ["", " ", "a b", "a\r\nX-Evil: 1", "a\u{0}", "é", "a\u{7f}", "\t"])
    func `bytes that no token has are rejected unasked`(version: KeystoneVersion, token: String) async throws {
        let (result, keystone) = try await ask(token, version: version) { _, _ in .status(200) }
        guard case .failure(let fault) = result else {
            Issue.record("a caller came of it")
            return
        }
        #expect(fault.isRejection)
        #expect(keystone.requests.isEmpty)
    }

    @Test(arguments: [
        ("0123abcXYZ-._~", "/tokens/0123abcXYZ-._~"), ("../users", "/tokens/..%2Fusers"),
        ("a?b#c%2f;d=e&f", "/tokens/a%3Fb%23c%252f%3Bd%3De%26f"), ("MII/+==", "/tokens/MII%2F%2B%3D%3D"),
        ("a...", "/tokens/a..."), ("@:!$'()*,", "/tokens/%40%3A%21%24%27%28%29%2A%2C"),
    ])
    func `v2 asks about a token by its path, fully encoded`(token: String, target: String) async throws {
        let (result, keystone) = try await ask(token, version: .v2) { _, _ in
            .status(200, Self.v2Document(token: "x"))
        }
        let caller = try result.get()
        #expect(caller.token == token)
        #expect(caller.user == "u1" && caller.tenant == "p1" && caller.roles == ["Member"])
        #expect(keystone.lines == ["POST /tokens", "GET \(target)"])
        #expect(keystone.requests.last?.token == "OWN0")
        #expect(keystone.requests.last?.subject == nil)
    }

    @Test(arguments: [
        ".", "..", "...", String(repeating: "x", count: 7169), String(repeating: "/", count: 2390),
    ])
    func `v2 asks nothing about a token that can be no path segment`(token: String) async throws {
        let (result, keystone) = try await ask(token, version: .v2) { _, _ in
            .status(200, Self.v2Document(token: "x"))
        }
        guard case .failure(let fault) = result else {
            Issue.record("a caller came of it")
            return
        }
        #expect(fault.isRejection)
        #expect(keystone.requests.isEmpty)
    }

    @Test(arguments: ["null", "{}"])
    func `a v2 token without a tenant gives no caller`(tenant: String) async throws {
        let (result, _) = try await ask("t", version: .v2) { _, _ in
            .status(200, Self.v2Document(token: "t", tenant: tenant))
        }
        #expect(throws: IdentityFault.self) { try result.get() }
    }

    @Test func `own tokens of old clouds are got and renewed too`() async throws {
        let (result, keystone) = try await ask("t", version: .v2) { request, _ in
            request.token == "OWN0" ? .status(401) : .status(200, Self.v2Document(token: "t"))
        }
        #expect(try result.get().tenant == "p1")
        #expect(keystone.lines == ["POST /tokens", "GET /tokens/t", "POST /tokens", "GET /tokens/t"])
    }
}
