import Bytes
import Synchronization

/// What of a message is not the canonical model's and crosses all the same, because the operator lists it: header fields
/// both ways, and parameters of a list's query.
///
/// One for each request.
public final class PassedFields: Sendable {
    /// Which names pass, in small letters; compared without letter case.
    public struct Lists: Sendable, Equatable {
        public var request: [String]
        public var response: [String]
        public var query: [String]

        public init(request: [String] = [], response: [String] = [], query: [String] = []) {
            self.request = request
            self.response = response
            self.query = query
        }

        public var isEmpty: Bool { request.isEmpty && response.isEmpty && query.isEmpty }
    }

    /// Go with every call of the operation, repeated ones in their order.
    public let request: [(name: String, value: [UInt8])]
    /// Still encoded, `name=value` as the client spelled it; go with calls that list images.
    public let query: [String]
    private let responseNames: [String]
    /// Of the last answer of the backend.
    public var response: [(name: String, value: [UInt8])] { collected.withLock { $0 } }
    private let collected = Mutex<[(name: String, value: [UInt8])]>([])

    public init(request: [(name: String, value: [UInt8])], query: [String], responseNames: [String]) {
        self.request = request
        self.query = query
        self.responseNames = responseNames
    }

    /// Keeps what passes of an answer; an earlier answer's is forgotten.
    public func collect(_ fields: some Sequence<(name: String, value: [UInt8])>) {
        guard !responseNames.isEmpty else { return }
        let passing = fields.filter { Self.isListed($0.name, in: responseNames) }
        collected.withLock { $0 = passing }
    }

    /// Whether any answer is worth looking at.
    public var wantsResponse: Bool { !responseNames.isEmpty }

    /// Who somebody is, and what frames a message: never passed, whatever is listed.
    public static let forbidden = [
        "x-auth-token", "x-service-token", "x-identity-status", "x-service-identity-status", "x-user-id", "x-user-name",
        "x-user", "x-tenant-id", "x-tenant-name", "x-tenant", "x-project-id", "x-project-name", "x-domain-id",
        "x-domain-name", "x-role", "x-roles", "x-service-roles", "x-service-catalog", "x-user-domain-id",
        "x-user-domain-name", "x-project-domain-id", "x-project-domain-name", "x-is-admin-project", "x-trust-id",
        "authorization", "cookie", "set-cookie", "host", "content-length", "transfer-encoding", "connection", "te",
        "trailer", "upgrade", "expect", "keep-alive", "proxy-authorization", "proxy-authenticate", "forwarded",
        "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-openstack-request-id", "date", "server",
    ]

    /// Whether a name passes by a list. `-` and `_` are one here: no spelling may slip past the other.
    public static func isListed(_ name: String, in list: [String]) -> Bool {
        list.contains { ASCII.equalIgnoringCase($0, name) } && !isForbidden(name)
    }

    /// Of a name in any spelling.
    public static func isForbidden(_ name: String) -> Bool {
        let folded = String(decoding: name.utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }, as: UTF8.self)
        return forbidden.contains { ASCII.equalIgnoringCase($0, folded) }
    }
}
