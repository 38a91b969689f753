import Bytes
import HTTP
public import Images

/// Asks a Keystone who a client's token belongs to, with the gateway's own token (Identity API v3, "Validate and show
/// information for token"; v2.0, "Validate token").
///
/// Only tokens for a project count: images belong to projects.
public struct KeystoneTokens: TokenService {
    private let session: KeystoneSession

    /// Longest token, in bytes: more no Keystone makes.
    private static let maxTokenBytes = 16 << 10
    /// The same where it stands percent-encoded in a path, which servers take up to 8 KiB as a rule.
    private static let maxPathTokenBytes = 7 << 10

    public init(_ session: KeystoneSession) { self.session = session }

    public func caller(for token: String) async throws(IdentityFault) -> Caller {
        let target = try target(for: token)
        let answer = try await answer(target, about: token)
        switch answer.status {
        case 200, 203: return try caller(token, KeystoneClaims(answer.document, version: session.version))
        case 404: throw .rejected("Keystone does not know the token")
        case 401: throw .unavailable("Keystone refuses the gateway's own token, also a new one")
        case 403: throw .unavailable("Keystone: the gateway's own user may not validate tokens (403)")
        default: throw .unavailable("Keystone: status \(answer.status) to a token's validation")
        }
    }

    private func caller(_ token: String, _ claims: KeystoneClaims) throws(IdentityFault) -> Caller {
        guard session.clock() < claims.expires else { throw .rejected("the token has expired") }
        guard let project = claims.project else { throw .rejected("the token is for no project") }
        return claims.caller(token: token, project: project)
    }

    /// The target that asks about a token. No bytes but visible ASCII are sent: they are in no Keystone's token.
    private func target(for token: String) throws(IdentityFault) -> String {
        guard IdentityCalls.fitsField(token), token.utf8.count <= Self.maxTokenBytes else {
            throw .rejected("no token of Keystone's form")
        }
        switch session.version {
        case .v3: return "/auth/tokens?nocatalog"
        case .v2:
            let segment = PercentCoding.encode(token)
            // Segments `.` and `..` are no names but steps (RFC 3986 §3.3).
            guard segment.utf8.count <= Self.maxPathTokenBytes, segment.utf8.contains(where: { $0 != 0x2e }) else {
                throw .rejected("no token of Keystone's form")
            }
            return "/tokens/\(segment)"
        }
    }

    /// Keystone's answer; when it takes the gateway's own token for stale, once more with a new one.
    private func answer(_ target: String, about token: String) async throws(IdentityFault) -> IdentityCalls.Answer {
        let own = try await session.grant().token
        let answer = try await ask(target, about: token, as: own)
        guard answer.status == 401 else { return answer }
        session.discard(own)
        return try await ask(target, about: token, as: try await session.grant().token)
    }

    private func ask(
        _ target: String, about token: String, as own: String
    ) async throws(IdentityFault) -> IdentityCalls.Answer {
        var fields = Fields([("X-Auth-Token", own)])
        if session.version == .v3 { fields.append("X-Subject-Token", token) }
        return try await session.calls.send(IdentityCalls.Call("GET", target, fields: fields))
    }
}
