import Bytes
import HTTP
public import Images

extension ImageV2 {
    public func render(
        _ outcome: Outcome, of operation: Operation, for request: ClientRequest
    ) throws(Failure) -> ClientResponse {
        if case .listVersions(let status) = operation {
            if status == 302 { return ClientResponse(302, Fields([("Location", Self.root(request) + "/v2/")])) }
            let capabilities = if case .capabilities(let found) = outcome { found } else { RegistryCapabilities() }
            return Self.json(status, versions(for: request, capabilities))
        }
        switch outcome {
        case .image(let image): return response(image, operation, request)
        case .data(let image, let data): return ClientResponse(200, Self.dataFields(of: image), body: .data(data))
        case .part(let image, let data, let range):
            var fields = Self.dataFields(of: image)
            let size = image.integer(.size) ?? 0
            fields.append("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)")
            return ClientResponse(206, fields, body: .data(data))
        case .images(let images):
            guard case .listImages(let query) = operation else { throw unexpected(operation) }
            return ClientResponse(200, Self.documentFields, body: .list(list(images, query, request)))
        case .members(let list): return Self.json(200, members(list, of: operation.imageID ?? ""))
        case .member(let member, let imageID): return Self.json(200, Self.member(member, of: imageID, since: nil))
        case .locations(let locations):
            return Self.json(200, .array(locations.map(Self.location)))
        case .capabilities(let capabilities): return try describe(capabilities, operation)
        case .done: return done(operation)
        case .sharedImages, .relayed: throw unexpected(operation)
        }
    }

    private func unexpected(_ operation: Operation) -> Failure {
        Failure(.internal, cause: "outcome of \(operation.name) in image-v2")
    }

    static let documentFields = Fields([("Content-Type", "application/json")])
    /// What answers without a body say (image-v2 §1).
    private static let emptyFields = Fields([("Content-Type", "text/html; charset=UTF-8")])

    static func json(_ status: Int, _ value: JSONValue) -> ClientResponse {
        var writer = writer()
        writer.value(value)
        return ClientResponse(status, documentFields, body: .bytes(writer.bytes))
    }

    private static func writer() -> JSONWriter { JSONWriter(spaced: true) }

    private func response(_ image: Image, _ operation: Operation, _ request: ClientRequest) -> ClientResponse {
        switch operation {
        case .createImage, .showImage: break
        // An upload answers with nothing.
        case .updateImage(let update):
            if case .body = update.source { return ClientResponse(204, Self.emptyFields) }
        default: return done(operation)
        }
        var writer = Self.writer()
        write(image, to: &writer)
        var fields = Self.documentFields
        guard case .createImage = operation else { return ClientResponse(200, fields, body: .bytes(writer.bytes)) }
        fields.append("Location", Self.root(request) + Self.path(of: image.id))
        return ClientResponse(201, fields, body: .bytes(writer.bytes))
    }

    private func done(_ operation: Operation) -> ClientResponse {
        switch operation {
        case .importImage, .addLocation: ClientResponse(202, Self.emptyFields)
        // Registries of other dialects only say that it is done; their members have all accepted (mapping §3.9).
        case .addMember(let id, let member): Self.json(200, Self.member(member, of: id, since: nil))
        default: ClientResponse(204, Self.emptyFields)
        }
    }

    /// The gateway's address of what stands before `/v2`.
    static func root(_ request: ClientRequest) -> String {
        guard isVersioned(request), let slash = request.mountPrefix.utf8.lastIndex(of: UInt8(ascii: "/")) else {
            return request.baseURL
        }
        return request.publicURL + String(decoding: request.mountPrefix.utf8[..<slash], as: UTF8.self)
    }

    static func path(of id: String) -> String { "/v2/images/" + PercentCoding.encode(id, keeping: .unreserved) }

    private static func dataFields(of image: Image) -> Fields {
        var fields = Fields([("Content-Type", "application/octet-stream")])
        // Hex, as the servers write it (image-v2 §10).
        if let checksum = checksum(of: image) { fields.append("Content-MD5", checksum) }
        return fields
    }

    /// Clients verify data against it: only an MD5 is shown (mapping §3.7).
    static func checksum(of image: Image) -> String? {
        image.text(.checksum).flatMap { ValueRules.isMD5($0) ? $0 : nil }
    }
}

// MARK: - One image (image-v2 §5)

extension ImageV2 {
    /// In the order of the servers; properties stand before them.
    static let shownFields: [ImageField] = [
        .name, .diskFormat, .containerFormat, .visibility, .size, .virtualSize, .status, .checksum, .protected,
        .minRAM, .minDisk, .owner, .hidden, .osHashAlgo, .osHashValue, .id, .createdAt, .updatedAt,
    ]

    func write(_ image: Image, to writer: inout JSONWriter) {
        writer.beginObject()
        for property in image.properties.list where !ImageV2Names.isBase(property.name) {
            guard !(settings.starlingx && property.name.sameBytes(as: "store")) else { continue }
            writer.key(property.name)
            if property.value == nil, Self.imageReferences.contains(property.name) {
                writer.null()
            } else {
                writer.string(property.value ?? "")
            }
        }
        if settings.starlingx, let store = image.text(.store) {
            writer.key("store")
            writer.string(store)
        }
        for field in Self.shownFields {
            writer.key(field.rawValue)
            Self.write(Self.shown(field, of: image), to: &writer)
        }
        writeLocations(of: image, to: &writer)
        writer.key("tags")
        writer.value(.array((image.tags ?? []).map(JSONValue.string)))
        for (key, tail) in [("self", ""), ("file", "/file")] {
            writer.key(key)
            writer.string(Self.path(of: image.id) + tail)
        }
        writer.key("schema")
        writer.string("/v2/schemas/image")
        if settings.showStores, let store = image.text(.store) {
            writer.key("stores")
            writer.string(store)
        }
        writer.endObject()
    }

    private func writeLocations(of image: Image, to writer: inout JSONWriter) {
        // Pithos' own addresses mean nothing to this dialect's clients (mapping §3.6).
        let location = image.text(.location).flatMap { URLScheme.of($0) == "pithos" ? nil : $0 }
        if settings.showLocations {
            let shown = location.map { ImageLocation(url: $0, store: image.text(.store)) }
            writer.key("locations")
            writer.value(.array(shown.map { [Self.location($0)] } ?? []))
        }
        if let location, settings.showDirectURL {
            writer.key("direct_url")
            writer.string(location)
        }
    }

    fileprivate static func location(_ location: ImageLocation) -> JSONValue {
        let metadata = location.store.map { [JSONObject.Member(key: "store", value: .string($0))] } ?? []
        return .object(
            JSONObject([
                .init(key: "url", value: .string(location.url)),
                .init(key: "metadata", value: .object(JSONObject(metadata))),
            ]))
    }

    private static func write(_ value: FieldValue, to writer: inout JSONWriter) {
        switch value {
        case .absent, .null: writer.null()
        case .text(let text): writer.string(text)
        case .integer(let number): writer.integer(number)
        case .boolean(let truth): writer.boolean(truth)
        case .time(let time): writer.string(time.text(.zulu))
        }
    }

    /// A field as this dialect shows it.
    static func shown(_ field: ImageField, of image: Image) -> FieldValue {
        switch field {
        case .visibility: .text(image.knownVisibility.rawValue)
        case .checksum: checksum(of: image).map { .text($0) } ?? .null
        case .minRAM, .minDisk: .integer(image.integer(field) ?? 0)
        case .protected, .hidden: .boolean(image.boolean(field) ?? false)
        // Registries of other dialects say 0 where nothing is there yet (mapping §3.9).
        case .size where image.integer(.size) == 0 && image.status == .queued: .null
        case .updatedAt where image.time(.updatedAt) == nil: image[.createdAt]
        case .diskFormat:
            image.text(.diskFormat).map { .text(ImageV2Formats.isForeign($0) ? ImageV2Formats.stand : $0) } ?? .null
        default: image[field]
        }
    }
}

// MARK: - Lists and members

extension ImageV2 {
    private func list(_ images: any ImageSource, _ query: ImageQuery, _ request: ClientRequest) -> ListRendering {
        let limit = query.limit ?? Self.defaultLimit
        return ListRendering(
            opening: Array("{\"images\": [".utf8), separator: Array(", ".utf8),
            closing: { count, last in Self.closing(request, next: count == limit ? last?.id : nil) }, images: images
        ) { image, buffer in
            var writer = Self.writer()
            swap(&writer.bytes, &buffer)
            write(image, to: &writer)
            swap(&writer.bytes, &buffer)
        }
    }

    /// The links of a page, built from the client's own query with all its repeated parameters (image-v2 §17).
    private static func closing(_ request: ClientRequest, next marker: String?) -> [UInt8] {
        // The query was read before, else there would be no list.
        let all = (try? QueryItems(request.query ?? ""))?.all ?? []
        let items = all.filter { !$0.name.sameBytes(as: "marker") }.map { coded($0.name) + "=" + coded($0.value) }
        func link(_ items: [String]) -> String {
            "/v2/images" + (items.isEmpty ? "" : "?" + items.joined(separator: "&"))
        }
        var writer = writer()
        writer.beginObject()
        writer.key("first")
        writer.string(link(items))
        writer.key("schema")
        writer.string("/v2/schemas/images")
        if let marker {
            writer.key("next")
            writer.string(link(items + ["marker=" + coded(marker)]))
        }
        writer.endObject()
        return Array("], ".utf8) + writer.bytes.dropFirst()
    }

    /// As Python's `urlencode`: a blank is `+`.
    private static func coded(_ text: String) -> String {
        let coded = PercentCoding.encode(text, keeping: unreservedAndBlank)
        return String(decoding: coded.utf8.map { $0 == 0x20 ? UInt8(ascii: "+") : $0 }, as: UTF8.self)
    }

    private static let unreservedAndBlank = ByteSet.unreserved.union(ByteSet(" "))

    private func members(_ list: MemberList, of id: String) -> JSONValue {
        .object(
            JSONObject([
                .init(
                    key: "members",
                    value: .array(list.members.map { Self.member($0, of: id, since: list.imageCreatedAt) })),
                .init(key: "schema", value: .string("/v2/schemas/members")),
            ]))
    }

    /// - Parameter since: stands for times that the backend does not know; its members have all accepted (mapping §3.9).
    fileprivate static func member(_ member: Member, of id: String, since: Timestamp?) -> JSONValue {
        func time(_ time: Timestamp?) -> JSONValue {
            .string((time ?? since ?? Timestamp(seconds: 0)).text(.zulu))
        }
        return .object(
            JSONObject([
                .init(key: "member_id", value: .string(member.id)), .init(key: "image_id", value: .string(id)),
                .init(key: "status", value: .string(member.status ?? "accepted")),
                .init(key: "created_at", value: time(member.createdAt)),
                .init(key: "updated_at", value: time(member.updatedAt ?? member.createdAt)),
                .init(key: "schema", value: .string("/v2/schemas/member")),
            ]))
    }

    /// The three that every registry can serve, and those that stand for what this one can do beside them
    /// (image-v2 §3).
    private func versions(for request: ClientRequest, _ capabilities: RegistryCapabilities) -> JSONValue {
        var versions = ["v2.2", "v2.1", "v2.0"]
        if !capabilities.importMethods.isEmpty { versions.insert("v2.6", at: 0) }
        if !capabilities.stores.isEmpty { versions.insert("v2.8", at: 0) }
        if capabilities.hasLocationCalls { versions.insert("v2.17", at: 0) }
        let link = JSONObject([
            .init(key: "rel", value: .string("self")), .init(key: "href", value: .string(Self.root(request) + "/v2/")),
        ])
        let entries = versions.enumerated().map { place, id in
            JSONValue.object(
                JSONObject([
                    .init(key: "id", value: .string(id)),
                    .init(key: "status", value: .string(place == 0 ? "CURRENT" : "SUPPORTED")),
                    .init(key: "links", value: .array([.object(link)])),
                ]))
        }
        return .object(JSONObject([.init(key: "versions", value: .array(entries))]))
    }
}
