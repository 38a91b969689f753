import Bytes
import HTTP
import Images

/// An error as the web library of the v1 family's servers writes it: HTML, JSON or plain text by `Accept`
/// (glance-v1 §7).
struct FaultPage {
    let status: Int
    let explanation: String
    let detail: String
    /// The pages of 405 and 415 have a blank or a line break behind their sentence and no room for a comment.
    private let lead: (marked: String, plain: String)?
    /// Single quotes are escaped as well, as Python 3 does.
    private let escapesQuotes: Bool

    /// Form A: the message stands for the standard sentence; form B, and without any message: it stands behind it.
    ///
    /// - Parameter mediaType: of the request; the sentence of 415 names it.
    init(status: Int, message: String, isDetail: Bool, mediaType: String? = nil, escapesQuotes: Bool = false) {
        self.status = status
        self.escapesQuotes = escapesQuotes
        if status == 415, let mediaType {
            explanation = "The request media type \(mediaType) is not supported by this server."
            detail = message
            lead = ("\n", " ")
            return
        }
        let sentence = Self.sentences[status] ?? ""
        explanation = isDetail || message.isEmpty ? sentence : message
        detail = isDetail ? message : ""
        lead = status == 405 ? (" ", " ") : nil
    }

    /// Content type and body.
    private func rendered(for head: RequestHead) -> (contentType: String, body: [UInt8]) {
        let accept = AcceptHeader(head.fields)
        let html = accept.quality("text", "html")
        let json = accept.quality("application", "json")
        let title = Self.titles[status] ?? StatusReason.text(status)
        let statusLine = "\(status) \(title)"
        if html > 0, html >= json {
            let text = fragment(break: "<br /><br />", escape: escaped)
            let page =
                "<html>\n <head>\n  <title>\(statusLine)</title>\n </head>\n <body>\n  <h1>\(statusLine)</h1>\n  \(text)\n </body>\n</html>"
            return ("text/html; charset=UTF-8", Array(page.utf8))
        }
        guard json > 0 else {
            return ("text/plain; charset=UTF-8", Array("\(statusLine)\n\n\(plain)".utf8))
        }
        var writer = JSONWriter(ascii: true, spaced: true)
        writer.beginObject()
        writer.key("message")
        writer.string(fragment(break: "<br /><br />") { $0 })
        writer.key("code")
        writer.string(statusLine)
        writer.key("title")
        writer.string(title)
        writer.endObject()
        return ("application/json", writer.bytes)
    }

    /// The answer to a request that failed. HEAD has no body.
    func response(of failure: Failure, to request: ClientRequest) -> ClientResponse {
        var fields = Fields()
        let headers = [
            (405, "Allow", failure.allow), (401, "WWW-Authenticate", failure.challenge),
            (503, "Retry-After", failure.retryAfter),
        ]
        for (status, name, value) in headers where status == self.status {
            if let value { fields.append(name, HeaderProperties.harmless(value)) }
        }
        guard !request.isHead else {
            fields.append("Content-Type", "text/html; charset=UTF-8")
            return ClientResponse(status, fields)
        }
        let (contentType, body) = rendered(for: request.head)
        fields.append("Content-Type", contentType)
        return ClientResponse(status, fields, body: .bytes(body))
    }

    private func fragment(break lines: String, escape: (String) -> String) -> String {
        lead.map { "\(escape(explanation))\($0.marked)\(lines)\n\(escape(detail))" }
            ?? "\(escape(explanation))\(lines)\n\(escape(detail))\n\n"
    }

    private var plain: String {
        lead.map { "\(explanation)\($0.plain)\n\n \(detail)" } ?? "\(explanation)\n\n \(detail)  "
    }

    private func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: Self.special.contains) else { return text }
        var output: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): output += "&amp;".utf8
            case UInt8(ascii: "<"): output += "&lt;".utf8
            case UInt8(ascii: ">"): output += "&gt;".utf8
            case UInt8(ascii: "\""): output += "&quot;".utf8
            case UInt8(ascii: "'") where escapesQuotes: output += "&#x27;".utf8
            default: output.append(byte)
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static let special = ByteSet("&<>\"'")

    /// Of the web library, where they are not the status line's.
    private static let titles = [416: "Request Range Not Satisfiable"]

    /// The standard sentence of each status (glance-v1 §7; those it does not list are the web library's).
    static let sentences: [Int: String] = [
        400: "The server could not comply with the request since it is either malformed or otherwise incorrect.",
        401:
            "This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.",
        403: "Access was denied to this resource.",
        404: "The resource could not be found.",
        405: "The method is not allowed for this resource.",
        408: "The server has waited too long for the request to be sent by the client.",
        409: "There was a conflict when trying to complete your request.",
        410: "This resource is no longer available.  No forwarding address is given.",
        412: "Request precondition failed.",
        413: "The body of your request was too large for this server.",
        416: "The Range requested is not available.",
        500: "The server has either erred or is incapable of performing the requested operation.",
        501: "The request type is not supported by this server.",
        502: "Bad gateway.",
        503: "The server is currently unavailable. Please try again at a later time.",
        504: "The gateway has timed out.",
    ]
}

extension Failure.Kind {
    /// The status in the v1 family (mapping §8); the first Glance API has fewer and maps some of them again.
    var glanceStatus: Int {
        switch self {
        case .badRequest, .locationMissing, .unsupportedMedia, .notImplemented, .clientDisconnected: 400
        case .unauthorized, .tokenRejected: 401
        case .forbidden, .deactivated: 403
        case .membershipForbidden, .locationNotFound, .unknownPath, .imageNotFound, .memberNotFound, .noData: 404
        case .methodNotAllowed: 405
        case .clientTimedOut: 408
        case .conflict: 409
        case .storeReadOnly: 410
        case .imageGone: 412
        case .tooLarge: 413
        case .rangeNotSatisfiable: 416
        case .internal: 500
        case .badGateway: 502
        case .unavailable: 503
        case .gatewayTimeout: 504
        }
    }
}
