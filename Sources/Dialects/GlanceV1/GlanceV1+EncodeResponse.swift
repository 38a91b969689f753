import Bytes
import HTTP
public import Images

extension GlanceV1 {
    public func render(
        _ outcome: Outcome, of operation: Operation, for request: ClientRequest
    ) throws(Failure) -> ClientResponse {
        if case .listVersions(let status) = operation {
            return Self.json(status, Self.versions(for: request))
        }
        switch outcome {
        case .image(let image): return self.response(image, operation, request)
        case .data(let image, let data):
            var fields = Self.headers(of: image, request)
            fields.set("Content-Type", "application/octet-stream")
            return ClientResponse(200, fields, body: .data(data))
        case .images(let images):
            guard case .listImages(let query) = operation else {
                throw Failure(.internal, cause: "list of \(operation.name)")
            }
            let list = Self.list(images, isDetailed: query.isDetailed, base: Self.imagesURL(request))
            return ClientResponse(200, Self.documentFields, body: .list(list))
        case .members(let list):
            return Self.json(
                200, Self.sharing("members", "member_id", list.members.map { ($0.id, $0.canShare ?? false) }))
        case .sharedImages(let list):
            return Self.json(200, Self.sharing("shared_images", "image_id", list.map { ($0.imageID, $0.canShare) }))
        case .part, .member, .locations, .capabilities, .relayed:
            throw Failure(.internal, cause: "outcome of \(operation.name) in glance-v1")
        case .done:
            if case .deleteImage = operation { return ClientResponse(200, Self.emptyFields) }
            return ClientResponse(204, Fields())
        }
    }

    private func response(_ image: Image, _ operation: Operation, _ request: ClientRequest) -> ClientResponse {
        let isCreation = if case .createImage = operation { true } else { false }
        if case .deleteImage = operation { return ClientResponse(200, Self.emptyFields) }
        if case .showImage = operation { return ClientResponse(200, Self.headers(of: image, request)) }
        let base = Self.imagesURL(request)
        var fields = Self.documentFields
        if isCreation { fields.append("Location", Self.url(of: image, base)) }
        if let checksum = Self.checksum(of: image) { fields.append("ETag", checksum) }
        var writer = Self.writer()
        writer.beginObject()
        writer.key("image")
        Self.write(image, isDetailed: true, base: base, to: &writer)
        writer.endObject()
        return ClientResponse(isCreation ? 201 : 200, fields, body: .bytes(writer.bytes))
    }

    static let documentFields = Fields([("Content-Type", "application/json")])
    /// Empty bodies must not be called JSON: clients would parse them (glance-v1 §3).
    static let emptyFields = Fields([("Content-Type", "text/html; charset=UTF-8")])

    private static func json(_ status: Int, _ document: [UInt8]) -> ClientResponse {
        ClientResponse(status, documentFields, body: .bytes(document))
    }

    /// ASCII with blanks, as the servers' `json.dumps`.
    private static func writer() -> JSONWriter { JSONWriter(ascii: true, spaced: true) }
}

// MARK: - Addresses

extension GlanceV1 {
    /// The mount with its version, or with the one that clients find behind it.
    private static func versionURL(_ request: ClientRequest) -> String {
        isVersioned(request) ? request.baseURL : request.baseURL + "/v1"
    }

    private static func imagesURL(_ request: ClientRequest) -> String { versionURL(request) + "/images/" }

    private static func url(of image: Image, _ base: String) -> String {
        base + PercentCoding.encode(image.id, keeping: .pathSegment)
    }
}

// MARK: - One image

extension GlanceV1 {
    /// The metadata headers of HEAD and GET; fields without value have none (glance-v1 §3).
    private static func headers(of image: Image, _ request: ClientRequest) -> Fields {
        var fields = emptyFields
        fields.reserve(bytes: usualHeaderBytes)
        for rule in detailRules {
            guard let field = rule.field, let text = headerText(shown(field, of: image)) else { continue }
            fields.append(rule.header, HeaderProperties.harmless(text))
        }
        fields.append(prefix + "uri", HeaderProperties.harmless(url(of: image, imagesURL(request))))
        fields.append(prefix + "deleted", isDeleted(image) ? "True" : "False")
        for (name, value) in HeaderProperties.shown(of: image, fold: .header)
        where !value.isEmpty && name.utf8.allSatisfy(ByteSet.token.contains) {
            fields.append(prefix + propertyPrefix + ASCII.lowercased(name), HeaderProperties.harmless(value))
        }
        if let checksum = checksum(of: image) { fields.append("ETag", checksum) }
        return fields
    }

    private static let usualHeaderBytes = 1024

    private static func headerText(_ value: FieldValue) -> String? {
        switch value {
        case .absent, .null: nil
        case .text(let text): text
        case .integer(let number): String(number)
        case .boolean(let flag): flag ? "True" : "False"
        case .time(let time): time.text(.micro)
        }
    }

    /// An empty property is a null one to these clients, which cannot say it otherwise (mapping §4.2).
    private static func shownValue(_ property: Property) -> String? {
        property.value.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func write(_ image: Image, isDetailed: Bool, base: String, to writer: inout JSONWriter) {
        writer.beginObject()
        for rule in isDetailed ? detailRules : briefRules {
            guard let field = rule.field else { continue }
            let value = shown(field, of: image)
            if case .absent = value { continue }
            writer.key(rule.name)
            switch value {
            case .absent, .null: writer.null()
            case .text(let text): writer.string(text)
            case .integer(let number): writer.integer(number)
            case .boolean(let flag): writer.boolean(flag)
            case .time(let time): writer.string(time.text(.micro))
            }
        }
        writer.key("uri")
        writer.string(url(of: image, base))
        if isDetailed {
            writer.key("deleted")
            writer.boolean(isDeleted(image))
            writer.key("properties")
            writer.beginObject()
            for property in image.properties.list {
                writer.key(property.name)
                if let value = shownValue(property) { writer.string(value) } else { writer.null() }
            }
            writer.endObject()
        }
        writer.endObject()
    }
}

// MARK: - Documents

extension GlanceV1 {
    private static func list(_ images: any ImageSource, isDetailed: Bool, base: String) -> ListRendering {
        ListRendering(
            opening: Array("{\"images\": [".utf8), separator: Array(", ".utf8), closing: Array("]}".utf8),
            images: images
        ) { image, buffer in
            var writer = writer()
            swap(&writer.bytes, &buffer)
            write(image, isDetailed: isDetailed, base: base, to: &writer)
            swap(&writer.bytes, &buffer)
        }
    }

    private static func sharing(_ key: String, _ idKey: String, _ entries: [(id: String, canShare: Bool)]) -> [UInt8] {
        var writer = writer()
        writer.beginObject()
        writer.key(key)
        writer.beginArray()
        for entry in entries {
            writer.beginObject()
            writer.key(idKey)
            writer.string(entry.id)
            writer.key("can_share")
            writer.boolean(entry.canShare)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// Both versions are the same place (glance-v1 §1).
    private static func versions(for request: ClientRequest) -> [UInt8] {
        let link = JSONObject(["rel": .string("self"), "href": .string(versionURL(request) + "/")])
        let versions = [("v1.1", "CURRENT"), ("v1.0", "SUPPORTED")].map { id, status in
            JSONValue.object(
                JSONObject(["id": .string(id), "status": .string(status), "links": .array([.object(link)])]))
        }
        var writer = writer()
        writer.value(.object(JSONObject(["versions": .array(versions)])))
        return writer.bytes
    }
}
