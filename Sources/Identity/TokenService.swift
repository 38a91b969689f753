public import Images

/// A service that says who a token belongs to: Keystone, Astakos. Asked anew at every call; what is remembered between
/// calls is the token cache's.
public protocol TokenService: Sendable {
    func caller(for token: String) async throws(IdentityFault) -> Caller
}

/// Why a service did not say who a token belongs to.
public enum IdentityFault: Error, Sendable, Equatable {
    /// The token is unknown, expired, revoked or not for here; the text is for the log.
    case rejected(String)
    /// The service cannot be asked now: clients get 503, never 401. The text is for the log.
    case unavailable(String)
}
