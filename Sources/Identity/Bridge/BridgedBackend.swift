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
        try await crossing(request.caller, isRepeatable: true) { caller, _ async throws(Failure) in
            var request = request
            request.caller = caller
            return .some(try await self.backend.image(at: location, for: request))
        }
    }

    public func close() async { await backend.close() }

    public func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        try await crossing(request.caller, isRepeatable: request.data == nil) {
            caller, exchange async throws(Failure) in
            var request = request
            request.caller = caller
            let outcome = try await self.backend.perform(request)
            switch outcome {
            case .relayed(let reply) where reply.status == 401 && exchange != nil: return nil
            case .images(let images):
                return .images(exchange.map { BridgedImages(images, $0, caller.token) } ?? images)
            default: return outcome
            }
        }
    }

    public func relay(_ message: RelayedMessage) async throws(Failure) -> RelayedReply {
        try await crossing(message.caller, isRepeatable: message.body == nil) {
            caller, exchange async throws(Failure) in
            var message = message
            message.caller = caller
            let reply = try await self.backend.relay(message)
            // The refusal's own body goes unread: letting go of it closes its connection.
            return reply.status == 401 && exchange != nil ? nil : reply
        }
    }

    /// Does the work as the caller that the registry knows, and once more with a new token when it refuses the first.
    ///
    /// - Parameters:
    ///   - isRepeatable: nothing is used up by doing it.
    ///   - work: gives nil when the registry refused the token; its exchange is nil for callers who come as they are.
    private func crossing<Result>(
        _ client: Caller, isRepeatable: Bool, _ work: (Caller, Exchange?) async throws(Failure) -> Result?
    ) async throws(Failure) -> Result {
        guard bridge.concerns(client) else {
            guard let result = try await work(client, nil) else {
                throw Failure(.internal, cause: "a caller who is not bridged was refused as one who is")
            }
            return result
        }
        let exchange = Exchange(bridge, client)
        for isLast in [false, true] {
            let caller = try await exchange.caller()
            do throws(Failure) {
                if let result = try await work(caller, exchange) { return result }
            } catch {
                guard error.isRefusedToken else { throw error }
            }
            exchange.discard(caller.token)
            if !isLast, !isRepeatable { throw Self.outdated }
        }
        throw exchange.refused
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
