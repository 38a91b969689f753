import Bytes
public import Images

/// A backend that a Keystone guards, for callers of another identity system: they come to it with a token of their
/// project (``IdentityBridge``). Callers without a token and those that Keystone knows come as they are.
///
/// A bridged token that the registry refuses is thrown away and the request repeated once with a new one. The client is
/// never told 401 for it: its own token was fine.
public final class BridgedBackend: Backend {
    private let backend: any Backend
    private let bridge: IdentityBridge

    public init(_ backend: any Backend, bridge: IdentityBridge) {
        self.backend = backend
        self.bridge = bridge
    }

    public var capabilities: RegistryCapabilities { backend.capabilities }
    public var relays: String? { backend.relays }
    public var authority: String? { backend.authority }
    public var markPrefix: String? { backend.markPrefix }

    public func translates(_ operation: Operation) -> Bool { backend.translates(operation) }

    public func image(at location: String, for request: BackendRequest) async throws(Failure) -> Image? {
        guard bridge.concerns(request.caller) else { return try await backend.image(at: location, for: request) }
        let exchange = Exchange(bridge, request.caller)
        var request = request
        request.caller = try await exchange.caller()
        do throws(Failure) { return try await backend.image(at: location, for: request) } catch {
            guard error.isRefusedToken else { throw error }
            exchange.discard(request.caller.token)
        }
        request.caller = try await exchange.caller()
        do throws(Failure) { return try await backend.image(at: location, for: request) } catch {
            throw error.isRefusedToken ? exchange.refused : error
        }
    }

    public func close() async { await backend.close() }

    public func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        guard bridge.concerns(request.caller) else { return try await backend.perform(request) }
        let exchange = Exchange(bridge, request.caller)
        var request = request
        request.caller = try await exchange.caller()
        if let outcome = try await attempt(request, exchange) { return outcome }
        guard request.data == nil else { throw Self.outdated }
        request.caller = try await exchange.caller()
        guard let outcome = try await attempt(request, exchange) else { throw exchange.refused }
        return outcome
    }

    public func relay(_ message: RelayedMessage) async throws(Failure) -> RelayedReply {
        guard bridge.concerns(message.caller) else { return try await backend.relay(message) }
        let exchange = Exchange(bridge, message.caller)
        var message = message
        message.caller = try await exchange.caller()
        if let reply = try await attempt(message, exchange) { return reply }
        guard message.body == nil else { throw Self.outdated }
        message.caller = try await exchange.caller()
        guard let reply = try await attempt(message, exchange) else { throw exchange.refused }
        return reply
    }

    /// Nil: the registry refused the token, which is thrown away.
    private func attempt(_ request: BackendRequest, _ exchange: Exchange) async throws(Failure) -> Outcome? {
        let token = request.caller.token
        do throws(Failure) {
            let outcome = try await backend.perform(request)
            switch outcome {
            case .relayed(let reply) where reply.status == 401: break
            case .images(let images): return .images(BridgedImages(images, exchange, token))
            default: return outcome
            }
        } catch {
            guard error.isRefusedToken else { throw error }
        }
        exchange.discard(token)
        return nil
    }

    private func attempt(_ message: RelayedMessage, _ exchange: Exchange) async throws(Failure) -> RelayedReply? {
        let token = message.caller.token
        do throws(Failure) {
            let reply = try await backend.relay(message)
            // The refusal's own body goes unread: letting go of it closes its connection.
            if reply.status != 401 { return reply }
        } catch {
            guard error.isRefusedToken else { throw error }
        }
        exchange.discard(token)
        return nil
    }

    /// The data may be gone already, so that only the client can repeat the request; it will find a new token.
    private static let outdated = Failure(
        .unavailable, "The registry's token was renewed: send the request again", retryAfter: "1",
        cause: "the registry refused a bridged token of a request with data")
}

/// One caller's way over the bridge.
private struct Exchange {
    private let bridge: IdentityBridge
    private let client: Caller

    init(_ bridge: IdentityBridge, _ client: Caller) {
        self.bridge = bridge
        self.client = client
    }

    func caller() async throws(Failure) -> Caller { try await bridge.caller(for: client) }

    func discard(_ token: String?) {
        if let token { bridge.discard(token, of: client) }
    }

    /// Not the client's fault: its own token is good.
    var refused: Failure {
        Failure(.badGateway, cause: "the registry refuses the token of the caller's bridged project")
    }
}

/// A list on the way, whose later pages are asked for with the same token.
private final class BridgedImages: ImageSource {
    private let images: any ImageSource
    private let exchange: Exchange
    private let token: String?

    init(_ images: any ImageSource, _ exchange: Exchange, _ token: String?) {
        self.images = images
        self.exchange = exchange
        self.token = token
    }

    func next() async throws(Failure) -> Image? {
        do throws(Failure) {
            return try await images.next()
        } catch {
            guard error.isRefusedToken else { throw error }
            exchange.discard(token)
            throw exchange.refused
        }
    }
}

extension Failure {
    fileprivate var isRefusedToken: Bool { kind == .tokenRejected || kind == .unauthorized }
}
