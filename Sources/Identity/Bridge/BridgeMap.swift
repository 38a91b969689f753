import Bytes
import Images

/// Which Keystone project the callers of another identity system work in.
///
/// A user's own entry goes before its tenant's, that before the template. Names are compared byte by byte.
public struct BridgeMap: Sendable, Equatable {
    /// User (as the caller's identity system names it) to project.
    public var users: [String: String]
    /// Tenant to project.
    public var tenants: [String: String]
    /// The projects that may be used at all, and how tokens for them are had. The names are the gateway's own; a template
    /// may meet every one of them.
    public var projects: [String: Access]
    /// For callers that are named nowhere; nil: they have no project.
    public var template: BridgeTemplate?

    /// How the gateway gets tokens for a project.
    public enum Access: Sendable, Equatable {
        /// An application credential of the project; its secret is in a file.
        case applicationCredential(id: String, secretFile: String)
        /// A trust that the project's user gave to the gateway's trustee.
        case trust(id: String)
    }

    public init(
        users: [String: String] = [:], tenants: [String: String] = [:], projects: [String: Access] = [:],
        template: BridgeTemplate? = nil
    ) {
        self.users = users
        self.tenants = tenants
        self.projects = projects
        self.template = template
    }

    /// The name of a caller's project; nil: it has none here, or one that is not listed in `projects`.
    func project(of caller: Caller) -> String? {
        guard let name = named(caller) ?? template?.filled(for: caller) else { return nil }
        return Self.value(of: name, in: projects) == nil ? nil : name
    }

    private func named(_ caller: Caller) -> String? {
        if let user = caller.user, let project = Self.value(of: user, in: users) { return project }
        if let tenant = caller.tenant, let project = Self.value(of: tenant, in: tenants) { return project }
        return nil
    }

    func access(to project: String) -> Access? { Self.value(of: project, in: projects) }

    /// Dictionaries compare strings by canonical equivalence, under which two callers can be one.
    private static func value<Value>(of key: String, in entries: [String: Value]) -> Value? {
        guard let place = entries.index(forKey: key), entries[place].key.sameBytes(as: key) else { return nil }
        return entries[place].value
    }
}

/// A project's name made of what is known of a caller: `synnefo-{user}`, `{tenant}`.
///
/// Has one place to fill: with two, different callers could come to one project (`a-b` and `c`, `a` and `b-c`).
public struct BridgeTemplate: Sendable, Equatable {
    private enum Claim: String, CaseIterable {
        case user = "{user}"
        case tenant = "{tenant}"
    }

    private let claim: Claim
    private let prefix: String
    private let suffix: String

    /// What may be filled in.
    private static let fillable = ByteSet.alphanumeric.union(ByteSet("._@-"))

    /// Nil unless the text holds `{user}` or `{tenant}` once, and no other brace.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard let start = bytes.firstIndex(of: UInt8(ascii: "{")), let end = bytes.firstIndex(of: UInt8(ascii: "}")),
            start < end, let claim = Claim(rawValue: String(decoding: bytes[start...end], as: UTF8.self))
        else { return nil }
        let rest = bytes[..<start] + bytes[(end + 1)...]
        guard !rest.contains(UInt8(ascii: "{")), !rest.contains(UInt8(ascii: "}")) else { return nil }
        self.claim = claim
        prefix = String(decoding: bytes[..<start], as: UTF8.self)
        suffix = String(decoding: bytes[(end + 1)...], as: UTF8.self)
    }

    /// Nil when the caller lacks the claim, or it holds anything but ASCII letters, digits and `._@-`.
    func filled(for caller: Caller) -> String? {
        let value =
            switch claim {
            case .user: caller.user
            case .tenant: caller.tenant
            }
        guard let value, !value.isEmpty, value.utf8.allSatisfy(Self.fillable.contains) else { return nil }
        return prefix + value + suffix
    }
}
