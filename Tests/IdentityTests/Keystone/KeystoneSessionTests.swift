import EventLoop
import Images
import Synchronization
import Testing
import Upstream

@testable import Identity

/// The gateway's own token: how it is got, kept and renewed.
@Suite struct KeystoneSessionTests {
    struct Document: Sendable, CustomTestStringConvertible {
        let kind: KeystoneCredential.Kind
        var version = KeystoneVersion.v3
        let target: String
        let json: String
        var testDescription: String { "\(version.rawValue) \(kind)" }
    }

    private static let user = KeystoneUser(name: "baleen", domain: "Infra")

    @Test(arguments: [
        Document(
            kind: .password(user, project: "service", projectDomain: "Default"), target: "/auth/tokens?nocatalog",
            json: #"{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"baleen","#
                + #""domain":{"name":"Infra"},"password":"s3\"cret"}}},"#
                + #""scope":{"project":{"name":"service","domain":{"name":"Default"}}}}}"#),
        Document(
            kind: .applicationCredential(id: "ac1"), target: "/auth/tokens?nocatalog",
            json: #"{"auth":{"identity":{"methods":["application_credential"],"#
                + #""application_credential":{"id":"ac1","secret":"s3\"cret"}}}}"#),
        Document(
            kind: .trust(id: "t1", user), target: "/auth/tokens?nocatalog",
            json: #"{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"baleen","#
                + #""domain":{"name":"Infra"},"password":"s3\"cret"}}},"scope":{"OS-TRUST:trust":{"id":"t1"}}}}"#),
        Document(
            kind: .password(user, project: "service", projectDomain: ""), version: .v2, target: "/tokens",
            json: #"{"auth":{"passwordCredentials":{"username":"baleen","password":"s3\"cret"},"#
                + #""tenantName":"service"}}"#),
    ])
    func `each credential is shown in Keystone's own document`(_ wanted: Document) async throws {
        let secret = try TemporarySecret("s3\"cret\n")
        let keystone = FakeKeystone { _, _ in
            wanted.version == .v3 ? .granted("T1") : .status(200, KeystoneTokensTests.v2Document(token: "T1"))
        }
        let session = KeystoneSession(
            transport: keystone, version: wanted.version, credential: .init(wanted.kind, secretFile: secret.path),
            clock: FakeClock().time)
        let grant = try await KeystoneFixture.onLoop { try await session.grant() }
        let request = try #require(keystone.requests.first)
        #expect(request.line == "POST \(wanted.target)")
        #expect(request.body == wanted.json)
        #expect(request.contentType == "application/json")
        #expect(request.token == nil)
        #expect(grant.token == "T1")
        #expect(grant.claims.user == "u1")
        #expect(grant.claims.project == "p1")
    }

    @Test(arguments: [KeystoneCredential.Kind.applicationCredential(id: "a"), .trust(id: "t", user)])
    func `v2 has passwords only, and nobody is asked`(kind: KeystoneCredential.Kind) async throws {
        let keystone = FakeKeystone { _, _ in .granted("T1") }
        let session = KeystoneSession(
            transport: keystone, version: .v2, credential: .init(kind, secretFile: "/dev/null"))
        let fault = try await KeystoneFixture.onLoop { await KeystoneFixture.fault { _ = try await session.grant() } }
        #expect(fault.map { !$0.isRejection } == true)
        #expect(keystone.requests.isEmpty)
    }

    @Test(arguments: [(3600, 3539, 3540), (100, 89, 90), (600, 539, 540), (10, 8, 9)] as [(Int64, Int64, Int64)])
    func `a token is kept until shortly before its end`(life: Int64, kept: Int64, renewed: Int64) async throws {
        let secret = try TemporarySecret("pw")
        let clock = FakeClock()
        let keystone = FakeKeystone { _, count in .granted("T\(count)", life: life * Int64(count + 1)) }
        let session = KeystoneSession(
            transport: keystone, credential: KeystoneFixture.password(secret), clock: clock.time)
        let tokens = try await KeystoneFixture.onLoop {
            var tokens: [String] = []
            for time in [0, kept, renewed] {
                clock.set(time)
                tokens.append(try await session.grant().token)
            }
            return tokens
        }
        #expect(tokens == ["T0", "T0", "T1"])
        #expect(keystone.requests.count == 2)
    }

    @Test func `an old token serves while a new one cannot be had, and not past its end`() async throws {
        let secret = try TemporarySecret("pw")
        let clock = FakeClock()
        let keystone = FakeKeystone { (_, count) async throws(TransportError) in
            if count > 0 { throw .tlsFailed("no") }
            return .granted("T0")
        }
        let session = KeystoneSession(
            transport: keystone, credential: KeystoneFixture.password(secret), clock: clock.time)
        let (late, fault) = try await KeystoneFixture.onLoop {
            _ = try await session.grant()
            clock.set(3599)
            let late = try await session.grant().token
            clock.set(3600)
            return (late, await KeystoneFixture.fault { _ = try await session.grant() })
        }
        #expect(late == "T0")
        #expect(fault.map { !$0.isRejection } == true)
    }

    @Test func `a discarded token is never given again, and the secret is read anew`() async throws {
        let secret = try TemporarySecret("first\r\n")
        let keystone = FakeKeystone { _, count in .granted("T\(count)") }
        let session = KeystoneSession(
            transport: keystone, credential: KeystoneFixture.password(secret), clock: FakeClock().time)
        let tokens = try await KeystoneFixture.onLoop {
            var tokens = [try await session.grant().token]
            secret.write(Array("second".utf8))
            session.discard("T9")
            tokens.append(try await session.grant().token)
            session.discard("T0")
            tokens.append(try await session.grant().token)
            return tokens
        }
        #expect(tokens == ["T0", "T0", "T1"])
        #expect(keystone.requests.map { $0.body.contains(#""password":"first""#) } == [true, false])
        #expect(keystone.requests.map { $0.body.contains(#""password":"second""#) } == [false, true])
    }

    @Test func `one authentication is under way for all loops, and outlives who asked first`() async throws {
        let secret = try TemporarySecret("pw")
        let keystone = FakeKeystone { (_, _) async throws(TransportError) in
            guard let loop = EventLoop.current else { throw .failed("no loop") }
            _ = await LoopWait<Void>(loop).outcome(within: .milliseconds(50))
            if Task.isCancelled { throw .cancelled }
            return .granted("T0")
        }
        let session = KeystoneSession(
            transport: keystone, credential: KeystoneFixture.password(secret), clock: FakeClock().time)
        let group = try EventLoopGroup(loops: 2)
        defer { group.stop() }
        let first = group.loops[0].spawn { _ = try? await session.grant() }
        try await KeystoneFixture.run(on: group.loops[0]) {}
        first.cancel()
        let tokens = try await withThrowingTaskGroup(of: String.self) { tasks in
            for index in 0..<100 {
                let loop = group.loops[index % 2]
                tasks.addTask { try await KeystoneFixture.run(on: loop) { try await session.grant().token } }
            }
            return try await tasks.reduce(into: Set<String>()) { $0.insert($1) }
        }
        await first.value
        #expect(tokens == ["T0"])
        #expect(keystone.requests.count == 1)
    }

    @Test(.timeLimit(.minutes(10)))
    func `a client that goes away waits no longer, and ends nobody else's waiting`() async throws {
        let secret = try TemporarySecret("pw")
        let isOpen = Atomic(false)
        let keystone = FakeKeystone { (_, _) async throws(TransportError) in
            guard let loop = EventLoop.current else { throw .failed("no loop") }
            while !isOpen.load(ordering: .relaxed) {
                _ = await LoopWait<Void>(loop).outcome(within: .milliseconds(2))
            }
            return .granted("T0")
        }
        let session = KeystoneSession(
            transport: keystone, credential: KeystoneFixture.password(secret), clock: FakeClock().time)
        let group = try EventLoopGroup(loops: 1)
        defer { group.stop() }
        let gone = group.loops[0].spawn { await KeystoneFixture.fault { _ = try await session.grant() } }
        let staying = group.loops[0].spawn { try? await session.grant().token }
        while keystone.requests.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
        gone.cancel()
        let fault = await gone.value
        isOpen.store(true, ordering: .relaxed)
        let token = await staying.value
        #expect(fault == .unavailable("Keystone: cancelled"))
        #expect(token == "T0")
        #expect(keystone.requests.count == 1)
    }

    @Test func `a refused credential is not tried again at once`() async throws {
        let secret = try TemporarySecret("pw-secret")
        let clock = FakeClock()
        let keystone = FakeKeystone { request, count in
            count == 0 ? .status(401, "{\"error\":{\"message\":\"wrong: pw-secret\"}}") : .granted("T1")
        }
        let session = KeystoneSession(
            transport: keystone, credential: KeystoneFixture.password(secret), clock: clock.time)
        let (faults, token) = try await KeystoneFixture.onLoop {
            var faults: [IdentityFault?] = []
            for time in [0, 4] as [Int64] {
                clock.set(time)
                faults.append(await KeystoneFixture.fault { _ = try await session.grant() })
            }
            clock.set(5)
            return (faults, try await session.grant().token)
        }
        #expect(faults.count == 2 && faults[0] == faults[1])
        for fault in faults {
            let text = try #require(fault).text
            #expect(fault?.isRejection == false)
            #expect(text.contains("user baleen") && text.contains("401"))
            #expect(!text.contains("pw-secret"))
        }
        #expect(token == "T1")
        #expect(keystone.requests.count == 2)
    }

    struct BadAnswer: Sendable, CustomTestStringConvertible {
        let what: String
        let answer: FakeKeystone.Answer
        init(_ what: String, _ answer: FakeKeystone.Answer) {
            self.what = what
            self.answer = answer
        }
        var testDescription: String { what }
    }

    private static let document = FakeKeystone.document()

    @Test(arguments: [
        BadAnswer("no token", .init(status: 201, body: document)),
        BadAnswer("an empty token", .init(status: 201, token: "", body: document)),
        BadAnswer("a blank in the token", .init(status: 201, token: "SECRET T", body: document)),
        BadAnswer("a token too long", .init(status: 201, token: String(repeating: "x", count: 16385), body: document)),
        BadAnswer("no document", .init(status: 201, token: "SECRET")),
        BadAnswer("no JSON", .init(status: 201, token: "SECRET", body: "<html>SECRET</html>")),
        BadAnswer("no expiry", .init(status: 201, token: "SECRET", body: #"{"token":{"user":{"id":"u"}}}"#)),
        BadAnswer(
            "an expiry that is none",
            .init(status: 201, token: "SECRET", body: #"{"token":{"user":{"id":"u"},"expires_at":"SECRET"}}"#)),
        BadAnswer(
            "roles that are none",
            .init(
                status: 201, token: "SECRET",
                body: #"{"token":{"user":{"id":"u"},"expires_at":"2026-01-01T01:00:00Z","roles":["SECRET"]}}"#)),
        BadAnswer("a redirect", .status(302)), BadAnswer("a choice", .status(300, "{}")),
        BadAnswer("a fault", .status(500, "pw-secret")), BadAnswer("a receipt", .init(status: 401, token: "SECRET")),
    ])
    func `an answer that gives no token is a fault that tells no secret`(_ bad: BadAnswer) async throws {
        let secret = try TemporarySecret("pw-secret")
        let keystone = FakeKeystone { _, _ in bad.answer }
        let session = KeystoneSession(
            transport: keystone, credential: KeystoneFixture.password(secret), clock: FakeClock().time)
        let fault = try await KeystoneFixture.onLoop { await KeystoneFixture.fault { _ = try await session.grant() } }
        let text = try #require(fault).text
        #expect(fault?.isRejection == false)
        #expect(!text.contains("SECRET") && !text.contains("pw-secret"))
    }

    @Test(arguments: [[], Array("\n\r\n".utf8), [UInt8](repeating: 0x78, count: 16385), [0x78, 0xff, 0xfe]])
    func `a file without a usable secret is a fault that names the path`(content: [UInt8]) async throws {
        let secret = try TemporarySecret("")
        secret.write(content)
        let keystone = FakeKeystone { _, _ in .granted("T") }
        let session = KeystoneSession(transport: keystone, credential: KeystoneFixture.password(secret))
        let fault = try await KeystoneFixture.onLoop { await KeystoneFixture.fault { _ = try await session.grant() } }
        #expect(fault?.text.contains(secret.path) == true)
        #expect(fault?.text.contains("xxx") == false)
        #expect(keystone.requests.isEmpty)
    }

    @Test(arguments: ["/nowhere/secret", "/tmp"])
    func `what is no file is a fault that names the path`(path: String) async throws {
        let keystone = FakeKeystone { _, _ in .granted("T") }
        let session = KeystoneSession(
            transport: keystone, credential: .init(.applicationCredential(id: "a"), secretFile: path))
        let fault = try await KeystoneFixture.onLoop { await KeystoneFixture.fault { _ = try await session.grant() } }
        #expect(fault?.text.contains(path) == true)
        #expect(keystone.requests.isEmpty)
    }

    @Test func `a grant shows its token to nobody`() {
        let claims = KeystoneClaims(user: "u", project: "p", roles: [], expires: FakeKeystone.now)
        let grant = KeystoneGrant(token: "SECRET", claims: claims)
        var dumped = "\(grant) \(String(reflecting: grant)) "
        dump(grant, to: &dumped)
        #expect(!dumped.contains("SECRET"))
    }
}
