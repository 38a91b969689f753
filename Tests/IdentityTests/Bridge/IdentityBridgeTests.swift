import Images
import Synchronization
import Testing
import Upstream

@testable import Identity

/// Tokens for callers whom Keystone does not know.
@Suite struct IdentityBridgeTests {
    static let alice = Caller(token: "astakos-alice", user: "alice", tenant: "lab", system: .astakos)

    static func map(_ secret: TemporarySecret) -> BridgeMap {
        BridgeMap(
            users: ["alice": "research", "carol": "sales", "dave": "nowhere"],
            projects: [
                "research": .applicationCredential(id: "ac-research", secretFile: secret.path),
                "sales": .trust(id: "t-sales"),
            ])
    }

    /// A Keystone that gives the roles and counts its tokens.
    static func keystone(roles: [String] = ["member"], life: Int64 = 3600) -> FakeKeystone {
        FakeKeystone { _, count in .granted("BRIDGED\(count)", life: life * Int64(count + 1), roles: roles) }
    }

    private static func failure(_ body: () async throws -> Void) async -> Failure? {
        do {
            try await body()
            return nil
        } catch {
            return error as? Failure
        }
    }

    @Test func `a mapped caller becomes one of Keystone's, with a token that is kept and renewed`() async throws {
        let secret = try TemporarySecret("ac-secret")
        let clock = FakeClock()
        let keystone = Self.keystone(roles: ["Member", "reader"])
        let bridge = IdentityBridge(transport: keystone, map: Self.map(secret), clock: clock.time)
        let callers = try await KeystoneFixture.onLoop {
            var callers: [Caller] = []
            for time in [0, 3000, 3590] as [Int64] {
                clock.set(time)
                callers.append(try await bridge.caller(for: Self.alice))
            }
            return callers
        }
        #expect(callers.map(\.token) == ["BRIDGED0", "BRIDGED0", "BRIDGED1"])
        let caller = try #require(callers.first)
        #expect(caller.user == "u1" && caller.tenant == "p1" && caller.roles == ["Member", "reader"])
        #expect(caller.system == .keystone)
        #expect(caller.expires == Timestamp(seconds: FakeKeystone.now.seconds + 3600))
        #expect(
            keystone.requests.first?.body
                == #"{"auth":{"identity":{"methods":["application_credential"],"#
                + #""application_credential":{"id":"ac-research","secret":"ac-secret"}}}}"#)
    }

    @Test func `a trust is used by the trustee, and by nobody without one`() async throws {
        let secret = try TemporarySecret("trustee-pw")
        let carol = Caller(token: "t", user: "carol", system: .astakos)
        let keystone = Self.keystone()
        let trustee = IdentityBridge.Trustee(
            user: KeystoneUser(name: "baleen", domain: "Default"), secretFile: secret.path)
        let bridge = IdentityBridge(
            transport: keystone, map: Self.map(secret), settings: .init(trustee: trustee), clock: FakeClock().time)
        let without = IdentityBridge(transport: keystone, map: Self.map(secret), clock: FakeClock().time)
        let (caller, failure) = try await KeystoneFixture.onLoop {
            (
                try await bridge.caller(for: carol),
                await Self.failure { _ = try await without.caller(for: carol) }
            )
        }
        #expect(caller.token == "BRIDGED0")
        #expect(
            keystone.requests.map(\.body) == [
                #"{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"baleen","#
                    + #""domain":{"name":"Default"},"password":"trustee-pw"}}},"#
                    + #""scope":{"OS-TRUST:trust":{"id":"t-sales"}}}}"#
            ])
        #expect(failure?.kind == .unavailable)
        #expect(failure?.cause?.contains("trustee") == true)
    }

    @Test(arguments: [
        Caller(token: "SECRET", user: "mallory", system: .astakos),
        Caller(token: "SECRET", user: "dave", system: .astakos),
        Caller(token: "SECRET", user: nil, system: .gateway),
    ])
    func `who has no project is forbidden, and Keystone is not asked`(caller: Caller) async throws {
        let secret = try TemporarySecret("pw")
        let keystone = Self.keystone()
        let bridge = IdentityBridge(transport: keystone, map: Self.map(secret), clock: FakeClock().time)
        let failure = try await KeystoneFixture.onLoop {
            await Self.failure { _ = try await bridge.caller(for: caller) }
        }
        #expect(failure?.kind == .forbidden)
        #expect(failure?.message == "You have no project in the image registry's identity system")
        #expect(keystone.requests.isEmpty)
    }

    struct Roles: Sendable, CustomTestStringConvertible {
        let given: [String]
        var allowed = IdentityBridge.defaultRoles
        var own: [String] = []
        let refused: String?
        var testDescription: String { "\(given) allowed \(allowed) own \(own)" }
    }

    @Test(arguments: [
        Roles(given: ["member"], refused: nil),
        Roles(given: ["_member_", "Reader", "MEMBER"], refused: nil),
        Roles(given: [], refused: nil),
        Roles(given: ["member", "manager"], refused: "manager"),
        Roles(given: ["member", "admin"], refused: "admin"),
        Roles(given: ["Admin"], own: ["admin"], refused: "Admin"),
        Roles(given: ["admin"], allowed: ["admin"], refused: "admin"),
        Roles(given: ["ADMIN"], allowed: ["admin"], own: ["member"], refused: "ADMIN"),
        Roles(given: ["admin"], allowed: ["admin"], own: ["Admin"], refused: nil),
        Roles(given: ["member"], allowed: [], refused: "member"),
        Roles(given: ["member "], refused: "member "),
        Roles(given: ["reader", "heat_stack_owner"], allowed: ["reader", "heat_stack_owner"], refused: nil),
    ])
    func `roles never rise`(_ roles: Roles) async throws {
        let secret = try TemporarySecret("pw")
        let keystone = Self.keystone(roles: roles.given)
        let bridge = IdentityBridge(
            transport: keystone, map: Self.map(secret), settings: .init(allowedRoles: roles.allowed),
            clock: FakeClock().time)
        var caller = Self.alice
        caller.roles = roles.own
        let asking = caller
        let (bridged, failure) = try await KeystoneFixture.onLoop { () -> (Caller?, Failure?) in
            do throws(Failure) {
                return (try await bridge.caller(for: asking), nil)
            } catch {
                return (nil, error)
            }
        }
        guard let refused = roles.refused else {
            #expect(bridged?.roles == roles.given && failure == nil)
            return
        }
        #expect(bridged == nil)
        #expect(failure?.kind == .forbidden)
        #expect(failure?.cause?.contains("project research") == true)
        #expect(failure?.cause?.contains("role \(refused),") == true)
        #expect(failure?.message.contains(refused) == false)
        #expect(failure?.cause?.contains("BRIDGED") == false)
    }

    @Test(arguments: [
        FakeKeystone.Answer.status(401, "ac-secret"), .status(500), .status(201, "{}"),
        .init(status: 201, token: "BRIDGED", body: FakeKeystone.document(scope: "")),
    ])
    func `without a token nobody passes, and it is the service's fault`(answer: FakeKeystone.Answer) async throws {
        let secret = try TemporarySecret("ac-secret")
        let bridge = IdentityBridge(
            transport: FakeKeystone { _, _ in answer }, map: Self.map(secret), clock: FakeClock().time)
        let failure = try await KeystoneFixture.onLoop {
            await Self.failure { _ = try await bridge.caller(for: Self.alice) }
        }
        #expect(failure?.kind == .unavailable && failure?.retryAfter != nil)
        let text = "\(failure?.message ?? "") \(failure?.cause ?? "")"
        #expect(text.contains("project research"))
        for word in ["ac-secret", "BRIDGED", "astakos-alice"] { #expect(!text.contains(word)) }
    }

    @Test func `callers whom Keystone knows, or nobody was asked about, are not concerned`() throws {
        let secret = try TemporarySecret("pw")
        let bridge = IdentityBridge(transport: Self.keystone(), map: Self.map(secret))
        var concerned: [Caller.System: Bool] = [:]
        for system in Caller.System.allCases {
            concerned[system] = bridge.concerns(Caller(token: "t", user: "alice", system: system))
            #expect(!bridge.concerns(Caller(user: "alice", system: system)))
            #expect(!bridge.concerns(Caller(token: "", user: "alice", system: system)))
        }
        #expect(concerned == [.unasked: false, .keystone: false, .gateway: true, .astakos: true])
    }

    @Test func `a changed map counts at once for projects that are gone or reached otherwise`() async throws {
        let secret = try TemporarySecret("pw")
        let keystone = Self.keystone()
        let first = Self.map(secret)
        let bridge = IdentityBridge(transport: keystone, map: first, clock: FakeClock().time)
        let (tokens, failure) = try await KeystoneFixture.onLoop { () -> ([String?], Failure?) in
            var tokens = [try await bridge.caller(for: Self.alice).token]
            bridge.replace(first)
            tokens.append(try await bridge.caller(for: Self.alice).token)
            var other = first
            other.projects["research"] = .applicationCredential(id: "ac-new", secretFile: secret.path)
            bridge.replace(other)
            tokens.append(try await bridge.caller(for: Self.alice).token)
            other.users["alice"] = nil
            bridge.replace(other)
            return (tokens, await Self.failure { _ = try await bridge.caller(for: Self.alice) })
        }
        #expect(tokens == ["BRIDGED0", "BRIDGED0", "BRIDGED1"])
        #expect(keystone.requests.last?.body.contains("ac-new") == true)
        #expect(failure?.kind == .forbidden)
    }

    @Test func `the map is looked at again now and then, never on the loop`() async throws {
        let secret = try TemporarySecret("pw")
        let first = Self.map(secret)
        let looks = Mutex(0)
        let bridge = IdentityBridge(
            transport: Self.keystone(), map: BridgeMap(),
            reload: {
                looks.withLock { looks in
                    looks += 1
                    return looks == 2 ? first : nil
                }
            }, settings: .init(reloadPause: .zero), clock: FakeClock().time)
        let (before, after, later) = try await KeystoneFixture.onLoop {
            (
                await Self.failure { _ = try await bridge.caller(for: Self.alice) },
                try await bridge.caller(for: Self.alice), try await bridge.caller(for: Self.alice)
            )
        }
        #expect(before?.kind == .forbidden)
        #expect(after.token == "BRIDGED0" && later.token == "BRIDGED0")
        #expect(looks.withLock { $0 } == 3)
    }

    @Test func `kept sessions are bounded, the least recently used go`() async throws {
        let secret = try TemporarySecret("pw")
        let limit = IdentityBridge.maxSessions
        var map = BridgeMap(template: BridgeTemplate("{user}"))
        for index in 0...limit {
            map.projects["p\(index)"] = .applicationCredential(id: "ac", secretFile: secret.path)
        }
        let keystone = Self.keystone()
        let bridge = IdentityBridge(transport: keystone, map: map, clock: FakeClock().time)
        @Sendable func caller(_ index: Int) -> Caller { Caller(token: "t", user: "p\(index)", system: .astakos) }
        let counts = try await KeystoneFixture.onLoop { () -> [Int] in
            for index in 0..<limit { _ = try await bridge.caller(for: caller(index)) }
            _ = try await bridge.caller(for: caller(0))
            _ = try await bridge.caller(for: caller(limit))
            var counts = [keystone.requests.count]
            for index in [0, limit, 1] {
                _ = try await bridge.caller(for: caller(index))
                counts.append(keystone.requests.count)
            }
            return counts
        }
        #expect(counts == [limit + 1, limit + 1, limit + 1, limit + 2])
    }
}
