public import Images

extension Glance2010 {
    /// The page of glance-v1 §7, the message always behind the standard sentence.
    public func render(_ failure: Failure, for request: ClientRequest) -> ClientResponse {
        FaultPage(status: Self.status(of: failure.kind), message: Self.message(of: failure, request), isDetail: true)
            .response(of: failure, to: request)
    }

    private static func message(of failure: Failure, _ request: ClientRequest) -> String {
        guard failure.kind == .imageNotFound, failure.message.isEmpty else { return failure.message }
        return Resource(request.path).map { GlanceMessage.unknownImage($0.imageID) } ?? ""
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
