import Bytes
import HTTP
import Images

extension Glance2010 {
    /// What a request says of an image.
    struct Metadata {
        var image = Image()
        /// Where the data is; nil: not said.
        var location: String?
        /// The formats come from `type`.
        var hasTypeFormats = false
    }

    func metadata(of request: ClientRequest) throws(Failure) -> Metadata {
        let headers = MetadataHeaders(request.head.fields)
        var reader = Reader(settings: settings)
        for (name, value) in headers.fields { try reader.take(name, try GlanceValues.text(value)) }
        for (key, value) in headers.properties {
            let value = try GlanceValues.text(value)
            try reader.takeProperty(try GlanceValues.text(key), value.isEmpty ? nil : value)
        }
        return try reader.finish(self)
    }

    /// The document of the client of December 2010: `{"image": {…}}` with numbers, booleans or text.
    func metadata(document: [UInt8]) throws(Failure) -> Metadata {
        guard let image = (try? JSONReader.parse(document))?.object?["image"]?.object else {
            throw Failure(.badRequest, GlanceMessage.contentType, isDetail: true)
        }
        var reader = Reader(settings: settings)
        for member in image.members {
            if member.key.sameBytes(as: "properties"), let properties = member.value.object {
                for property in properties.members {
                    try reader.takeProperty(
                        PropertyFold.header.apply(property.key), try Self.text(property.value, of: property.key))
                }
            } else if Self.rules.contains(where: { $0.name.sameBytes(as: member.key) }) {
                let text = try Self.text(member.value, of: member.key)
                if text != nil || member.key.sameBytes(as: "name") { try reader.take(member.key, text ?? "") }
            }
        }
        return try reader.finish(self)
    }

    /// A value as a header would say it; nil: null.
    private static func text(_ value: JSONValue, of key: String) throws(Failure) -> String? {
        switch value {
        case .null: return nil
        case .string(let text): return text
        case .number(let digits): return digits
        case .boolean(let flag): return flag ? "True" : "False"
        case .array, .object: throw Failure(.badRequest, GlanceMessage.value(key), isDetail: true)
        }
    }
}

/// Takes values one by one; `finish` looks at what they are together.
private struct Reader {
    let settings: Glance2010.Settings
    private var metadata = Glance2010.Metadata()
    private var type: String?

    init(settings: Glance2010.Settings) { self.settings = settings }

    /// - Parameter name: folded; one without a rule is ignored (glance-2010 §2).
    mutating func take(_ name: String, _ value: String) throws(Failure) {
        guard let rule = Glance2010.rules.first(where: { $0.name.sameBytes(as: name) }) else { return }
        try Glance2010.asDetail { () throws(Failure) in try take(rule, value) }
    }

    private mutating func take(_ rule: Glance2010.FieldRule, _ value: String) throws(Failure) {
        switch rule.reading {
        case .ignored: return
        case .type: if !value.isEmpty { type = value }
        case .location:
            guard !value.sameBytes(as: "None") else { return }
            try settings.values.checkSource(value)
            metadata.location = value
        case .id:
            guard !Self.isNone(value) else { return }
            guard PathSegments.isImageID(value) else { throw Failure(.badRequest, GlanceMessage.invalidID) }
            metadata.image[.id] = .text(value)
        case .store:
            guard !Self.isNone(value) else { return }
            guard settings.stores.contains(where: { $0.sameBytes(as: value) }) else {
                throw Failure(.badRequest, GlanceMessage.store(value))
            }
            metadata.image[.store] = .text(value)
        case .size:
            guard !value.sameBytes(as: "None") else { return }
            metadata.image[.size] = try settings.values.read(value, of: .size)
        case .value:
            guard let field = rule.field else { return }
            metadata.image[field] = try settings.values.read(value, of: field)
        }
    }

    mutating func takeProperty(_ name: String, _ value: String?) throws(Failure) {
        metadata.image.properties.set(name, value.flatMap { $0.isEmpty ? nil : $0 })
        let count = metadata.image.properties.count
        guard count <= settings.maxProperties else {
            throw Failure(.tooLarge, GlanceMessage.manyProperties(count, settings.maxProperties), isDetail: true)
        }
    }

    /// What 0.1.x clients send for nothing.
    private static func isNone(_ value: String) -> Bool { value.isEmpty || value.sameBytes(as: "None") }

    /// Explicit formats win over the type; of an Amazon pair one completes the other (glance-2010 §3, glance-v1 §2.4).
    mutating func finish(_ dialect: Glance2010) throws(Failure) -> Glance2010.Metadata {
        try Glance2010.asDetail { () throws(Failure) in try GlanceValues.completeFormats(of: &metadata.image) }
        guard let type else { return metadata }
        guard let formats = dialect.formats(ofType: type) else {
            throw Failure(.badRequest, GlanceMessage.imageType(type), isDetail: true)
        }
        switch (metadata.image.text(.diskFormat), metadata.image.text(.containerFormat)) {
        case (nil, nil):
            metadata.hasTypeFormats = true
            metadata.image[.diskFormat] = .text(formats.disk)
            metadata.image[.containerFormat] = .text(formats.container)
        case (_?, nil) where !ValueRules.amazonFormats.contains(formats.container):
            metadata.image[.containerFormat] = .text(formats.container)
        case (nil, _?) where !ValueRules.amazonFormats.contains(formats.disk):
            metadata.image[.diskFormat] = .text(formats.disk)
        default: break
        }
        return metadata
    }
}
