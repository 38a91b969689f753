import HTTP
public import Images

extension GlanceV1 {
    public func render(_ failure: Failure, for request: ClientRequest) -> ClientResponse {
        let page = FaultPage(
            status: failure.kind.glanceStatus, message: message(of: failure, request),
            isDetail: failure.isDetail || Self.isAlwaysDetail(failure.kind))
        var fields = Fields()
        if let allow = failure.allow, page.status == 405 { fields.append("Allow", HeaderProperties.harmless(allow)) }
        if page.status == 401, let challenge = failure.challenge {
            fields.append("WWW-Authenticate", HeaderProperties.harmless(challenge))
        }
        if page.status == 503, let seconds = failure.retryAfter {
            fields.append("Retry-After", HeaderProperties.harmless(seconds))
        }
        guard !request.isHead else {
            fields.append("Content-Type", "text/html; charset=UTF-8")
            return ClientResponse(page.status, fields)
        }
        let (contentType, body) = page.rendered(for: request.head)
        fields.append("Content-Type", contentType)
        return ClientResponse(page.status, fields, body: .bytes(body))
    }

    /// Kinds whose message always stands behind the standard sentence (glance-v1 §7, form B).
    private static func isAlwaysDetail(_ kind: Failure.Kind) -> Bool {
        switch kind {
        case .unauthorized, .tokenRejected, .imageNotFound, .noData, .deactivated: true
        default: false
        }
    }

    private func message(of failure: Failure, _ request: ClientRequest) -> String {
        switch failure.kind {
        // Whoever may not share must not learn that from another text than that of an unknown image.
        case .membershipForbidden: return ""
        case .imageNotFound where failure.message.isEmpty:
            let id = resource(of: request)?.imageID ?? ""
            return id.isEmpty ? "" : GlanceMessage.unknownImage(id)
        case .memberNotFound where failure.message.isEmpty: return GlanceMessage.memberUnknown
        default: return failure.message
        }
    }
}
