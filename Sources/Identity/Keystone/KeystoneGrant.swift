import Bytes
public import Images

/// A token of a Keystone with what it stands for. Its description shows no token.
public struct KeystoneGrant: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var token: String
    public var claims: KeystoneClaims

    public init(token: String, claims: KeystoneClaims) {
        self.token = token
        self.claims = claims
    }

    public var description: String { "token of \(claims)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["claims": claims]) }

    /// The caller whose token this is; nil: it stands for no project.
    var caller: Caller? { claims.project.map { claims.caller(token: token, project: $0) } }
}

/// What a Keystone says of a token.
public struct KeystoneClaims: Sendable, Equatable {
    /// Ids, not names: those change and repeat between domains.
    public var user: String
    /// Nil: the token is for a domain, for the whole system or for nothing.
    public var project: String?
    /// By name, as Keystone spells them.
    public var roles: [String]
    public var expires: Timestamp

    public init(user: String, project: String?, roles: [String], expires: Timestamp) {
        self.user = user
        self.project = project
        self.roles = roles
        self.expires = expires
    }

    func caller(token: String, project: String) -> Caller {
        Caller(token: token, user: user, tenant: project, roles: roles, system: .keystone, expires: expires)
    }

    /// Where the parts stand in the documents of a version.
    private struct Places {
        let user: [String]
        let project: [String]
        let roles: [String]
        let expires: [String]

        static func of(_ version: KeystoneVersion) -> Places {
            switch version {
            case .v3:
                Places(
                    user: ["token", "user", "id"], project: ["token", "project"], roles: ["token", "roles"],
                    expires: ["token", "expires_at"])
            case .v2:
                Places(
                    user: ["access", "user", "id"], project: ["access", "token", "tenant"],
                    roles: ["access", "user", "roles"], expires: ["access", "token", "expires"])
            }
        }
    }

    /// Reads the document that answers a question for a token, or about one.
    ///
    /// - Throws: `unavailable` when something is missing or of another kind; the cause names it.
    init(_ document: JSONValue?, version: KeystoneVersion) throws(IdentityFault) {
        let places = Places.of(version)
        user = try Self.text(document, places.user)
        switch Self.value(document, places.project) {
        case nil, .null?: project = nil
        case .some: project = try Self.text(document, places.project + ["id"])
        }
        roles = try Self.names(document, places.roles)
        guard let expires = Timestamp(try Self.text(document, places.expires)) else {
            throw Self.fault(places.expires)
        }
        self.expires = expires
    }

    private static func value(_ document: JSONValue?, _ place: [String]) -> JSONValue? {
        place.reduce(document) { value, key in value?.object?[key] }
    }

    private static func text(_ document: JSONValue?, _ place: [String]) throws(IdentityFault) -> String {
        guard let text = value(document, place)?.text, !text.isEmpty else { throw fault(place) }
        return text
    }

    /// The names of listed roles; a token without a scope has no list.
    private static func names(_ document: JSONValue?, _ place: [String]) throws(IdentityFault) -> [String] {
        guard let list = value(document, place) else { return [] }
        var names: [String] = []
        for role in list.array ?? [] {
            guard let name = role.object?["name"]?.text else { throw fault(place) }
            names.append(name)
        }
        guard list.array != nil else { throw fault(place) }
        return names
    }

    private static func fault(_ place: [String]) -> IdentityFault {
        .unavailable("Keystone: no \(place.joined(separator: ".")) in the answer, or not what it should be")
    }
}
