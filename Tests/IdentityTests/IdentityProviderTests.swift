import Bytes
import Identity
import Images
import Testing

/// What every provider does with a token, and what each makes of one.
@Suite struct IdentityProviderTests {
    static let tokens = StaticIdentity([
        .init(sha256: digest("secret-alice"), user: "alice", tenant: "acme", roles: ["member", "reader"]),
        .init(sha256: digest("secret-bob"), user: "bob", tenant: nil, roles: []),
    ])

    static func digest(_ token: String) -> SHA256Digest {
        guard let digest = try? SHA256Digest(of: token) else { fatalError("no SHA-256") }
        return digest
    }

    static let providers: [any IdentityProvider] = [PassthroughIdentity(), OpenIdentity(), tokens]

    @Test(arguments: [nil, ""] as [String?], providers.indices)
    func `without a token nobody is known`(token: String?, provider: Int) async {
        let failure = await #expect(throws: Failure.self) { try await Self.providers[provider].caller(for: token) }
        #expect(failure?.kind == .unauthorized)
        #expect(failure?.message == "Access denied. No authentication token")
        #expect(failure?.isDetail == true)
    }

    @Test(arguments: ["a", "user.tenant.admin", "secret-alice", " ", "é:ü", String(repeating: "x", count: 100_000)])
    func `pass-through hands the token on and learns nothing from it`(token: String) async throws {
        let caller = try await PassthroughIdentity().caller(for: token)
        #expect(caller.token == token)
        #expect(caller.user == nil && caller.tenant == nil && caller.roles.isEmpty)
    }

    struct Named: Sendable, CustomTestStringConvertible {
        let token: String
        let user: String
        var tenant: String?
        var roles: [String] = []
        var testDescription: String { token }
    }

    @Test(arguments: [
        Named(token: "alice", user: "alice"),
        Named(token: "alice.acme.member", user: "alice", tenant: "acme", roles: ["member"]),
        Named(token: "alice:acme:admin,member", user: "alice", tenant: "acme", roles: ["admin", "member"]),
        Named(token: "a.b@example.org:acme:member", user: "a.b@example.org", tenant: "acme", roles: ["member"]),
        Named(token: "alice.acme.,member,,", user: "alice", tenant: "acme", roles: ["member"]),
        Named(token: "änne.acme.member", user: "änne", tenant: "acme", roles: ["member"]),
    ])
    func `an open token names user, tenant and roles`(_ named: Named) async throws {
        let caller = try await OpenIdentity().caller(for: named.token)
        #expect(caller.token == named.token)
        #expect(caller.user == named.user)
        #expect(caller.tenant == named.tenant)
        #expect(caller.roles == named.roles)
    }

    @Test(arguments: [
        "alice.acme", "alice.acme.", ".acme.admin", "alice..admin", "..", ".", ":", "a.b.c.d", "alice:acme",
        "a:b:c:d", "::admin",
    ])
    func `an open token of another shape is rejected`(token: String) async {
        let failure = await #expect(throws: Failure.self) { try await OpenIdentity().caller(for: token) }
        #expect(failure?.kind == .tokenRejected)
    }

    @Test func `only the role admin administrates, in any letter case`() async throws {
        for (token, expected) in [("a.b.Admin", true), ("a.b.x,ADMIN", true), ("a.b.admins", false), ("admin", false)] {
            #expect(try await OpenIdentity().caller(for: token).isAdministrator == expected, "\(token)")
        }
    }

    @Test func `a token of the file stands for its entry`() async throws {
        let alice = try await Self.tokens.caller(for: "secret-alice")
        #expect(alice.user == "alice" && alice.tenant == "acme" && alice.roles == ["member", "reader"])
        #expect(alice.token == "secret-alice")
        let bob = try await Self.tokens.caller(for: "secret-bob")
        #expect(bob.user == "bob" && bob.tenant == nil && bob.roles.isEmpty)
        #expect(bob.owner == "bob")
    }

    @Test(arguments: [
        "secret-alic", "secret-alice ", "Secret-alice", "secret-alicee", "alice.acme.admin", "\u{0}", "secret-älice",
        String(repeating: "secret-alice", count: 10_000),
    ])
    func `a token that is not in the file is rejected and not repeated`(token: String) async {
        let failure = await #expect(throws: Failure.self) { try await Self.tokens.caller(for: token) }
        #expect(failure?.kind == .tokenRejected)
        #expect(failure?.message == "Access denied. Invalid authentication token")
    }

    /// Unicode equivalence is no equality of secrets.
    @Test func `a token in another normal form is another token`() async {
        let provider = StaticIdentity([
            .init(sha256: Self.digest("caf\u{e9}-secret"), user: "u", tenant: nil, roles: [])
        ])
        await #expect(throws: Never.self) { try await provider.caller(for: "caf\u{e9}-secret") }
        await #expect(throws: Failure.self) { try await provider.caller(for: "cafe\u{301}-secret") }
    }
}
