/// Why an operation did not happen, in canonical terms; each client dialect has its own form for it (mapping §8).
public struct Failure: Error, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        /// The request breaks a rule; the message names what, where and what would be right.
        case badRequest
        /// A location was needed and is not given (Plankton: 501 or 400 by profile).
        case locationMissing
        /// The data that a location names is not there or not what was asserted (Plankton: 400 or 404 by profile).
        case locationNotFound
        /// No token was sent.
        case unauthorized
        /// A token was sent that nobody knows, or that has expired.
        case tokenRejected
        /// The caller may not do this.
        case forbidden
        /// Membership changes are not the caller's (v1 hides this as 404).
        case membershipForbidden
        /// No such path in the dialect.
        case unknownPath
        /// No such image, or not visible to the caller.
        case imageNotFound
        /// No such member.
        case memberNotFound
        /// The image has no data to read in this state.
        case noData
        /// The image's data is withheld (deactivated).
        case deactivated
        /// Known path, wrong method; `allow` lists the right ones.
        case methodNotAllowed
        /// The registry is in another state than the request needs: id taken, image not queued.
        case conflict
        /// The image went away during its upload.
        case imageGone
        /// The store takes no writes.
        case storeReadOnly
        /// Data, properties or members over a limit or quota.
        case tooLarge
        /// The data is not what its formats say.
        case unsupportedMedia
        case rangeNotSatisfiable
        /// The dialect, or the backend, has no such operation.
        case notImplemented
        /// The client stopped sending in the middle of a body.
        case clientDisconnected
        /// The client was too slow in sending.
        case clientTimedOut
        /// The backend answered something that cannot be true, or refused in a way that is not the client's fault.
        case badGateway
        /// Nobody can serve now; `retryAfter` may say when again.
        case unavailable
        /// The backend did not answer in time.
        case gatewayTimeout
        /// A fault of the gateway itself.
        case `internal`
    }

    public var kind: Kind
    /// For the client; no backend address, no token. May be empty: then the dialect's standard sentence stands alone.
    public var message: String
    /// v1 family: the message stands behind the standard sentence of the status (form B of glance-v1 §7) instead of
    /// replacing it.
    public var isDetail: Bool
    /// What would be right, comma-separated: methods for `methodNotAllowed`, media types of a patch for `unsupportedMedia`.
    public var allow: String?
    /// Seconds, for `unavailable`.
    public var retryAfter: String?
    /// The backend's `WWW-Authenticate`, for `unauthorized`.
    public var challenge: String?
    /// For the log only: what went wrong behind the gateway.
    public var cause: String?

    public init(
        _ kind: Kind, _ message: String = "", isDetail: Bool = false, allow: String? = nil, retryAfter: String? = nil,
        challenge: String? = nil, cause: String? = nil
    ) {
        self.kind = kind
        self.message = message
        self.isDetail = isDetail
        self.allow = allow
        self.retryAfter = retryAfter
        self.challenge = challenge
        self.cause = cause
    }
}
