import HTTP
public import Images

extension ImageV2 {
    /// In one of three forms by `Accept` (image-v2 §4).
    public func render(_ failure: Failure, for request: ClientRequest) -> ClientResponse {
        let status = Self.status(of: failure.kind)
        // Data that are not there yet are no error here (image-v2 §10).
        if status == 204 { return ClientResponse(204, Fields([("Content-Type", "text/html; charset=UTF-8")])) }
        var response = FaultPage(status: status, message: message(of: failure, request), isDetail: false)
            .response(of: failure, to: request)
        if status == 415, let types = failure.allow { response.head.fields.append("Accept-Patch", types) }
        return response
    }

    private func message(of failure: Failure, _ request: ClientRequest) -> String {
        switch failure.kind {
        case .imageNotFound where failure.message.isEmpty || failure.isDetail:
            let id = resource(of: request)?.imageID ?? ""
            return id.isEmpty ? "" : Self.unknownImage(id)
        default: return failure.message
        }
    }

    /// Mapping §8.
    private static func status(of kind: Failure.Kind) -> Int {
        switch kind {
        case .badRequest, .locationMissing, .locationNotFound, .notImplemented, .clientDisconnected: 400
        case .unauthorized, .tokenRejected: 401
        case .forbidden, .deactivated, .membershipForbidden: 403
        case .unknownPath, .imageNotFound, .memberNotFound: 404
        case .noData: 204
        case .methodNotAllowed: 405
        case .clientTimedOut: 408
        case .conflict: 409
        case .imageGone, .storeReadOnly: 410
        case .tooLarge: 413
        case .unsupportedMedia: 415
        case .rangeNotSatisfiable: 416
        case .internal: 500
        case .badGateway: 502
        case .unavailable: 503
        case .gatewayTimeout: 504
        }
    }
}
