import Bytes
import HTTP
public import Images

extension Glance2010 {
    /// Success is always 200: the clients of 0.1.x raise on every other status (glance-2010 §1).
    public func render(
        _ outcome: Outcome, of operation: Operation, for request: ClientRequest
    ) throws(Failure) -> ClientResponse {
        switch outcome {
        case .image(let image):
            if case .showImage = operation { return ClientResponse(200, headers(of: image, request, type: Self.page)) }
            return document { writer in
                writer.key("image")
                write(image, isDetailed: true, request.baseURL, to: &writer)
            }
        case .data(let image, let data):
            return ClientResponse(200, headers(of: image, request, type: "application/octet-stream"), body: .data(data))
        case .images(let images):
            guard case .listImages(let query) = operation else {
                throw Failure(.internal, cause: "list of \(operation.name)")
            }
            return list(images, isDetailed: query.isDetailed, request.baseURL)
        case .done: return ClientResponse(200, Fields([("Content-Type", Self.page)]))
        case .members, .sharedImages, .part, .member, .locations, .capabilities, .relayed:
            throw Failure(.internal, cause: "outcome of \(operation.name) in glance-2010")
        }
    }

    private static let page = "text/html; charset=UTF-8"
    private static let json = "application/json"

    private func document(_ fill: (inout JSONWriter) -> Void) -> ClientResponse {
        var writer = JSONWriter(ascii: true, spaced: true)
        writer.beginObject()
        fill(&writer)
        writer.endObject()
        return ClientResponse(200, Fields([("Content-Type", Self.json)]), body: .bytes(writer.bytes))
    }

    private func list(_ images: any ImageSource, isDetailed: Bool, _ base: String) -> ClientResponse {
        let rendering = ListRendering(
            opening: Array("{\"images\": [".utf8), separator: Array(", ".utf8), closing: Array("]}".utf8),
            images: images
        ) { image, buffer in
            var writer = JSONWriter(ascii: true, spaced: true)
            swap(&writer.bytes, &buffer)
            self.write(image, isDetailed: isDetailed, base, to: &writer)
            swap(&writer.bytes, &buffer)
        }
        return ClientResponse(200, Fields([("Content-Type", Self.json)]), body: .list(rendering))
    }
}

// MARK: - One image

extension Glance2010 {
    private enum ShownValue {
        case null
        case text(String)
        case number(Int64)
        case flag(Bool)
        case time(Timestamp)
    }

    private func shownValue(_ rule: FieldRule, of image: Image, _ base: String) -> ShownValue {
        guard let field = rule.field else {
            switch rule.name {
            case "uri": return .text("\(base)/images/\(PercentCoding.encode(image.id, keeping: .pathSegment))")
            case "type": return .text(ValueRules.imageType(of: image))
            default: return .flag(Self.isDeleted(image))
            }
        }
        switch field {
        case .status: return .text(statusWord(image.status))
        case .isPublic: return .flag(image.isPublic)
        case .store: return Self.store(of: image).map { .text($0) } ?? .null
        case .size: return .number(image.integer(.size) ?? 0)
        default:
            if let time = image.time(field) { return .time(time) }
            return image.text(field).flatMap { $0.isEmpty ? nil : .text($0) } ?? .null
        }
    }

    private static func isDeleted(_ image: Image) -> Bool {
        image.status == .deleted || image.status == .pendingDelete || image.time(.deletedAt) != nil
    }

    private var isSeed: Bool { settings.profile == .seed }

    private func text(_ time: Timestamp) -> String { time.text(isSeed ? .blank : .micro) }

    /// Null in a header: nothing, or Python's word for it.
    private var nullText: String { isSeed ? "" : "None" }

    private func headers(of image: Image, _ request: ClientRequest, type: String) -> Fields {
        var fields = Fields([("Content-Type", type)])
        for rule in shownRules(isDetailed: true) {
            let text =
                switch shownValue(rule, of: image, request.baseURL) {
                case .null: nullText
                case .text(let text): HeaderProperties.harmless(text)
                case .number(let number): String(number)
                case .flag(let flag): flag ? "True" : "False"
                case .time(let time): self.text(time)
                }
            fields.append(rule.header, text)
        }
        var shown = image
        for property in image.properties.list where property.value == nil {
            shown.properties.set(property.name, nullText)
        }
        for (name, value) in HeaderProperties.shown(of: shown, fold: .header)
        where name.utf8.allSatisfy(ByteSet.token.contains) {
            fields.append(Self.propertyPrefix + ASCII.lowercased(name), HeaderProperties.harmless(value))
        }
        return fields
    }

    private func write(_ image: Image, isDetailed: Bool, _ base: String, to writer: inout JSONWriter) {
        writer.beginObject()
        for rule in shownRules(isDetailed: isDetailed) {
            writer.key(rule.name)
            switch shownValue(rule, of: image, base) {
            case .null: writeNull(to: &writer)
            case .text(let text) where rule.field == .id && Self.isNumber(text): writer.rawNumber(text)
            case .text(let text): writer.string(text)
            case .number(let number): isSeed ? writer.string(String(number)) : writer.integer(number)
            case .flag(let flag): writer.boolean(flag)
            case .time(let time): writer.string(text(time))
            }
        }
        if isDetailed {
            writer.key("properties")
            writer.beginObject()
            for property in image.properties.list {
                writer.key(property.name)
                if let value = property.value { writer.string(value) } else { writeNull(to: &writer) }
            }
            writer.endObject()
        }
        writer.endObject()
    }

    private func writeNull(to writer: inout JSONWriter) {
        if isSeed { writer.string("") } else { writer.null() }
    }

    /// A decimal id without leading zero that every reader holds exactly (glance-2010 §5).
    private static func isNumber(_ id: String) -> Bool {
        let digits = id.utf8
        return (1...18).contains(digits.count) && digits.allSatisfy(ByteSet.digits.contains)
            && (digits.first != UInt8(ascii: "0") || digits.count == 1)
    }
}
