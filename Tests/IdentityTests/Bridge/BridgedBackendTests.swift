import Bytes
import Images
import Synchronization
import Testing

@testable import Identity

/// Requests that cross the bridge.
@Suite struct BridgedBackendTests {
    /// A registry that remembers the callers and answers as told.
    private final class Registry: Backend {
        let seen = Mutex<[Caller]>([])
        let answer: @Sendable (Caller) throws(Failure) -> Int

        /// - Parameter answer: the status of a relayed answer, or a failure, for a caller.
        init(_ answer: @escaping @Sendable (Caller) throws(Failure) -> Int = { _ in 200 }) { self.answer = answer }

        var tokens: [String?] { seen.withLock { $0.map(\.token) } }

        func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
            seen.withLock { $0.append(request.caller) }
            let status = try answer(request.caller)
            switch request.operation {
            case .listImages: return .images(LatePage(fails: status == 401))
            case .describe: return .relayed(RelayedReply(status: status, fields: [], body: BytesBody([])))
            default: return .done
            }
        }

        func relay(_ message: RelayedMessage) async throws(Failure) -> RelayedReply {
            seen.withLock { $0.append(message.caller) }
            return RelayedReply(status: try answer(message.caller), fields: [], body: BytesBody([]))
        }

        func close() async {}
    }

    /// One image, then a page that is refused or the end.
    private final class LatePage: ImageSource {
        private var left: [Image] = [Image()]
        private let fails: Bool

        init(fails: Bool) { self.fails = fails }

        func next() async throws(Failure) -> Image? {
            if let image = left.popLast() { return image }
            if fails { throw Failure(.tokenRejected, challenge: "Keystone") }
            return nil
        }
    }

    private enum Way: String, CaseIterable, Sendable {
        case perform, relay
        /// A registry's own 401 as the outcome of an operation.
        case relayedOutcome
    }

    private struct Crossing: Sendable {
        var failure: Failure?
        var tokens: [String?]
        var users: [String?]
    }

    /// One request over a bridge, whose Keystone gives the tokens BRIDGED0, BRIDGED1...
    private func cross(
        _ way: Way, as caller: Caller = IdentityBridgeTests.alice, withData: Bool = false, times: Int = 1,
        _ answer: @escaping @Sendable (Caller) throws(Failure) -> Int = { _ in 200 }
    ) async throws -> Crossing {
        let secret = try TemporarySecret("pw")
        let bridge = IdentityBridge(
            transport: IdentityBridgeTests.keystone(), map: IdentityBridgeTests.map(secret), clock: FakeClock().time)
        let registry = Registry(answer)
        let backend = BridgedBackend(registry, bridge: bridge)
        let failure = try await KeystoneFixture.onLoop { () -> Failure? in
            var failure: Failure?
            for _ in 0..<times {
                do throws(Failure) {
                    try await Self.send(way, backend, caller, withData ? BytesBody([1]) : nil)
                    failure = nil
                } catch {
                    failure = error
                }
            }
            return failure
        }
        return Crossing(failure: failure, tokens: registry.tokens, users: registry.seen.withLock { $0.map(\.user) })
    }

    private static func send(
        _ way: Way, _ backend: BridgedBackend, _ caller: Caller, _ data: BytesBody?
    ) async throws(Failure) {
        switch way {
        case .perform, .relayedOutcome:
            let operation = way == .perform ? Operation.deleteImage(id: "i") : .describe(.importMethods)
            _ = try await backend.perform(
                BackendRequest(operation: operation, caller: caller, requestID: "req-1", data: data))
        case .relay:
            _ = try await backend.relay(
                RelayedMessage(
                    method: "GET", target: "/v2/tasks", fields: [], caller: caller, requestID: "req-1", body: data))
        }
    }

    @Test(arguments: Way.allCases)
    private func `a foreign caller comes to the registry as Keystone's`(way: Way) async throws {
        let crossing = try await cross(way)
        #expect(crossing.failure == nil)
        #expect(crossing.tokens == ["BRIDGED0"])
        #expect(crossing.users == ["u1"])
    }

    @Test(
        arguments: Way.allCases,
        [
            Caller(), Caller(token: "k", user: "alice", system: .keystone), Caller(token: "p", system: .unasked),
            Caller(user: "alice", system: .astakos),
        ])
    private func `others come as they are, and a refusal is their own`(way: Way, caller: Caller) async throws {
        let crossing = try await cross(way, as: caller) { (_) throws(Failure) in throw Failure(.tokenRejected) }
        #expect(crossing.tokens == [caller.token])
        #expect(crossing.users == [caller.user])
        #expect(crossing.failure?.kind == .tokenRejected)
    }

    @Test(arguments: Way.allCases, [Failure.Kind.tokenRejected, .unauthorized, nil])
    private func `a refused bridged token is replaced once`(way: Way, kind: Failure.Kind?) async throws {
        let crossing = try await cross(way, times: 2) { (caller) throws(Failure) in
            guard caller.token == "BRIDGED0" else { return 200 }
            if kind == nil, way != .perform { return 401 }
            throw Failure(kind ?? .tokenRejected, challenge: "Keystone")
        }
        #expect(crossing.failure == nil)
        #expect(crossing.tokens == ["BRIDGED0", "BRIDGED1", "BRIDGED1"])
    }

    @Test(arguments: Way.allCases)
    private func `refused twice it is the registry's fault, not the client's`(way: Way) async throws {
        let crossing = try await cross(way) { (_) throws(Failure) in
            if way != .perform { return 401 }
            throw Failure(.tokenRejected, challenge: "Keystone")
        }
        #expect(crossing.failure?.kind == .badGateway)
        #expect(crossing.failure?.challenge == nil)
        #expect(crossing.tokens == ["BRIDGED0", "BRIDGED1"])
    }

    @Test(arguments: [Way.perform, .relay])
    private func `a request with data is not repeated, and the next one has a new token`(way: Way) async throws {
        let answer: @Sendable (Caller) throws(Failure) -> Int = { (caller) throws(Failure) in
            if caller.token == "BRIDGED0" { throw Failure(.tokenRejected) }
            return 200
        }
        let once = try await cross(way, withData: true, answer)
        #expect(once.failure?.kind == .unavailable && once.failure?.retryAfter != nil)
        #expect(once.tokens == ["BRIDGED0"])
        let twice = try await cross(way, withData: true, times: 2, answer)
        #expect(twice.failure == nil)
        #expect(twice.tokens == ["BRIDGED0", "BRIDGED1"])
    }

    @Test(arguments: Way.allCases, [Failure.Kind.forbidden, .imageNotFound, .badGateway, .conflict])
    private func `other failures are the registry's own words`(way: Way, kind: Failure.Kind) async throws {
        let crossing = try await cross(way) { (_) throws(Failure) in throw Failure(kind, "as it was") }
        #expect(crossing.failure?.kind == kind && crossing.failure?.message == "as it was")
        #expect(crossing.tokens == ["BRIDGED0"])
    }

    @Test(arguments: Way.allCases)
    private func `who has no project does not come to the registry`(way: Way) async throws {
        let crossing = try await cross(way, as: Caller(token: "t", user: "mallory", system: .astakos))
        #expect(crossing.failure?.kind == .forbidden)
        #expect(crossing.tokens.isEmpty)
    }

    @Test func `a later page that is refused is the registry's fault, and the token is thrown away`() async throws {
        let secret = try TemporarySecret("pw")
        let bridge = IdentityBridge(
            transport: IdentityBridgeTests.keystone(), map: IdentityBridgeTests.map(secret), clock: FakeClock().time)
        let registry = Registry { _ in 401 }
        let backend = BridgedBackend(registry, bridge: bridge)
        let (kind, token) = try await KeystoneFixture.onLoop { () -> (Failure.Kind?, String?) in
            let request = BackendRequest(
                operation: .listImages(ImageQuery(isDetailed: true)), caller: IdentityBridgeTests.alice,
                requestID: "req-1")
            guard case .images(let images) = try await backend.perform(request) else { return (nil, nil) }
            #expect(try await images.next() != nil)
            do throws(Failure) {
                _ = try await images.next()
                return (nil, nil)
            } catch {
                return (error.kind, try await bridge.caller(for: IdentityBridgeTests.alice).token)
            }
        }
        #expect(kind == .badGateway)
        #expect(token == "BRIDGED1")
    }
}
