import Bytes
import HTTP
public import Images
public import Upstream

/// Asks Astakos who a token belongs to (astakos-pithos §1).
///
/// The caller's UUID is user and tenant: Astakos users own their images themselves.
public struct AstakosTokens: TokenService {
    /// The call that an installation understands: the release it appeared with.
    public enum Release: String, Sendable, CaseIterable {
        /// `POST BASE/tokens`, base `https://HOST/astakos/identity/v2.0`; exists since 0.14 (§1.1).
        case identity = "0.15"
        /// `GET BASE/authenticate`, base `https://HOST/astakos/account/v1.0` (§1.2).
        case account = "0.14"
        /// `GET BASE/authenticate`, base `https://HOST/im` (§1.2).
        case first = "0.13"

        /// Where the service is, as an example for people.
        public var exampleURL: String {
            switch self {
            case .identity: "https://HOST/astakos/identity/v2.0"
            case .account: "https://HOST/astakos/account/v1.0"
            case .first: "https://HOST/im"
            }
        }
    }

    private let calls: IdentityCalls
    private let release: Release

    /// - Parameter transport: to the base URL of the release.
    public init(_ transport: any Transport, release: Release = .identity) {
        calls = IdentityCalls(transport, name: "Astakos")
        self.release = release
    }

    public func caller(for token: String) async throws(IdentityFault) -> Caller {
        guard IdentityCalls.fitsField(token) else { throw .rejected("not the form of a token") }
        let answer = try await calls.send(call(token))
        switch answer.status {
        case 200:
            return try release == .identity
                ? AstakosAnswer.identity(answer, token) : AstakosAnswer.account(answer, token)
        case 401: throw .rejected("Astakos: \(answer.summary(hiding: [token]))")
        case 400, 404, 405, 300..<400:
            throw .unavailable(
                "Astakos: \(answer.summary(hiding: [token])): the URL or the release is wrong; release "
                    + "\(release.rawValue) is at \(release.exampleURL)")
        default: throw .unavailable("Astakos: \(answer.summary(hiding: [token]))")
        }
    }

    private func call(_ token: String) -> IdentityCalls.Call {
        switch release {
        case .identity:
            let credentials = JSONObject(["token": .object(JSONObject(["id": .string(token)]))])
            return IdentityCalls.Call(
                "POST", "/tokens", document: .object(JSONObject(["auth": .object(credentials)])))
        case .account, .first:
            return IdentityCalls.Call("GET", "/authenticate", fields: Fields([("X-Auth-Token", token)]))
        }
    }
}

/// What stands in an answer of status 200, which alone proves nothing: a call that came without its body gets one too.
enum AstakosAnswer {
    /// `access` of §1.1.
    static func identity(_ answer: IdentityCalls.Answer, _ token: String) throws(IdentityFault) -> Caller {
        guard let id = answer["access", "token", "id"]?.text, ConstantTime.equal(id, token) else {
            throw .unavailable("Astakos: status 200, but not for this token")
        }
        let roles = answer["access", "user", "roles"]?.array ?? []
        return try caller(
            answer["access", "user", "id"], token, roles: roles.compactMap { $0.object?["name"]?.text },
            expires: answer["access", "token", "expires"]?.text.flatMap { Timestamp($0) })
    }

    /// The one object of §1.2.
    static func account(_ answer: IdentityCalls.Answer, _ token: String) throws(IdentityFault) -> Caller {
        guard let id = answer["auth_token"]?.text, ConstantTime.equal(id, token) else {
            throw .unavailable("Astakos: status 200, but not for this token")
        }
        return try caller(
            answer["uuid"], token, roles: [],
            expires: answer["auth_token_expires"]?.integer.map { time in
                Timestamp(seconds: time / 1000, microseconds: Int32(time % 1000) * 1000)
            })
    }

    /// - Parameter expires: the server's local time marked as UTC, perhaps: an upper bound and no more (§1.1).
    private static func caller(
        _ user: JSONValue?, _ token: String, roles: [String], expires: Timestamp?
    ) throws(IdentityFault) -> Caller {
        guard let user = user?.text, (1...maxUserBytes).contains(user.utf8.count) else {
            throw .unavailable("Astakos: status 200 without a user")
        }
        return Caller(token: token, user: user, tenant: user, roles: roles, system: .astakos, expires: expires)
    }

    /// A UUID has 36; anything like it will do.
    private static let maxUserBytes = 255
}
