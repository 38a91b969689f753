import Bytes
import HTTP
public import Images

extension Plankton {
    public func render(
        _ outcome: Outcome, of operation: Operation, for request: ClientRequest
    ) throws(Failure) -> ClientResponse {
        if case .listVersions(let status) = operation {
            return ClientResponse(status, commonFields(), body: .bytes(versions(for: request)))
        }
        switch outcome {
        case .image(let image): return ClientResponse(200, headers(of: image))
        case .data(let image, let data):
            var fields = headers(of: image)
            fields.set("Content-Type", "application/octet-stream")
            return ClientResponse(200, fields, body: .data(data))
        case .images(let images):
            guard case .listImages(let query) = operation else {
                throw Failure(.internal, cause: "list of \(operation.name)")
            }
            return ClientResponse(200, commonFields(), body: .list(list(images, isDetailed: query.isDetailed)))
        case .members(let list): return ClientResponse(200, commonFields(), body: .bytes(document(of: list)))
        case .sharedImages(let list): return ClientResponse(200, commonFields(), body: .bytes(document(of: list)))
        case .done: return ClientResponse(204, commonFields())
        case .part, .member, .locations, .capabilities, .relayed:
            throw Failure(.internal, cause: "outcome of \(operation.name) in plankton")
        }
    }

    /// The fields of every answer (plankton §3.2), with or without a body.
    func commonFields() -> Fields {
        var fields = Fields()
        fields.append("Content-Type", "application/json; charset=UTF-8")
        fields.append("Cache-Control", "no-cache, no-store, must-revalidate, max-age=0")
        fields.append("Vary", "X-Auth-Token")
        if let date { fields.append("Expires", date()) }
        return fields
    }
}

// MARK: - One image

extension Plankton {
    /// A field's value as this dialect shows it, not yet encoded.
    private enum ShownValue {
        case text(String)
        case number(Int64)
        case flag(Bool)
    }

    /// Every field is always shown, empty when nothing is known (plankton §4).
    private func shownValue(_ field: ImageField, of image: Image, inHeader: Bool) -> ShownValue {
        switch field {
        case .status: .text(statusWord(of: image, inHeader: inHeader))
        case .diskFormat: .text(Self.diskFormat(of: image))
        case .location: .text(location(of: image))
        case .isPublic: .flag(image.isPublic)
        default:
            switch field.kind {
            case .text: .text(image.text(field) ?? "")
            case .integer: .number(image.integer(field) ?? 0)
            case .boolean: .flag(image.boolean(field) ?? false)
            case .time: .text(image.time(field)?.text(.blank) ?? "")
            }
        }
    }

    /// The present disk format; `raw` was not made by a Plankton client and is shown as a dump (mapping §3.4).
    static func diskFormat(of image: Image) -> String {
        let format = image.text(.diskFormat) ?? ""
        return format.sameBytes(as: plainDiskFormat) ? defaultDiskFormat : format
    }

    private func statusWord(of image: Image, inHeader: Bool) -> String {
        let rule =
            image.status.flatMap { status in Self.statuses.first { $0.states.contains(status) } }
            ?? Self.unknownStatus
        return switch settings.statusCase {
        case .lower: rule.lower
        case .upper: inHeader ? rule.upperHeader : rule.upperDocument
        }
    }

    /// Canonical form; other locations than Pithos' may carry credentials and are empty unless the settings show them.
    private func location(of image: Image) -> String {
        let location = image.text(.location) ?? ""
        if let pithos = try? PithosLocation(location) { return pithos.canonical }
        return settings.showLocation || location.utf8.starts(with: "pithos:".utf8) ? location : ""
    }

    /// The metadata headers of register, update and HEAD.
    private func headers(of image: Image) -> Fields {
        var fields = commonFields()
        for rule in Self.shownRules {
            guard let field = rule.field else { continue }
            let text =
                switch shownValue(field, of: image, inHeader: true) {
                case .text(let text): field == .name ? encoded(text) : Self.harmless(text)
                case .number(let number): String(number)
                case .flag(let flag): flag ? "True" : "False"
                }
            fields.append(Self.prefix + rule.header, text)
        }
        if settings.showsSnapshotFields {
            fields.append(Self.prefix + "is-snapshot", "False")
            fields.append(Self.prefix + "description", "")
        }
        appendProperties(of: image, to: &fields)
        return fields
    }

    private func appendProperties(of image: Image, to fields: inout Fields) {
        for (name, value) in HeaderProperties.shown(of: image, fold: .plankton) {
            fields.append(Self.prefix + Self.propertyPrefix + encodedName(name), encoded(value))
        }
    }

    /// A name or property value in a header: percent-encoded, blanks at the ends too (plankton §5).
    private func encoded(_ text: String) -> String {
        guard settings.encoding == .least else { return PercentCoding.encode(text, keeping: Self.fullyKept) }
        let bytes = Array(text.utf8)
        let inner = bytes[...].drop { $0 == 0x20 }
        let start = bytes.count - inner.count
        var end = bytes.count
        while end > start, bytes[end - 1] == 0x20 { end -= 1 }
        return String(repeating: "%20", count: start)
            + PercentCoding.encode(bytes[start..<end], keeping: Self.leastKept)
            + String(repeating: "%20", count: bytes.count - end)
    }

    private func encodedName(_ key: String) -> String {
        let hyphened = key.utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }
        return PercentCoding.encode(
            hyphened, keeping: settings.encoding == .least ? Self.leastKeptInNames : Self.fullyKeptInNames)
    }

    /// Values that this dialect does not encode, such as formats and owners: only what no header can carry is escaped.
    private static func harmless(_ text: String) -> String {
        text.utf8.allSatisfy(ByteSet.printableASCII.contains)
            ? text : PercentCoding.encode(text, keeping: .printableASCII)
    }
}

// MARK: - Documents

extension Plankton {
    private func list(_ images: any ImageSource, isDetailed: Bool) -> ListRendering {
        let isBare = settings.listForm == .bare
        return ListRendering(
            opening: Array((isBare ? "[" : "{\n\"images\": [").utf8), separator: Array(", ".utf8),
            closing: Array((isBare ? "\n]" : "\n]\n}").utf8), images: images
        ) { image, buffer in
            buffer.append(UInt8(ascii: "\n"))
            var writer = Self.documentWriter()
            swap(&writer.bytes, &buffer)
            self.write(image, isDetailed: isDetailed, to: &writer)
            swap(&writer.bytes, &buffer)
        }
    }

    /// ASCII with a line break after each element, as the servers' `json.dumps(indent=0)`.
    private static func documentWriter() -> JSONWriter { JSONWriter(ascii: true, spaced: true, lined: true) }

    private func write(_ image: Image, isDetailed: Bool, to writer: inout JSONWriter) {
        writer.beginObject()
        for rule in isDetailed ? Self.shownRules : Self.briefRules {
            guard let field = rule.field else { continue }
            writer.key(rule.key)
            switch shownValue(field, of: image, inHeader: false) {
            case .text(let text): writer.string(text)
            case .number(let number): writer.integer(number)
            case .flag(let flag): writer.boolean(flag)
            }
        }
        if isDetailed {
            writer.key("properties")
            writer.beginObject()
            for property in image.properties.list {
                guard let value = property.value else { continue }
                writer.key(property.name)
                writer.string(value)
            }
            writer.endObject()
            if settings.showsSnapshotFields {
                writer.key("is_snapshot")
                writer.boolean(false)
            }
        }
        writer.endObject()
    }

    /// The owner is no member (plankton §7.6).
    private func document(of list: MemberList) -> [UInt8] {
        let isHidden = list.isPublic == true && !settings.showsMembersOfPublic
        let members =
            isHidden
            ? []
            : list.members.filter { member in
                !(list.owner.map { member.id.sameBytes(as: $0) } ?? false)
            }
        return Self.sharing("members", "member_id", members.map(\.id))
    }

    private func document(of list: [SharedImage]) -> [UInt8] {
        Self.sharing("shared_images", "image_id", list.map(\.imageID))
    }

    /// Nobody can share what was shared with them: `can_share` is always false.
    private static func sharing(_ key: String, _ idKey: String, _ ids: [String]) -> [UInt8] {
        var writer = documentWriter()
        writer.beginObject()
        writer.key(key)
        writer.beginArray()
        for id in ids {
            writer.beginObject()
            writer.key(idKey)
            writer.string(id)
            writer.key("can_share")
            writer.boolean(false)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// The versions document, in one line (plankton §7.9).
    private func versions(for request: ClientRequest) -> [UInt8] {
        let mediaType = JSONObject([
            "base": .string("application/json"), "type": .string("application/vnd.openstack.compute.v2+json"),
        ])
        let versions = ["v1.0", "v1"].map { version in
            let link = JSONObject(["rel": .string("self"), "href": .string("\(request.baseURL)/\(version)/")])
            return JSONValue.object(
                JSONObject([
                    "id": .string(version), "status": .string("CURRENT"), "links": .array([.object(link)]),
                    "media_types": .array([.object(mediaType)]),
                ]))
        }
        var writer = JSONWriter(ascii: true, spaced: true)
        writer.value(.object(JSONObject(["versions": .array(versions)])))
        return writer.bytes
    }
}
