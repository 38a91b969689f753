import FoundationEssentials
import Identity
import Posix
import Upstream

extension Configuration {
    /// Reads a file and the environment (nil: the process's own).
    ///
    /// - Throws: every mistake at once.
    public static func load(
        file: String, environment: [String: String]? = nil
    ) throws(ConfigurationError) -> Configuration {
        let configuration = try read(
            try text(of: file, "name a file with --config FILE"), origin: file,
            environment: environment ?? ProcessInfo.processInfo.environment)
        if configuration.text("identity.kind") == "static" { _ = try configuration.staticTokens() }
        return configuration
    }

    static func read(
        _ text: String, origin: String, environment: [String: String] = [:]
    ) throws(ConfigurationError) -> Configuration {
        let tree: ConfigTree
        do {
            tree = try ConfigTree.parse(text)
        } catch {
            throw ConfigurationError(mistakes: ["\(origin): is not JSON5: \(Self.reason(of: error))"])
        }
        return try ConfigurationReader.read(tree, origin: origin, environment: environment)
    }

    /// - Parameter remedy: what to do when it cannot be read.
    private static func text(of file: String, _ remedy: String) throws(ConfigurationError) -> String {
        guard let data = try? Data(contentsOf: URL(filePath: file)) else {
            throw ConfigurationError(mistakes: ["\(file): cannot be read; \(remedy)"])
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw ConfigurationError(mistakes: ["\(file): is not UTF-8"])
        }
        return text
    }

    private static func reason(of error: any Error) -> String {
        guard case DecodingError.dataCorrupted(let context) = error else { return "\(error)" }
        return context.underlyingError.map { "\($0)" } ?? context.debugDescription
    }

    /// The tokens of `identity.file`: `{ tokens: [{ token, user, tenant, roles: [...] }] }`.
    func staticTokens() throws(ConfigurationError) -> [StaticIdentity.Entry] {
        guard let file = text("identity.file") else { return [] }
        let tree: ConfigTree
        do {
            tree = try ConfigTree.parse(try Self.text(of: file, "identity.file names it"))
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw ConfigurationError(mistakes: ["\(file): is not JSON5: \(Self.reason(of: error))"])
        }
        guard case .object(let root) = tree, case .list(let list)? = root["tokens"], !list.isEmpty else {
            throw ConfigurationError(mistakes: ["\(file): tokens: must be a list of { token, user, tenant, roles }"])
        }
        var entries: [StaticIdentity.Entry] = []
        var mistakes: [String] = []
        for (index, item) in list.enumerated() {
            guard let entry = Self.entry(item) else {
                mistakes.append(
                    "\(file): tokens[\(index)]: must be { token: \"...\", user: \"...\", tenant: \"...\", roles: [\"...\"] }"
                )
                continue
            }
            // By bytes: tokens are compared so, and never shown.
            if let first = entries.firstIndex(where: { $0.token.utf8.elementsEqual(entry.token.utf8) }) {
                mistakes.append("\(file): tokens[\(index)]: has the same token as tokens[\(first)]")
            }
            entries.append(entry)
        }
        guard mistakes.isEmpty else { throw ConfigurationError(mistakes: mistakes) }
        return entries
    }

    private static func entry(_ tree: ConfigTree) -> StaticIdentity.Entry? {
        guard case .object(let members) = tree, case .text(let token)? = members["token"], token.utf8.count >= 8,
            case .text(let user)? = members["user"], !user.isEmpty,
            Set(members.keys).isSubset(of: ["token", "user", "tenant", "roles"])
        else { return nil }
        var tenant: String?
        switch members["tenant"] {
        case .text(let text)?: tenant = text
        case nil, .null?: break
        default: return nil
        }
        var roles: [String] = []
        if let listed = members["roles"] {
            guard case .texts(let texts)? = ConfigKey("roles", .texts).value(listed) else { return nil }
            roles = texts
        }
        return StaticIdentity.Entry(token: token, user: user, tenant: tenant, roles: roles)
    }
}

/// Checks of values that other rooms understand.
enum SocketAddressText {
    static func isAddress(_ text: String) -> Bool { SocketAddress(text) != nil }

    /// Whether only this machine reaches it; also of a text that is no address, which is a mistake of its own.
    static func isLoopback(_ text: String) -> Bool { SocketAddress(text)?.isLoopback ?? true }
}

enum PublicURL {
    /// A plain http or https URL without query; an address that clients or we can reach.
    static func isValid(_ text: String) -> Bool { UpstreamURL(text) != nil }
}
