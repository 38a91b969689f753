import HTTP
public import Images

extension Glance2010 {
    /// The page of glance-v1 §7, the message always behind the standard sentence.
    public func render(_ failure: Failure, for request: ClientRequest) -> ClientResponse {
        let status = Self.status(of: failure.kind)
        let (type, body) = FaultPage(status: status, message: failure.message, isDetail: true)
            .rendered(for: request.head)
        var fields = Fields([("Content-Type", type)])
        if status == 401, let challenge = failure.challenge { fields.append("WWW-Authenticate", challenge) }
        if status == 503, let seconds = failure.retryAfter { fields.append("Retry-After", seconds) }
        return ClientResponse(status, fields, body: request.isHead ? .none : .bytes(body))
    }

    /// The clients know 400, 401, 403, 404 and 409 and take everything else for an unknown error: the nearest of these
    /// (glance-2010 §1).
    private static func status(of kind: Failure.Kind) -> Int {
        switch kind {
        case .methodNotAllowed: 404
        case .imageGone: 404
        case .storeReadOnly, .tooLarge, .rangeNotSatisfiable, .clientTimedOut: 400
        default: kind.glanceStatus
        }
    }

    /// Runs a check whose messages are those of later releases: here they stand behind the standard sentence
    /// (glance-2010 §7).
    static func asDetail(_ check: () throws(Failure) -> Void) throws(Failure) {
        do throws(Failure) {
            try check()
        } catch {
            var failure = error
            failure.isDetail = true
            throw failure
        }
    }
}
