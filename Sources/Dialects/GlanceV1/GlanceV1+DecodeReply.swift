public import Bytes
public import HTTP
public import Images

extension GlanceV1 {
    /// Reads what a registry of this dialect answers, in the forms of all its releases (glance-v1 §3, §6, §7, §12).
    ///
    /// Images come as the registry holds them: marks are still among their properties.
    public enum Reply {
        /// An image in the headers of an answer. Null properties are not in them.
        ///
        /// - Parameter id: the one asked for, where the answer names none.
        /// - Throws: `badGateway` when there is no image in them.
        public static func image(_ fields: Fields, id: String? = nil) throws(Failure) -> Image {
            let headers = MetadataHeaders(fields)
            var image = Image()
            for (name, value) in headers.fields {
                let text = decoded(value)
                try take(name, text.isEmpty ? nil : text, into: &image)
            }
            for (key, value) in headers.properties {
                let text = decoded(value)
                image.properties.set(decoded(key), text.isEmpty ? nil : text)
            }
            return try identified(image, id)
        }

        /// An image in a document: an entry of a list, or what stands under `image`.
        ///
        /// - Parameter mends: undoes what servers on Python 3 do to texts that came in headers (``mended(_:)``).
        public static func image(_ object: JSONObject, mends: Bool = false) throws(Failure) -> Image {
            func read(_ value: JSONValue) -> String? { text(value).map { mends ? mended($0) ?? $0 : $0 } }
            var image = Image()
            for member in object.members {
                if member.key.sameBytes(as: "properties"), let list = member.value.object {
                    for property in list.members {
                        image.properties.set(property.key, read(property.value))
                    }
                } else {
                    try take(member.key, read(member.value), into: &image)
                }
            }
            return try identified(image, nil)
        }

        /// The image under the key `image`, as answers to POST and PUT have it.
        public static func image(document: JSONObject, mends: Bool = false) throws(Failure) -> Image {
            guard let object = document["image"]?.object else { throw noImage("no image in the document") }
            return try image(object, mends: mends)
        }

        /// Whether ``mended(_:)`` could change anything in an entry.
        public static func mayNeedMending(_ object: JSONObject) -> Bool {
            object.members.contains { member in
                switch member.value {
                case .string(let text): !text.utf8.allSatisfy { $0 < 0x80 }
                case .object(let inner): mayNeedMending(inner)
                default: false
                }
            }
        }

        /// The text that was sent, when `text` may be its UTF-8 taken for Latin-1: servers on Python 3 read headers so, and
        /// show what came of it in documents; in headers they undo it. Nil: it is surely as it was sent.
        public static func mended(_ text: String) -> String? {
            guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
            var bytes: [UInt8] = []
            for scalar in text.unicodeScalars {
                guard scalar.value <= 0xFF else { return nil }
                bytes.append(UInt8(truncatingIfNeeded: scalar.value))
            }
            return String(validating: bytes, as: UTF8.self)
        }

        /// The members of an image; all have accepted, since the dialect knows nothing else (mapping §3.9).
        public static func members(_ document: JSONObject) throws(Failure) -> [Member] {
            guard let list = document["members"]?.array else { throw garbled("members") }
            var members: [Member] = []
            for entry in list {
                guard let id = entry.object?["member_id"]?.text else { throw garbled("members") }
                members.append(
                    Member(id: id, canShare: entry.object?["can_share"]?.boolean ?? false, status: "accepted"))
            }
            return members
        }

        /// Ids are the registry's own.
        public static func sharedImages(_ document: JSONObject) throws(Failure) -> [SharedImage] {
            guard let list = document["shared_images"]?.array else { throw garbled("shared images") }
            var images: [SharedImage] = []
            for entry in list {
                guard let id = entry.object?["image_id"].flatMap(text) else { throw garbled("shared images") }
                images.append(SharedImage(imageID: id, canShare: entry.object?["can_share"]?.boolean ?? false))
            }
            return images
        }
    }
}

// MARK: - Values

extension GlanceV1.Reply {
    /// Bytes that are no text are the registry's fault, not a reason to refuse its image.
    private static func decoded(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// As a header would say it.
    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): text.isEmpty ? nil : text
        case .number(let digits): digits
        case .boolean(let flag): flag ? "True" : "False"
        case .null, .array, .object: nil
        }
    }

    /// Fields whose text `None` was null in releases of 2011 (glance-v1 §10).
    private static let pythonNulls: [ImageField] = [.checksum, .owner, .location]

    private static func take(_ name: String, _ value: String?, into image: inout Image) throws(Failure) {
        if name.sameBytes(as: "uri") {
            if image.text(.id) == nil { image[.id] = value.flatMap(id(ofURI:)).map { .text($0) } ?? .absent }
            return
        }
        guard let field = GlanceV1.rules.first(where: { $0.name.sameBytes(as: name) })?.field else { return }
        guard let value, !(pythonNulls.contains(field) && value.sameBytes(as: "None")) else {
            if field != .id, field != .virtualSize { image[field] = .null }
            return
        }
        switch field.kind {
        case .text: image[field] = .text(value)
        case .boolean: image[field] = .boolean(GlanceValues.isTrue(value))
        case .time: image[field] = Timestamp(value).map { .time($0) } ?? .null
        case .integer:
            // A length that cannot be one would be told to clients, and compared with data.
            guard let number = ASCII.decimal(value) else { throw noImage("\(name) is no whole number") }
            image[field] = .integer(number)
        }
    }

    /// The last segment of the image's address.
    private static func id(ofURI uri: String) -> String? {
        let parts = uri.utf8.split(separator: UInt8(ascii: "/"))
        guard parts.count > 1, let last = parts.last else { return nil }
        return String(validating: PercentCoding.decode(last), as: UTF8.self)
    }

    private static func identified(_ image: Image, _ id: String?) throws(Failure) -> Image {
        var image = image
        if image.id.isEmpty { image[.id] = id.map { .text($0) } ?? .absent }
        guard !image.id.isEmpty else { throw noImage("an image without id") }
        return image
    }

    private static func noImage(_ cause: String) -> Failure {
        Failure(.badGateway, "The registry answered with something that is no image", cause: cause)
    }

    private static func garbled(_ what: String) -> Failure {
        Failure(.badGateway, "The registry's answer is not understood", cause: "no \(what) in the document")
    }
}

// MARK: - Refusals

extension GlanceV1.Reply {
    /// Which failure a status means (mapping §8); the plan corrects it where the call decides.
    private static let kinds: [Int: Failure.Kind] = [
        400: .badRequest, 401: .tokenRejected, 403: .forbidden, 404: .imageNotFound, 405: .methodNotAllowed,
        409: .conflict, 410: .storeReadOnly, 412: .imageGone, 413: .tooLarge, 415: .unsupportedMedia,
        429: .unavailable, 501: .notImplemented, 503: .unavailable, 504: .gatewayTimeout,
    ]

    /// What an answer that refuses means.
    ///
    /// - Parameter secrets: texts that must not reach a client: the registry's address, tokens.
    public static func failure(status: Int, fields: Fields, body: [UInt8], hiding secrets: [String] = []) -> Failure {
        let kind = kinds[status] ?? .badGateway
        // A traceback is nothing for a client.
        let (text, isDetail) =
            kind == .badGateway ? ("", false) : message(status, fields["content-type"] ?? "", body, hiding: secrets)
        // The cause is logged: the registry's text may quote what the client sent.
        var failure = Failure(kind, text, isDetail: isDetail, cause: "registry answered \(status) (\(kind))")
        switch kind {
        case .tokenRejected: failure.challenge = fields["www-authenticate"]
        case .unavailable: failure.retryAfter = fields["retry-after"]
        case .methodNotAllowed: failure.allow = fields["allow"]
        default: break
        }
        return failure
    }

    /// The message alone, and whether it stood behind the standard sentence of the status, which says nothing more
    /// (glance-v1 §7). Messages of the registry behind the server are nested.
    private static func message(
        _ status: Int, _ type: String, _ body: [UInt8], hiding secrets: [String]
    ) -> (String, isDetail: Bool) {
        var text = ImageV2Message.text(contentType: type, body: body, hiding: secrets)
        let line = "\(status) \(StatusReason.text(status)) "
        while text.utf8.starts(with: line.utf8) { text = rest(of: text, behind: line) }
        guard let sentence = FaultPage.sentences[status], text.utf8.starts(with: sentence.utf8) else {
            return (text, false)
        }
        return (rest(of: text, behind: sentence), true)
    }

    private static func rest(of text: String, behind start: String) -> String {
        ASCII.trim(String(decoding: text.utf8.dropFirst(start.utf8.count), as: UTF8.self))
    }
}
