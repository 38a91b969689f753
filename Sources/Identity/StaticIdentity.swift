public import Bytes
public import Images

/// Tokens from a file, known by their digests: each stands for one user, tenant and roles.
public struct StaticIdentity: IdentityProvider {
    public struct Entry: Sendable {
        /// Of the token's UTF-8 bytes; the token itself is nowhere.
        public var sha256: SHA256Digest
        public var user: String
        public var tenant: String?
        public var roles: [String]

        public init(sha256: SHA256Digest, user: String, tenant: String?, roles: [String]) {
            self.sha256 = sha256
            self.user = user
            self.tenant = tenant
            self.roles = roles
        }
    }

    private let tokens: WatchedTokens

    /// - Parameter tokens: as they stand in their file at every moment.
    public init(_ tokens: WatchedTokens) { self.tokens = tokens }

    /// Entries that never change.
    public init(_ entries: [Entry]) { self.init(WatchedTokens(entries)) }

    /// Every entry is compared, in constant time each, so that the time tells nothing about a near miss.
    public func caller(for token: String?) async throws(Failure) -> Caller {
        guard let token, !token.isEmpty else { throw .noToken }
        let digest: SHA256Digest
        do throws(DigestError) { digest = try SHA256Digest(of: token) } catch {
            throw Failure(.internal, cause: "no \(error.algorithm.rawValue) for tokens")
        }
        var found: Entry?
        for entry in await tokens.current() where entry.sha256.equalsInConstantTime(digest) { found = entry }
        guard let found else { throw .unknownToken }
        return Caller(token: token, user: found.user, tenant: found.tenant, roles: found.roles, system: .gateway)
    }
}
