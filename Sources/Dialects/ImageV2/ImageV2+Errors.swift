import Bytes
import HTTP
public import Images

extension ImageV2 {
    /// In one of three forms by `Accept` (image-v2 §4).
    public func render(_ failure: Failure, for request: ClientRequest) -> ClientResponse {
        let resource = resource(of: request)
        let status = Self.status(of: failure.kind, at: resource)
        // Data that are not there yet are no error here (image-v2 §10).
        if status == 204 { return ClientResponse(204, Fields([("Content-Type", "text/html; charset=UTF-8")])) }
        var failure = failure
        if status == 401, failure.challenge == nil {
            failure.challenge = "Keystone uri=\"\(request.publicURL)\""
        }
        var response = FaultPage(
            status: status, message: Self.message(of: failure, at: resource), isDetail: status == 401,
            mediaType: request.head.fields["content-type"].map(Self.plainType) ?? "", escapesQuotes: true
        ).response(of: failure, to: request)
        if status == 415, let types = failure.allow { response.head.fields.append("Accept-Patch", types) }
        return response
    }

    private static func message(of failure: Failure, at resource: Resource?) -> String {
        guard let resource, !resource.imageID.isEmpty else { return failure.message }
        switch failure.kind {
        case .imageNotFound where failure.message.isEmpty || failure.isDetail: return unknownImage(resource.imageID)
        case .memberNotFound where failure.message.isEmpty && !resource.memberID.isEmpty:
            return "\(resource.memberID) not found in the member list of the image \(resource.imageID)."
        default: return failure.message
        }
    }

    /// A media type without its parameters, in small letters.
    static func plainType(_ value: String) -> String {
        ASCII.lowercased(ASCII.trim(String(decoding: value.utf8.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)))
    }

    /// What a server without such a call answers (image-v2 §17).
    private static func unsupported(_ resource: Resource?) -> Int {
        switch resource {
        case .deactivate?, .reactivate?, .members?, .member?: 403
        case .stage?, .importing?, .locations?, .stores?, .storesDetail?, .storeOfImage?, .other?: 404
        default: 400
        }
    }

    /// Mapping §8.
    private static func status(of kind: Failure.Kind, at resource: Resource?) -> Int {
        switch kind {
        case .badRequest, .locationMissing, .locationNotFound, .clientDisconnected: 400
        case .notImplemented: unsupported(resource)
        case .unauthorized, .tokenRejected: 401
        case .forbidden, .deactivated, .membershipForbidden: 403
        case .unknownPath, .imageNotFound, .memberNotFound: 404
        case .noData: if case .file? = resource { 204 } else { 404 }
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
