public import Images

/// A token service with a memory: the way of every request whose token Keystone or Astakos knows.
public struct CachedIdentity: IdentityProvider {
    private let service: any TokenService
    private let cache: TokenCache

    public init(_ service: any TokenService, settings: TokenCacheSettings = .init()) {
        self.init(service, cache: TokenCache(settings))
    }

    init(_ service: any TokenService, cache: TokenCache) {
        self.service = service
        self.cache = cache
    }

    /// - Throws: `unauthorized` without a token; `tokenRejected`; `unavailable` with Retry-After when the service cannot
    ///   be asked and nothing is remembered; `clientDisconnected` when the task is cancelled meanwhile.
    public func caller(for token: String?) async throws(Failure) -> Caller {
        guard let token, !token.isEmpty else { throw .noToken }
        // No system makes such tokens; nobody is asked.
        guard token.utf8.count <= Self.maxTokenBytes, IdentityCalls.fitsField(token) else {
            throw .rejectedToken("not the form of a token")
        }
        return try await cache.caller(token, from: service)
    }

    public func forget(_ token: String) { cache.forget(token) }

    /// For metrics.
    public var usage: TokenCacheUsage { cache.usage }

    /// Longest token asked about; Keystone's signed ones grow to some thousands of bytes.
    private static let maxTokenBytes = 32 << 10
}

extension Failure {
    /// - Parameter cause: for the log.
    static func rejectedToken(_ cause: String) -> Failure {
        var failure = Failure.unknownToken
        failure.cause = cause
        return failure
    }
}
