/// Who is asking, in canonical terms. Backends of another registry pass the token on; the embedded registry decides by
/// user, tenant and roles.
public struct Caller: Sendable {
    /// As the client sent it; never logged. Nil: none was sent and the mount allows that.
    public var token: String?
    /// The user and the tenant; nil where only the backend can know (pass-through).
    public var user: String?
    public var tenant: String?
    public var roles: [String]

    public init(token: String? = nil, user: String? = nil, tenant: String? = nil, roles: [String] = []) {
        self.token = token
        self.user = user
        self.tenant = tenant
        self.roles = roles
    }

    /// Role `admin`, any letter case (glance-v1 §1).
    public var isAdministrator: Bool {
        roles.contains { $0.utf8.count == 5 && $0.lowercased().sameBytes(as: "admin") }
    }

    /// What images are owned by: the tenant, else the user.
    public var owner: String? { tenant ?? user }
}
