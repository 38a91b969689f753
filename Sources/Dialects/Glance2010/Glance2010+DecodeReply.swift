public import Bytes
public import HTTP
public import Images

extension Glance2010 {
    /// Reads what a registry of this dialect answers, the seed's form and that of release 0.1.7 alike (glance-2010 §8).
    ///
    /// Images come as the registry holds them: marks are still among their properties.
    public struct Reply: Sendable {
        /// What the registry is known to be; in the seed's form the text `None` is a text, else it is null.
        public var profile: Settings.Profile?

        public init(profile: Settings.Profile? = nil) { self.profile = profile }

        /// An image in the headers of an answer.
        ///
        /// - Parameter id: the one asked for, where the answer names none.
        /// - Throws: `badGateway` when there is no image in them.
        public func image(_ fields: Fields, id: String? = nil) throws(Failure) -> Image {
            let headers = MetadataHeaders(fields)
            var values: [(name: String, value: String?)] = []
            for (name, value) in headers.fields { values.append((name, text(Self.decoded(value)))) }
            let properties = headers.properties.map {
                Property(Self.decoded($0.key), text(Self.decoded($0.value)))
            }
            return try image(values, properties, id: id)
        }

        /// An image in a document: an entry of a list, or what stands under `image`.
        public func image(_ object: JSONObject, id: String? = nil) throws(Failure) -> Image {
            var values: [(name: String, value: String?)] = []
            var properties: [Property] = []
            for member in object.members {
                if member.key.sameBytes(as: "properties"), let list = member.value.object {
                    properties = list.members.map {
                        Property(PropertyFold.header.apply($0.key), text($0.value))
                    }
                } else {
                    values.append((member.key, text(member.value)))
                }
            }
            return try image(values, properties, id: id)
        }

        /// The image under the key `image`, as answers to POST and PUT have it.
        public func image(document: JSONObject) throws(Failure) -> Image {
            guard let object = document["image"]?.object else { throw Self.noImage("no image in the document") }
            return try image(object)
        }

        // MARK: Values

        /// Bytes that are no text are the registry's fault, not a reason to refuse its image.
        private static func decoded(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

        private func text(_ text: String) -> String? {
            text.isEmpty || (profile != .seed && text.sameBytes(as: "None")) ? nil : text
        }

        /// As a header would say it.
        private func text(_ value: JSONValue) -> String? {
            switch value {
            case .string(let text): text.isEmpty ? nil : text
            case .number(let digits): digits
            case .boolean(let flag): flag ? "True" : "False"
            case .null, .array, .object: nil
            }
        }

        private func image(
            _ values: [(name: String, value: String?)], _ properties: [Property], id: String?
        ) throws(Failure) -> Image {
            var image = Image()
            for (name, value) in values {
                guard let rule = Glance2010.rules.first(where: { $0.name.sameBytes(as: name) }) else { continue }
                try take(rule, value, into: &image)
            }
            if image.text(.id) == nil { image[.id] = id.map { .text($0) } ?? .absent }
            guard !image.id.isEmpty else { throw Self.noImage("an image without id") }
            image.properties = Properties(properties)
            return image
        }

        private func take(_ rule: FieldRule, _ value: String?, into image: inout Image) throws(Failure) {
            guard let field = rule.field else {
                switch rule.name {
                case "uri":
                    if image.text(.id) == nil {
                        image[.id] = value.flatMap(Self.id(ofURI:)).map { .text($0) } ?? .absent
                    }
                case "type": Self.takeType(value, into: &image)
                default: break
                }
                return
            }
            guard let value else {
                if field != .id { image[field] = .null }
                return
            }
            switch (field, field.kind) {
            case (.status, _): image[.status] = .text(Self.status(value).rawValue)
            case (_, .text): image[field] = .text(value)
            case (_, .boolean): image[field] = .boolean(GlanceValues.isTrue(value))
            case (_, .time): image[field] = Timestamp(value).map { .time($0) } ?? .null
            case (_, .integer):
                // A length that cannot be one would be told to clients, and compared with data.
                guard let number = ASCII.decimal(value) else { throw Self.noImage("\(rule.name) is no whole number") }
                image[field] = .integer(number)
            }
        }

        /// Formats named beside the type are more exact than it.
        private static func takeType(_ type: String?, into image: inout Image) {
            let formats = type.flatMap { Glance2010().formats(ofType: $0) }
            if image.text(.diskFormat) == nil { image[.diskFormat] = formats.map { .text($0.disk) } ?? .null }
            if image.text(.containerFormat) == nil {
                image[.containerFormat] = formats.map { .text($0.container) } ?? .null
            }
        }

        /// The last segment of the image's address (glance-2010 §5).
        private static func id(ofURI uri: String) -> String? {
            let parts = uri.utf8.split(separator: UInt8(ascii: "/"))
            guard parts.count > 1, let last = parts.last else { return nil }
            return String(validating: PercentCoding.decode(last), as: UTF8.self)
        }

        private static func status(_ word: String) -> ImageStatus {
            let word = ASCII.lowercased(word)
            let entry = statuses.first { $0.seed.sameBytes(as: word) || $0.bexar.sameBytes(as: word) }
            return entry?.states.first ?? .queued
        }

        private static func noImage(_ cause: String) -> Failure {
            Failure(.badGateway, "The registry answered with something that is no image", cause: cause)
        }
    }
}

extension Glance2010.Reply {
    private static let failureKinds: [Int: Failure.Kind] = [
        400: .badRequest, 401: .tokenRejected, 403: .forbidden, 404: .imageNotFound, 409: .conflict, 413: .tooLarge,
        429: .unavailable, 501: .notImplemented, 503: .unavailable, 504: .gatewayTimeout,
    ]

    /// What an answer that refuses means (glance-2010 §1, §7).
    ///
    /// - Parameter secrets: texts that must not reach a client: the registry's address, tokens.
    public static func failure(status: Int, fields: Fields, body: [UInt8], hiding secrets: [String] = []) -> Failure {
        let kind = failureKinds[status] ?? .badGateway
        // A traceback is nothing for a client; of what is not there the client's own dialect speaks.
        let isQuiet = kind == .badGateway || kind == .imageNotFound
        let text = isQuiet ? "" : message(status, fields["content-type"] ?? "", body, hiding: secrets)
        // The cause is logged: the registry's text may quote what the client sent.
        var failure = Failure(kind, text, isDetail: true, cause: "registry answered \(status) (\(kind))")
        if kind == .tokenRejected { failure.challenge = fields["www-authenticate"] }
        if kind == .unavailable { failure.retryAfter = fields["retry-after"] }
        return failure
    }

    /// The message alone: the sentence that stands before it says only what the status says.
    private static func message(_ status: Int, _ type: String, _ body: [UInt8], hiding secrets: [String]) -> String {
        let text = ImageV2Message.text(contentType: type, body: body, hiding: secrets)
        guard let sentence = FaultPage.sentences[status], text.utf8.starts(with: sentence.utf8) else { return text }
        let rest = ASCII.trim(Array(text.utf8.dropFirst(sentence.utf8.count))[...])
        return String(decoding: rest, as: UTF8.self)
    }
}
