import Bytes
import EventLoop
import Images
import Posix
import Synchronization
import Testing

@testable import Identity

/// What is remembered of tokens, for how long, and how often the service is asked.
@Suite struct TokenCacheTests {
    /// A provider before a service, under a clock moved by hand.
    struct Fixture: Sendable {
        let service = CountingService()
        let time = HandClock()
        let cache: TokenCache
        let identity: CachedIdentity

        init(_ change: (inout TokenCacheSettings) -> Void = { _ in }) {
            var settings = TokenCacheSettings()
            // A question is held until a test says so, however long a busy machine keeps the test waiting.
            settings.patience = .seconds(3600)
            change(&settings)
            cache = TokenCache(settings, clock: time.clock)
            identity = CachedIdentity(service, cache: cache)
        }

        /// The user behind a token, or the kind of the failure.
        func user(_ token: String) async -> String {
            do { return try await identity.caller(for: token).user ?? "nobody" } catch { return error.kind.rawValue }
        }
    }

    @Test func `a caller is asked for once, and comes back whole with the token of the request`() async throws {
        let fixture = Fixture()
        fixture.service.expires = Timestamp(seconds: 1_800_000_000, microseconds: 5)
        let callers = try await onLoop { _ in
            [try await fixture.identity.caller(for: "token-1"), try await fixture.identity.caller(for: "token-1")]
        }
        for caller in callers {
            #expect(caller.token == "token-1" && caller.user == "user of token-1" && caller.tenant == "tenant")
            #expect(caller.roles == ["member", "a role with a long name"] && caller.system == .keystone)
            #expect(caller.expires == Timestamp(seconds: 1_800_000_000, microseconds: 5))
        }
        #expect(fixture.service.asked == ["token-1"])
        #expect(fixture.cache.usage.hits == 1 && fixture.cache.usage.lookups == 1 && fixture.cache.usage.known == 1)
    }

    @Test func `a thousand requests on several loops with one new token ask once`() async throws {
        let fixture = Fixture()
        fixture.service.hold()
        let group = try EventLoopGroup(loops: 4)
        defer { group.stop() }
        let requests = (0..<1000).map { _ in
            let loop = group.next()
            return loop.spawn {
                let user = await fixture.user("token-1")
                return (user, loop.isCurrent)
            }
        }
        let watcher = group.next()
        let all = await watcher.spawn { await holds(on: watcher) { fixture.cache.waiting(for: "token-1") == 1000 } }
            .value
        #expect(all)
        fixture.service.release()
        for request in requests {
            let (user, isHome) = await request.value
            #expect(user == "user of token-1" && isHome)
        }
        #expect(fixture.service.asked == ["token-1"])
    }

    @Test func `who asks for another token does not wait`() async throws {
        let fixture = Fixture()
        fixture.service.hold()
        let users = try await onLoop { loop -> [String] in
            let slow = loop.spawn { await fixture.user("slow") }
            guard await holds(on: loop, { fixture.cache.waiting(for: "slow") == 1 }) else { return ["nobody came"] }
            let asked = loop.spawn { await fixture.user("other") }
            guard await holds(on: loop, { fixture.service.asked.count == 2 }) else { return ["nobody asked"] }
            fixture.service.release()
            return [await slow.value, await asked.value]
        }
        #expect(users == ["user of slow", "user of other"])
    }

    @Test func `a client that goes away ends its own waiting only`() async throws {
        let fixture = Fixture()
        fixture.service.hold()
        let results = try await onLoop { loop -> [String] in
            let first = loop.spawn { await fixture.user("token-1") }
            guard await holds(on: loop, { fixture.cache.waiting(for: "token-1") == 1 }) else { return [] }
            let second = loop.spawn { await fixture.user("token-1") }
            guard await holds(on: loop, { fixture.cache.waiting(for: "token-1") == 2 }) else { return [] }
            first.cancel()
            var results = [await first.value]
            #expect(fixture.cache.waiting(for: "token-1") == 1)
            fixture.service.release()
            results.append(await second.value)
            results.append(await fixture.user("token-1"))
            return results
        }
        #expect(results == ["clientDisconnected", "user of token-1", "user of token-1"])
        #expect(fixture.service.asked == ["token-1"])
    }

    @Test func `an answer that nobody waits for any more is remembered all the same`() async throws {
        let fixture = Fixture()
        fixture.service.hold()
        let user = try await onLoop { loop -> String in
            let only = loop.spawn { await fixture.user("token-1") }
            guard await holds(on: loop, { fixture.cache.waiting(for: "token-1") == 1 }) else { return "nobody" }
            only.cancel()
            _ = await only.value
            fixture.service.release()
            guard await holds(on: loop, { fixture.cache.usage.known == 1 }) else { return "not remembered" }
            return await fixture.user("token-1")
        }
        #expect(user == "user of token-1")
        #expect(fixture.service.asked == ["token-1"])
    }

    @Test(arguments: [(59.9, 1), (60.0, 2), (3600.0, 2)])
    func `a caller is believed for a minute`(seconds: Double, questions: Int) async throws {
        let fixture = Fixture()
        try await onLoop { _ in
            _ = await fixture.user("token-1")
            fixture.time.advance(seconds)
            #expect(await fixture.user("token-1") == "user of token-1")
        }
        #expect(fixture.service.asked.count == questions)
    }

    @Test func `an answer that came late is believed from the question on`() async throws {
        let fixture = Fixture()
        fixture.service.hold()
        try await onLoop { loop in
            let slow = loop.spawn { await fixture.user("token-1") }
            #expect(await holds(on: loop) { fixture.service.asked.count == 1 })
            fixture.time.advance(50)
            fixture.service.release()
            #expect(await slow.value == "user of token-1")
            fixture.time.advance(9.9)
            _ = await fixture.user("token-1")
            #expect(fixture.service.asked.count == 1)
            fixture.time.advance(0.1)
            _ = await fixture.user("token-1")
            #expect(fixture.service.asked.count == 2)
        }
    }

    @Test(arguments: [(9.9, 1), (10.0, 2)])
    func `no caller is believed beyond the end of the token`(seconds: Double, questions: Int) async throws {
        let fixture = Fixture()
        fixture.service.expires = Timestamp(seconds: HandClock.start.seconds + 10)
        try await onLoop { _ in
            _ = await fixture.user("token-1")
            fixture.time.advance(seconds)
            _ = await fixture.user("token-1")
        }
        #expect(fixture.service.asked.count == questions)
    }

    /// Astakos marks local time as UTC: what it accepts now is accepted, whatever end it names.
    @Test func `an answer whose end is past already serves its request and is not kept`() async throws {
        let fixture = Fixture()
        fixture.service.expires = Timestamp(seconds: HandClock.start.seconds - 3600)
        try await onLoop { _ in
            for _ in 0..<2 { #expect(await fixture.user("token-1") == "user of token-1") }
        }
        #expect(fixture.service.asked.count == 2 && fixture.cache.usage.known == 0)
    }

    @Test(arguments: [(4.9, 1), (5.0, 2)])
    func `an unknown token stays unknown for five seconds`(seconds: Double, questions: Int) async throws {
        let fixture = Fixture()
        fixture.service.fault = .rejected("revoked")
        try await onLoop { _ in
            do throws(Failure) {
                _ = try await fixture.identity.caller(for: "token-1")
                Issue.record("was accepted")
            } catch {
                #expect(error.kind == .tokenRejected && error.cause == "revoked")
                #expect(error.message == "Access denied. Invalid authentication token")
            }
            fixture.time.advance(seconds)
            #expect(await fixture.user("token-1") == "tokenRejected")
        }
        #expect(fixture.service.asked.count == questions)
    }

    @Test(arguments: [IdentityFault.rejected("x"), nil])
    func `what is forgotten is asked for again`(fault: IdentityFault?) async throws {
        let fixture = Fixture()
        fixture.service.fault = fault
        try await onLoop { _ in
            _ = await fixture.user("token-1")
            fixture.identity.forget("token-1")
            fixture.service.fault = fault == nil ? .rejected("x") : nil
            #expect(await fixture.user("token-1") == (fault == nil ? "tokenRejected" : "user of token-1"))
        }
    }

    @Test func `an answer that was under way when its token was forgotten is not kept`() async throws {
        let fixture = Fixture()
        fixture.service.hold()
        try await onLoop { loop in
            let request = loop.spawn { await fixture.user("token-1") }
            #expect(await holds(on: loop) { fixture.cache.waiting(for: "token-1") == 1 })
            fixture.identity.forget("token-1")
            fixture.service.release()
            #expect(await request.value == "user of token-1")
            fixture.service.fault = .rejected("revoked")
            #expect(await fixture.user("token-1") == "tokenRejected")
        }
    }

    @Test func `while the service is away only those who are remembered go on`() async throws {
        let fixture = Fixture()
        try await onLoop { _ in
            _ = await fixture.user("known")
            fixture.service.fault = .unavailable("connection refused")
            #expect(await fixture.user("known") == "user of known")
            for _ in 0..<2 {
                do throws(Failure) {
                    _ = try await fixture.identity.caller(for: "new")
                    Issue.record("was accepted")
                } catch {
                    #expect(error.kind == .unavailable && error.retryAfter == "5")
                    #expect(error.cause == "connection refused" && error.message.isEmpty)
                }
            }
            #expect(fixture.service.asked == ["known", "new", "new"])
            fixture.service.fault = nil
            #expect(await fixture.user("new") == "user of new")
            fixture.service.fault = .unavailable("connection refused")
            fixture.time.advance(60)
            #expect(await fixture.user("known") == "unavailable")
        }
    }

    @Test func `a service that does not answer is given up`() async throws {
        let fixture = Fixture { $0.patience = .milliseconds(50) }
        fixture.service.hold()
        try await onLoop { _ in
            #expect(await fixture.user("token-1") == "unavailable")
            fixture.service.release()
            #expect(await fixture.user("token-1") == "user of token-1")
        }
    }

    @Test func `no more tokens are looked up at once than allowed`() async throws {
        let fixture = Fixture { ($0.maxTokens, $0.maxLookups) = (100, 2) }
        fixture.service.hold()
        try await onLoop { loop in
            let waiting = (0..<2).map { number in loop.spawn { await fixture.user("token-\(number)") } }
            #expect(await holds(on: loop) { fixture.service.asked.count == 2 })
            #expect(await fixture.user("token-2") == "unavailable")
            fixture.service.release()
            for each in waiting { #expect(await each.value.hasPrefix("user of")) }
            #expect(await fixture.user("token-2") == "user of token-2")
        }
    }

    @Test(arguments: [nil, ""] as [String?])
    func `without a token nobody is asked`(token: String?) async {
        let fixture = Fixture()
        let failure = await #expect(throws: Failure.self) { try await fixture.identity.caller(for: token) }
        #expect(failure?.kind == .unauthorized && fixture.service.asked.isEmpty)
    }

    @Test(arguments: ["a b", "a\r\nX-Admin: yes", "é", "\u{0}", String(repeating: "x", count: (32 << 10) + 1)])
    func `what cannot be a token is rejected without a question`(token: String) async {
        let fixture = Fixture()
        let failure = await #expect(throws: Failure.self) { try await fixture.identity.caller(for: token) }
        #expect(failure?.kind == .tokenRejected && fixture.service.asked.isEmpty)
    }
}

/// How large a cache grows.
@Suite struct TokenCacheBoundTests {
    @Test(arguments: [1 << 20, 8 << 20])
    func `twelve thousand tokens stay within number and memory`(bytes: Int) async throws {
        let fixture = TokenCacheTests.Fixture { $0.maxBytes = bytes }
        try await onLoop { _ in
            for number in 0..<12_000 {
                _ = await fixture.user("token-\(number)")
                if number % 1000 == 0 { #expect(fixture.cache.usage.bytes <= bytes) }
            }
        }
        let usage = fixture.cache.usage
        #expect(usage.bytes <= bytes && usage.bytes > bytes / 2)
        #expect(usage.known <= 10_000 && usage.known > bytes / 1000)
        #expect(usage.lookups == 12_000)
    }

    @Test func `the least recently used token goes first`() async throws {
        // One of the eight places is for unknown tokens.
        let fixture = TokenCacheTests.Fixture { $0.maxTokens = 8 }
        try await onLoop { _ in
            for number in 0..<7 { _ = await fixture.user("token-\(number)") }
            _ = await fixture.user("token-0")
            _ = await fixture.user("token-7")
            _ = await fixture.user("token-0")
            #expect(fixture.service.asked.count == 8)
            _ = await fixture.user("token-1")
            #expect(fixture.service.asked.count == 9)
        }
        #expect(fixture.cache.usage.known == 7)
    }

    @Test func `made-up tokens push out nobody who is known`() async throws {
        let fixture = TokenCacheTests.Fixture { $0.maxTokens = 800 }
        try await onLoop { _ in
            for number in 0..<700 { _ = await fixture.user("token-\(number)") }
            fixture.service.fault = .rejected(String(repeating: "no", count: 1000))
            for number in 0..<5000 { _ = await fixture.user("made-up-\(number)") }
            #expect(fixture.cache.usage.unknown == 100 && fixture.cache.usage.known == 700)
            for number in 0..<700 { #expect(await fixture.user("token-\(number)") == "user of token-\(number)") }
        }
    }

    @Test func `a caller larger than the whole memory is not kept`() async throws {
        let fixture = TokenCacheTests.Fixture { $0.maxBytes = 300 }
        try await onLoop { _ in
            for _ in 0..<2 { #expect(await fixture.user("token-1") == "user of token-1") }
        }
        #expect(fixture.service.asked.count == 2 && fixture.cache.usage.bytes == 0)
    }

    @Test func `what is kept of a caller holds no token`() {
        let known = KnownCaller(Caller(token: "secret-that-nobody-sees", user: "alice"), end: .distantFuture)
        var text = ""
        dump(known, to: &text)
        #expect(text.contains("alice") && !text.contains("secret"))
        #expect(known.caller("other").token == "other")
    }
}

/// The table below the cache, against a plain model.
@Suite struct LRUTableTests {
    @Test func `a long play goes as with a list`() throws {
        var table = LRUTable<Int>(maxCount: 5, maxBytes: 100)
        var model: [(key: Int, value: Int, bytes: Int)] = []
        var random = UInt64(42)
        func next(_ bound: Int) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(random >> 33) % bound
        }
        let keys = try (0..<9).map { try SHA256Digest(of: "\($0)") }
        for step in 0..<5000 {
            let key = next(9)
            let place = model.firstIndex { $0.key == key }
            switch next(4) {
            case 0:
                table.remove(keys[key])
                if let place { model.remove(at: place) }
            case 1:
                let size = next(45) * 3
                table.insert(step, for: keys[key], bytes: size)
                if let place { model.remove(at: place) }
                guard size <= 100 else { break }
                while model.count >= 5 || model.reduce(size, { $0 + $1.bytes }) > 100 { model.removeFirst() }
                model.append((key, step, size))
            default:
                #expect(table.use(keys[key]) == place.map { model[$0].value })
                if let place { model.append(model.remove(at: place)) }
            }
            #expect(table.count == model.count && table.bytes == model.reduce(0) { $0 + $1.bytes })
        }
    }
}
