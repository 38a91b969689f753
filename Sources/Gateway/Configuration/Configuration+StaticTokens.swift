import Bytes
import Identity

extension Configuration {
    /// The tokens of a file: `{ tokens: [{ sha256, user, tenant, roles: [...] }] }`. Blocks.
    static func staticTokens(of file: String) throws(ConfigurationError) -> [StaticIdentity.Entry] {
        let tree = try tree(of: file, "the identity's file names it")
        guard case .object(let root) = tree, case .list(let list)? = root["tokens"], !list.isEmpty else {
            throw ConfigurationError(mistakes: ["\(file): tokens: must be a list of { sha256, user, tenant, roles }"])
        }
        var entries: [StaticIdentity.Entry] = []
        var places: [SHA256Digest: Int] = [:]
        var mistakes: [String] = []
        for (index, item) in list.enumerated() {
            guard let entry = Self.entry(item) else {
                mistakes.append("\(file): tokens[\(index)]: \(Self.mistake(in: item))")
                continue
            }
            if let first = places.updateValue(index, forKey: entry.sha256) {
                mistakes.append("\(file): tokens[\(index)]: has the same token as tokens[\(first)]")
            }
            entries.append(entry)
        }
        guard mistakes.isEmpty else { throw ConfigurationError(mistakes: mistakes) }
        return entries
    }

    /// The same, read again whenever the file changes. Blocks.
    ///
    /// - Parameter report: takes a line for the operator, from any thread.
    static func watchedTokens(
        of file: String, report: @escaping @Sendable (String) -> Void = OperatorLog.line
    ) throws(ConfigurationError) -> StaticIdentity {
        do {
            return StaticIdentity(try WatchedTokens(file: file, load: { try staticTokens(of: file) }, report: report))
        } catch {
            throw error as? ConfigurationError ?? ConfigurationError(mistakes: ["\(file): \(error)"])
        }
    }

    private static func entry(_ tree: ConfigTree) -> StaticIdentity.Entry? {
        guard case .object(let members) = tree, case .text(let hex)? = members["sha256"],
            let digest = SHA256Digest(hex: hex), case .text(let user)? = members["user"], !user.isEmpty,
            Set(members.keys).isSubset(of: ["sha256", "user", "tenant", "roles"])
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
        return StaticIdentity.Entry(sha256: digest, user: user, tenant: tenant, roles: roles)
    }

    private static func mistake(in entry: ConfigTree) -> String {
        if case .object(let members) = entry, members["token"] != nil {
            return "holds a token in clear; put sha256: \"...\" in its place, which `baleen hash-token` makes of it"
        }
        return "must be { sha256: \"64 hex digits\", user: \"...\", tenant: \"...\", roles: [\"...\"] }"
    }
}

/// `baleen hash-token`.
public enum TokenDigest {
    /// Shorter tokens are guessed.
    public static let minTokenBytes = 8

    /// What stands for a token as `sha256` in a token file; nil: the token is too short or holds blanks or control bytes.
    public static func text(of token: String) -> String? {
        guard token.utf8.count >= minTokenBytes, token.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { return nil }
        return (try? SHA256Digest(of: token))?.hex
    }
}
