import Bytes

/// The form of a Keystone's API.
public enum KeystoneVersion: String, Sendable, CaseIterable {
    case v3
    /// Old clouds: password only, and tokens stand in paths.
    case v2 = "v2.0"
}

/// How the gateway shows a Keystone who it is. The secret itself stays in its file, which is read at each
/// authentication: a new one counts from the next on.
public struct KeystoneCredential: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        /// A user with its password, in a project.
        case password(KeystoneUser, project: String, projectDomain: String)
        /// The id of an application credential, which brings its user and project.
        case applicationCredential(id: String)
        /// A user that acts by a trust which another gave it; project and roles are the trust's (OS-TRUST API).
        case trust(id: String, KeystoneUser)
    }

    public var kind: Kind
    /// Path of the file with the password or the application credential's secret.
    public var secretFile: String

    public init(_ kind: Kind, secretFile: String) {
        self.kind = kind
        self.secretFile = secretFile
    }

    /// Whether Keystone's API of this version has such credentials: v2.0 has passwords only.
    public func works(with version: KeystoneVersion) -> Bool {
        if case .password = kind { true } else { version == .v3 }
    }

    /// Who this is, for the log.
    var name: String {
        switch kind {
        case .password(let user, let project, _): "user \(user.name) in project \(project)"
        case .applicationCredential(let id): "application credential \(id)"
        case .trust(let id, let user): "user \(user.name) with trust \(id)"
        }
    }

    /// The document that asks for a token (Identity API v3, "Authentication and token management"; OS-TRUST API; v2.0,
    /// "Authenticate"). What does not work with the version gives a document that Keystone refuses.
    func document(secret: String, version: KeystoneVersion) -> JSONValue {
        switch (kind, version) {
        case (.password(let user, let project, let domain), .v3):
            let scope = object(["name": .string(project), "domain": object(["name": .string(domain)])])
            return auth(["identity": user.identity(secret), "scope": object(["project": scope])])
        case (.applicationCredential(let id), _):
            // No scope: Keystone refuses one beside an application credential.
            let credential = object(["id": .string(id), "secret": .string(secret)])
            return auth(["identity": method("application_credential", credential)])
        case (.trust(let id, let user), _):
            let scope = object(["OS-TRUST:trust": object(["id": .string(id)])])
            return auth(["identity": user.identity(secret), "scope": scope])
        case (.password(let user, let project, _), .v2):
            let credentials = object(["username": .string(user.name), "password": .string(secret)])
            return auth(["passwordCredentials": credentials, "tenantName": .string(project)])
        }
    }
}

/// A user of a Keystone, by names.
public struct KeystoneUser: Sendable, Equatable {
    public var name: String
    /// Name of the domain that the user's name belongs to; v2.0 has none.
    public var domain: String

    public init(name: String, domain: String) {
        self.name = name
        self.domain = domain
    }

    /// `identity` of a v3 request with a password.
    fileprivate func identity(_ password: String) -> JSONValue {
        let user = object([
            "name": .string(name), "domain": object(["name": .string(domain)]), "password": .string(password),
        ])
        return method("password", object(["user": user]))
    }
}

private func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue { .object(JSONObject(members)) }

private func auth(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue { object(["auth": object(members)]) }

private func method(_ name: String, _ content: JSONValue) -> JSONValue {
    object(["methods": .array([.string(name)]), name: content])
}
