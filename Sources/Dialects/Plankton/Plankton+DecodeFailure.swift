import Bytes
public import HTTP
public import Images

extension Plankton {
    private static let failureKinds: [Int: Failure.Kind] = [
        400: .badRequest, 401: .tokenRejected, 403: .forbidden, 404: .imageNotFound, 409: .conflict, 413: .tooLarge,
        429: .unavailable, 501: .notImplemented, 502: .unavailable, 503: .unavailable, 504: .gatewayTimeout,
    ]

    /// What an answer that refuses means (plankton §10): the status is believed before the body.
    ///
    /// - Parameters:
    ///   - isRegistration: nothing found is no file at the location.
    ///   - secrets: texts that must not reach a client: the registry's address, tokens.
    public static func failure(
        status: Int, fields: Fields, body: [UInt8], isRegistration: Bool = false, hiding secrets: [String] = []
    ) -> Failure {
        let text = message(body)
        var kind = failureKinds[status] ?? .badGateway
        switch status {
        // A wrong base URL or release: not the client's fault.
        case 400 where text.sameBytes(as: Message.unknownPath): kind = .badGateway
        case 404 where isRegistration: kind = .locationNotFound
        case 405: kind = isUnknownMethod(fields, body, text) ? .badGateway : .forbidden
        default: break
        }
        let harmless = ImageV2Message.text(contentType: "text/plain", body: Array(text.utf8), hiding: secrets)
        // The cause is logged: the registry's text may quote what the client sent.
        var failure = Failure(kind, harmless, cause: "registry answered \(status) (\(kind))")
        if kind == .tokenRejected { failure.challenge = fields["www-authenticate"] }
        if kind == .unavailable { failure.retryAfter = fields["retry-after"] }
        return failure
    }

    /// A 405 that is no lack of rights: the release has no such call.
    private static func isUnknownMethod(_ fields: Fields, _ body: [UInt8], _ text: String) -> Bool {
        if text.sameBytes(as: Message.wrongMethod) { return true }
        return body.isEmpty && ASCII.lowercased(fields["content-type"] ?? "").utf8.starts(with: "text/html".utf8)
    }

    /// The message of the one fault in the body; plain text of 0.13 as it is; nothing of a page.
    private static func message(_ body: [UInt8]) -> String {
        let trimmed = ASCII.trim(body[...])
        guard trimmed.first != UInt8(ascii: "<") else { return "" }
        guard trimmed.first == UInt8(ascii: "{") else { return String(validating: trimmed, as: UTF8.self) ?? "" }
        let faults = (try? JSONReader.parse(trimmed))?.object?.members ?? []
        return faults.first { $0.value.object != nil }?.value.object?["message"]?.text ?? ""
    }
}
