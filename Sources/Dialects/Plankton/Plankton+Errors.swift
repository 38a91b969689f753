import Bytes
import HTTP
public import Images

extension Plankton {
    public func render(_ failure: Failure, for request: ClientRequest) -> ClientResponse {
        let form = form(of: failure.kind)
        let message = failure.message.isEmpty ? form.message : failure.message
        var fields = commonFields()
        if form.status == 405 {
            fields.append("Allow", failure.allow ?? Resource(of: request)?.allowedToAnybody ?? "")
        }
        if failure.kind == .unavailable, let seconds = failure.retryAfter { fields.append("Retry-After", seconds) }
        return ClientResponse(form.status, fields, body: .bytes(Self.fault(form.fault, form.status, message)))
    }

    /// A fault document: one key, one line (plankton §3.4).
    private static func fault(_ name: String, _ status: Int, _ message: String) -> [UInt8] {
        var writer = JSONWriter(ascii: true, spaced: true)
        writer.beginObject()
        writer.key(name)
        writer.beginObject()
        writer.key("code")
        writer.integer(Int64(status))
        writer.key("message")
        writer.string(message)
        writer.key("details")
        writer.string("")
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    /// Status, fault name, and the message when the failure has none.
    private struct Form {
        let status: Int
        let fault: String
        let message: String

        init(_ status: Int, _ fault: String, _ message: String = "") {
            self.status = status
            self.fault = fault
            self.message = message
        }
    }

    /// Plankton §3.4 and mapping §8; three rows depend on the settings.
    private func form(of kind: Failure.Kind) -> Form {
        switch kind {
        case .badRequest, .conflict, .unsupportedMedia, .rangeNotSatisfiable, .clientDisconnected, .clientTimedOut:
            Form(400, "badRequest")
        case .unknownPath: Form(400, "badRequest", Message.unknownPath)
        case .locationMissing:
            settings.missingLocation == 501
                ? Form(501, "notImplemented", Message.locationMissing)
                : Form(400, "badRequest", Message.locationMissing)
        case .locationNotFound: settings.absentFile == 404 ? Form(404, "itemNotFound") : Form(400, "badRequest")
        case .unauthorized: Form(401, "unauthorized", Message.noToken)
        case .tokenRejected: Form(401, settings.rejectedTokenFault, Message.rejectedToken)
        case .forbidden, .membershipForbidden, .deactivated:
            settings.forbidden == 405 ? Form(405, "notAllowed") : Form(403, "forbidden")
        case .imageNotFound, .memberNotFound, .imageGone, .storeReadOnly: Form(404, "itemNotFound")
        case .methodNotAllowed: Form(405, "notAllowed", Message.wrongMethod)
        case .tooLarge: Form(413, "overLimit")
        case .noData, .notImplemented: Form(501, "notImplemented", Message.noData)
        case .unavailable: Form(503, "serviceUnavailable", Message.unavailable)
        case .badGateway, .gatewayTimeout, .internal: Form(500, "internalServerError", Message.unexpected)
        }
    }
}

extension Plankton {
    /// What is said to clients, as the real servers say it (plankton §7).
    enum Message {
        static let unknownPath = "API endpoint not found"
        static let wrongMethod = "Method not allowed"
        static let noToken = "Access denied. No authentication token"
        static let rejectedToken = "Unauthorized"
        static let noData = "Image data is not served here"
        static let unexpected = "Unexpected error"
        static let unavailable = "Service unavailable"

        static let malformed = "Malformed request."
        static let invalidSortKey = "Invalid 'sort_key'"
        static let invalidSortDirection = "Invalid 'sort_dir'"

        static let invalidParameters = "Invalid parameters"
        static let invalidMetadata = "Invalid metadata"
        static let idIsGiven = "Setting the image ID is not supported"
        static let nameMissing = "Image 'name' parameter is required"
        static let invalidName = "Invalid image name"
        static let locationMissing = "'location' parameter is required"
        static let invalidSize = "Invalid 'size' field"
        static let invalidChecksum = "Invalid checksum field"
        static let invalidIsPublic = "Invalid value for 'is_public' metadata"
        static let emptyPropertyName = "Empty property name"
        static let notUTF8 = "Could not decode request as UTF-8 string"
        static let holdsNUL = "Metadata may not contain NUL characters"

        static func invalidLocation(_ text: String) -> String { "Invalid location '\(text)'" }
        static func invalidStore(_ text: String) -> String { "Invalid store type '\(text)'" }
        static func invalidDiskFormat(_ text: String) -> String { "Invalid disk format '\(text)'" }
        static func invalidContainerFormat(_ text: String) -> String { "Invalid container format '\(text)'" }
        static func invalidNumber(_ key: String) -> String { "Invalid '\(key)' field" }

        static let notJSON = "Could not decode request body as JSON"
        static let notAnObject = "Request body should be a JSON object"
        static let membershipsNoList = "Malformed request. Invalid 'memberships' field"
        static let invalidMembership = "Invalid 'memberships' field"
        static let invalidMemberID = "Invalid 'member_id' field"
        static func missingAttribute(_ key: String) -> String { "Malformed request. Missing attribute '\(key)'." }
    }
}
