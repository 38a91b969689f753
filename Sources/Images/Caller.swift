/// Who is asking, in canonical terms. Backends of another registry pass the token on; the embedded registry decides by
/// user, tenant and roles.
public struct Caller: Sendable {
    /// As the client sent it; never logged. Nil: none was sent and the mount allows that.
    public var token: String?
    /// The user and the tenant; nil where only the backend can know (pass-through).
    public var user: String?
    public var tenant: String?
    public var roles: [String]
    /// Who answers for the token: services of another system cannot read it.
    public var system: System
    /// When the token ends, as its system says; nil: unknown, or never.
    public var expires: Timestamp?

    /// The identity systems.
    public enum System: String, Sendable, CaseIterable {
        /// Nobody was asked: the token is judged by the service it is passed to.
        case unasked
        /// The gateway itself: tokens of a file, or believed ones.
        case gateway
        case keystone
        case astakos
    }

    public init(
        token: String? = nil, user: String? = nil, tenant: String? = nil, roles: [String] = [],
        system: System = .unasked, expires: Timestamp? = nil
    ) {
        self.token = token
        self.user = user
        self.tenant = tenant
        self.roles = roles
        self.system = system
        self.expires = expires
    }

    /// Role `admin`, any letter case (glance-v1 §1).
    public var isAdministrator: Bool {
        roles.contains { $0.utf8.count == 5 && $0.lowercased().sameBytes(as: "admin") }
    }

    /// What images are owned by: the tenant, else the user.
    public var owner: String? { tenant ?? user }
}
