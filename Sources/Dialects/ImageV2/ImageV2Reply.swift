public import Bytes
public import HTTP
public import Images

/// Reading of an Image API v2 registry's answers.
public enum ImageV2Reply {
    /// The members of an image; `canShare` is not known here.
    public static func members(_ object: JSONObject) throws(Failure) -> [Member] {
        guard let list = object["members"]?.array else { throw garbled("members") }
        var members: [Member] = []
        for entry in list {
            guard let id = entry.object?["member_id"]?.text else { throw garbled("members") }
            members.append(Member(id: id, status: entry.object?["status"]?.text))
        }
        return members
    }

    /// The store ids of `/v2/info/stores`.
    public static func stores(_ object: JSONObject) -> [String] {
        object["stores"]?.array?.compactMap { $0.object?["id"]?.text } ?? []
    }

    /// The image that the `Location` of a creation's answer names; nil when it names none.
    public static func id(ofLocation address: String?) -> String? {
        guard let address, let slash = address.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        let id = String(decoding: address.utf8[address.utf8.index(after: slash)...], as: UTF8.self)
        let folder = String(decoding: address.utf8[..<slash], as: UTF8.self)
        return UUIDText.isCanonical(id) && folder.hasSuffix("/v2/images") ? id : nil
    }

    static func garbled(_ what: String) -> Failure {
        Failure(.badGateway, "The registry's answer is not understood", cause: "no \(what) in the document")
    }

    /// Which failure a status means (mapping §8); the plan corrects it where the call decides.
    static let kinds: [Int: Failure.Kind] = [
        400: .badRequest, 401: .tokenRejected, 403: .forbidden, 404: .imageNotFound, 405: .methodNotAllowed,
        409: .conflict, 410: .storeReadOnly, 413: .tooLarge, 415: .unsupportedMedia, 416: .rangeNotSatisfiable,
        429: .unavailable, 503: .unavailable, 504: .gatewayTimeout,
    ]

    /// The failure that an answer tells.
    ///
    /// - Parameter secrets: texts that must not reach a client: the registry's address, tokens.
    public static func failure(
        status: Int, fields: Fields, body: [UInt8], hiding secrets: [String] = []
    ) -> Failure {
        let text = ImageV2Message.text(contentType: fields["content-type"] ?? "", body: body, hiding: secrets)
        let kind = kinds[status] ?? .badGateway
        // The cause is logged: the registry's text may quote a location with its signature, or a property's value.
        var failure = Failure(kind, kind == .badGateway ? "" : text, cause: "registry answered \(status) (\(kind))")
        switch kind {
        case .tokenRejected: failure.challenge = fields["www-authenticate"]
        case .unavailable: failure.retryAfter = fields["retry-after"]
        case .methodNotAllowed: failure.allow = fields["allow"]
        default: break
        }
        return failure
    }
}

/// The text of an error in any of the registry's three forms (image-v2 §4), fit for a client.
public enum ImageV2Message {
    static let maxBytes = 1024
    private static let entities: [(String, String)] = [
        ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&amp;", "&"),
    ]

    public static func text(contentType: String, body: [UInt8], hiding secrets: [String] = []) -> String {
        let type = ASCII.lowercased(contentType)
        var text = body[...]
        if type.hasPrefix("application/json") {
            let message = (try? JSONReader.parse(body))?.object?["message"]?.text ?? ""
            text = Array(message.utf8)[...]
        } else if type.hasPrefix("text/html") {
            if let heading = find("</h1>", in: text) { text = text[(heading + 5)...] }
        } else if type.hasPrefix("text/plain") {
            if let end = text.firstIndex(of: 0x0A), text.first.map({ $0 &- 0x30 < 10 }) ?? false {
                text = text[(end + 1)...]
            }
        } else {
            return ""
        }
        var plain = unescape(collapse(withoutTags(text)))
        for secret in secrets where secret.utf8.count >= 4 { plain = replace(secret, in: plain) }
        return shortened(plain)
    }

    private static func find(_ needle: String, in bytes: ArraySlice<UInt8>) -> Int? {
        let wanted = Array(needle.utf8)
        guard bytes.count >= wanted.count else { return nil }
        return (bytes.startIndex...(bytes.endIndex - wanted.count)).first { bytes[$0...].starts(with: wanted) }
    }

    /// A tag is `<`, a letter or `/`, up to `>`: it leaves a blank.
    private static func withoutTags(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var at = bytes.startIndex
        while at < bytes.endIndex {
            let next = at + 1 < bytes.endIndex ? bytes[at + 1] : 0
            if bytes[at] == UInt8(ascii: "<"), next == UInt8(ascii: "/") || ByteSet.alphanumeric.contains(next),
                let end = bytes[at...].firstIndex(of: UInt8(ascii: ">"))
            {
                result.append(0x20)
                at = end + 1
            } else {
                result.append(bytes[at])
                at += 1
            }
        }
        return result
    }

    /// White space and control characters become one blank, none at the ends.
    private static func collapse(_ bytes: [UInt8]) -> String {
        let words = bytes.split { $0 <= 0x20 || $0 == 0x7F }
        return String(decoding: Array(words.joined(separator: [0x20])), as: UTF8.self)
    }

    private static func unescape(_ text: String) -> String {
        var result = text
        for (entity, character) in entities { result = replace(entity, in: result, by: character) }
        return result
    }

    private static func replace(_ needle: String, in text: String, by other: String = "...") -> String {
        var rest = Array(text.utf8)[...]
        var result: [UInt8] = []
        while let at = find(needle, in: rest) {
            result += rest[..<at]
            result += Array(other.utf8)
            rest = rest[(at + needle.utf8.count)...]
        }
        return String(decoding: result + rest, as: UTF8.self)
    }

    private static func shortened(_ text: String) -> String {
        guard text.utf8.count > maxBytes else { return text }
        var kept = ""
        for scalar in text.unicodeScalars {
            guard kept.utf8.count < maxBytes - 8 else { break }
            kept.unicodeScalars.append(scalar)
        }
        return kept + "..."
    }
}
