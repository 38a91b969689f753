import Images
import Testing
import Upstream

@testable import Identity

/// Both generations of Astakos's token call (astakos-pithos §1.1, §1.2).
@Suite struct AstakosTokensTests {
    static let token = "aGk/bW9tK2JpcmRz=="
    static let uuid = "73917abc-abcd-477e-a1f1-1763abcdefab"

    static func access(id: String = token, user: String = #""id": "\#(uuid)", "name": "First Last","#) -> String {
        """
        {"access": {"token": {"id": "\(id)", "expires": "2013-06-19T15:23:59.975572+00:00",
          "tenant": {"id": "default-project", "name": "First Last"}},
          "user": {\(user) "roles": [{"id": "1", "name": "default"}, {"id": 2, "name": "admin"}], "roles_links": []},
          "serviceCatalog": []}}
        """
    }

    static func account(_ change: String = #""uuid": "\#(uuid)", "auth_token": "\#(token)","#) -> String {
        """
        {"id": 7, "username": "u", \(change) "name": "First Last", "groups": ["default"],
         "auth_token_created": 1371655439975, "auth_token_expires": 1371655439975}
        """
    }

    private func ask(
        _ service: ScriptedService, _ release: AstakosTokens.Release = .identity, token: String = token
    ) async throws -> Caller {
        try await onLoop { _ in try await AstakosTokens(service, release: release).caller(for: token) }
    }

    private func fault(_ service: ScriptedService, _ release: AstakosTokens.Release = .identity) async -> IdentityFault?
    {
        await #expect(throws: IdentityFault.self) { try await ask(service, release) }
    }

    @Test func `since 0_15 the token goes in a document and its user's UUID is user and tenant`() async throws {
        let service = ScriptedService(.answer(200, Self.access()))
        let caller = try await ask(service)
        #expect(caller.user == Self.uuid && caller.tenant == Self.uuid && caller.owner == Self.uuid)
        #expect(caller.roles == ["default", "admin"] && caller.system == .astakos && caller.token == Self.token)
        #expect(caller.expires == Timestamp(seconds: 1_371_655_439, microseconds: 975_572))
        let seen = try #require(service.seen.first)
        #expect(seen.method == "POST" && seen.target == "/tokens")
        #expect(seen.body == #"{"auth":{"token":{"id":"\#(Self.token)"}}}"#)
        #expect(seen.fields == ["content-type": "application/json", "accept": "application/json"])
    }

    @Test(arguments: [AstakosTokens.Release.account, .first])
    func `before, the token goes in a header and times are in milliseconds`(release: AstakosTokens.Release) async throws
    {
        let service = ScriptedService(.answer(200, Self.account()))
        let caller = try await ask(service, release)
        #expect(caller.user == Self.uuid && caller.tenant == Self.uuid && caller.roles.isEmpty)
        #expect(caller.system == .astakos && caller.token == Self.token)
        #expect(caller.expires == Timestamp(seconds: 1_371_655_439, microseconds: 975_000))
        let seen = try #require(service.seen.first)
        #expect(seen.method == "GET" && seen.target == "/authenticate" && seen.body.isEmpty)
        #expect(seen.fields == ["x-auth-token": Self.token, "accept": "application/json"])
    }

    @Test(arguments: [
        "", "{}", "[]", "not JSON", #"{"access": {"serviceCatalog": []}}"#, access(id: "another"), access(id: ""),
        access(user: ""), access(user: #""id": 5,"#), access(user: #""id": "","#), account(),
    ])
    func `status 200 alone is no valid token`(body: String) async {
        guard case .unavailable? = await fault(ScriptedService(.answer(200, body))) else {
            Issue.record("accepted or rejected")
            return
        }
    }

    @Test(arguments: [
        "", "{}", account(""), account(#""uuid": "\#(uuid)","#), account(#""auth_token": "\#(token)","#),
        account(#""uuid": "\#(uuid)", "auth_token": "another","#), access(),
    ])
    func `nor is it before 0_15`(body: String) async {
        guard case .unavailable? = await fault(ScriptedService(.answer(200, body)), .account) else {
            Issue.record("accepted or rejected")
            return
        }
    }

    @Test(
        arguments: AstakosTokens.Release.allCases,
        [
            #"{"unauthorized": {"message": "Invalid token", "code": 401, "details": ""}}"#, "Invalid X-Auth-Token\n",
            "",
        ])
    func `401 is the only rejection`(release: AstakosTokens.Release, body: String) async {
        guard case .rejected(let cause)? = await fault(ScriptedService(.answer(401, body)), release) else {
            Issue.record("not rejected")
            return
        }
        #expect(cause.hasPrefix("Astakos: status 401"))
    }

    @Test(arguments: AstakosTokens.Release.allCases, [400, 404, 405, 302])
    func `a wrong URL or release is said in the cause, and no client is blamed`(
        release: AstakosTokens.Release, status: Int
    ) async {
        let answer = ScriptedService(.answer(status, "Not for \(Self.token)"))
        #expect(
            await fault(answer, release)
                == .unavailable(
                    "Astakos: status \(status) (body withheld): the URL or the release is wrong; release "
                        + "\(release.rawValue) is at \(release.exampleURL)"))
    }

    @Test(arguments: [500, 502, 503, 403, 413, 429, 201, 204])
    func `every other status means that nobody can say`(status: Int) async {
        #expect(
            await fault(ScriptedService(.answer(status, "Oops"))) == .unavailable("Astakos: status \(status) \"Oops\""))
    }

    @Test func `no connection means that nobody can say, after three attempts`() async {
        let service = ScriptedService(.fails(.connectFailed("refused")))
        #expect(await fault(service) == .unavailable("Astakos: \(TransportError.connectFailed("refused"))"))
        #expect(service.seen.count == 3)
    }

    @Test(arguments: ["a b", "", "a\r\nb", "é"])
    func `what fits no header is rejected without a call`(token: String) async {
        let service = ScriptedService(.answer(200, Self.access(id: token)))
        let fault = await #expect(throws: IdentityFault.self) { try await ask(service, token: token) }
        #expect(fault == .rejected("not the form of a token") && service.seen.isEmpty)
    }

    @Test func `an end that cannot be read is no end`() async throws {
        let body = Self.access().replacing("2013-06-19T15:23:59.975572+00:00", with: "tomorrow")
        #expect(try await ask(ScriptedService(.answer(200, body))).expires == nil)
    }
}
