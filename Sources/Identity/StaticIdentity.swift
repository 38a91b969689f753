import Bytes
public import Images

/// Tokens from a file: each stands for one user, tenant and roles.
public struct StaticIdentity: IdentityProvider {
    public struct Entry: Sendable {
        public var token: String
        public var user: String
        public var tenant: String?
        public var roles: [String]

        public init(token: String, user: String, tenant: String?, roles: [String]) {
            self.token = token
            self.user = user
            self.tenant = tenant
            self.roles = roles
        }
    }

    private let entries: [Entry]

    public init(_ entries: [Entry]) { self.entries = entries }

    /// Every entry is compared, in constant time each, so that the time tells nothing about a near miss.
    public func caller(for token: String?) async throws(Failure) -> Caller {
        guard let token, !token.isEmpty else { throw .noToken }
        var found: Entry?
        for entry in entries where ConstantTime.equal(entry.token, token) { found = entry }
        guard let found else { throw .unknownToken }
        return Caller(token: token, user: found.user, tenant: found.tenant, roles: found.roles, system: .gateway)
    }
}
