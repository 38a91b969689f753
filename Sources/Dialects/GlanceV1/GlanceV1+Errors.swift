public import Images

extension GlanceV1 {
    public func render(_ failure: Failure, for request: ClientRequest) -> ClientResponse {
        FaultPage(
            status: failure.kind.glanceStatus, message: message(of: failure, request),
            isDetail: failure.isDetail || Self.isAlwaysDetail(failure.kind)
        ).response(of: failure, to: request)
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
