public import Images

/// Finds out who is asking.
public protocol IdentityProvider: Sendable {
    /// The caller behind a token.
    ///
    /// - Throws: `unauthorized` when a token is needed and none was sent, `tokenRejected` when nobody knows it.
    func caller(for token: String?) async throws(Failure) -> Caller

    /// Nothing is checked here: the backend judges the token, and its absence.
    var leavesJudgement: Bool { get }

    /// A service refused the token: what is remembered of it counts no more (astakos-pithos §1.3).
    func forget(_ token: String)
}

extension IdentityProvider {
    public var leavesJudgement: Bool { false }
    public func forget(_ token: String) {}
}

extension Failure {
    /// No token, in the words that Plankton's servers use; the v1 family shows its standard sentence before it.
    static let noToken = Failure(.unauthorized, "Access denied. No authentication token", isDetail: true)
    static let unknownToken = Failure(.tokenRejected, "Access denied. Invalid authentication token", isDetail: true)
}

/// The token is handed on to a registry that checks it; the gateway itself learns nothing from it.
public struct PassthroughIdentity: IdentityProvider {
    public init() {}

    public var leavesJudgement: Bool { true }

    public func caller(for token: String?) async throws(Failure) -> Caller {
        guard let token, !token.isEmpty else { throw .noToken }
        return Caller(token: token)
    }
}

/// The token names the caller: `alice`, or `user.tenant.role[,role]`, or the same with colons. Nobody checks it: for
/// trying things out and for networks where everybody is trusted.
public struct OpenIdentity: IdentityProvider {
    public init() {}

    public func caller(for token: String?) async throws(Failure) -> Caller {
        guard let token, !token.isEmpty else { throw .noToken }
        let separator: Character = token.utf8.contains(UInt8(ascii: ":")) ? ":" : "."
        let parts = token.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1: return Caller(token: token, user: token, system: .gateway)
        case 3 where parts.allSatisfy { !$0.isEmpty }:
            return Caller(token: token, user: parts[0], tenant: parts[1], roles: Self.roles(parts[2]), system: .gateway)
        default: throw .unknownToken
        }
    }

    private static func roles(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }
}
