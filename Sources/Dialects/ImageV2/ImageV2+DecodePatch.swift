import Bytes
import HTTP
import Images

/// Changes of an image (image-v2 §7.1): both media types, operations worked out in their order.
extension ImageV2 {
    /// Which of the two patch forms a body has.
    enum PatchForm: Sendable {
        /// `{"op": "add", "path": "/x", "value": ...}`
        case named
        /// `{"add": "/x", "value": ...}`; its `add` wants what is not there.
        case keyed
    }

    private static let types: [(name: String, form: PatchForm)] = [
        ("application/openstack-images-v2.0-json-patch", .keyed), (ImageV2Calls.patchType, .named),
    ]
    static let acceptPatch = types.map(\.name).joined(separator: ", ")

    static func patchForm(_ request: ClientRequest) throws(Failure) -> PatchForm {
        let whole = request.head.fields["content-type"] ?? ""
        let type = ASCII.lowercased(
            ASCII.trim(String(decoding: whole.utf8.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)))
        if let known = types.first(where: { $0.name.sameBytes(as: type) }) { return known.form }
        // The document's update (image-v2 §17).
        if request.head.method == "PUT", type.sameBytes(as: "application/json") { return .named }
        throw Failure(
            .unsupportedMedia, "Image PATCH expects Content-Type one of: \(acceptPatch)", allow: acceptPatch)
    }

    /// One operation, understood.
    private struct Change {
        enum Word: String, CaseIterable { case add, remove, replace }

        var word: Word
        var path: [String]
        var value: JSONValue
    }

    func update(_ id: String, _ document: [UInt8], _ form: PatchForm) throws(Failure) -> ImageUpdate {
        guard !document.isEmpty else { throw Failure(.badRequest, "Body expected in request.") }
        guard let list = try Self.json(document).array else {
            throw Failure(.badRequest, "Request body must be a JSON array of operation objects.")
        }
        var update = ImageUpdate(id: id, image: Image(), guards: Self.updateGuards)
        for entry in list {
            guard let object = entry.object else { throw Failure(.badRequest, "Operations must be JSON objects.") }
            try apply(try Self.change(object, form), form, to: &update)
        }
        return update
    }

    /// What may be changed only while there is no data (image-v2 §5).
    private static let updateGuards = [ImageField.diskFormat, .containerFormat].map {
        FieldGuard(
            $0, .unlessQueued,
            Failure(.forbidden, "Attribute \($0.rawValue) can be changed only when image is queued."))
    }

    private static func change(_ object: JSONObject, _ form: PatchForm) throws(Failure) -> Change {
        let known = Change.Word.allCases.map(\.rawValue)
        let list = known.joined(separator: ", ")
        let name: String
        let pointer: JSONValue?
        switch form {
        case .named:
            guard let text = object["op"]?.text else {
                throw Failure(
                    .badRequest, "Unable to find `op` in JSON Schema change. It must be one of the following: \(list).")
            }
            name = text
            pointer = object["path"]
        case .keyed:
            let said = object.members.filter { known.contains($0.key) }
            guard said.count == 1 else {
                throw Failure(
                    .badRequest, "Operation objects must contain exactly one member of: \(list).")
            }
            name = said[0].key
            pointer = said[0].value
        }
        guard let word = Change.Word(rawValue: name) else {
            throw Failure(.badRequest, "Invalid operation: `\(name)`. It must be one of the following: \(list).")
        }
        guard let pointer = pointer?.text else {
            throw Failure(.badRequest, "Unable to find 'path' in JSON Schema change")
        }
        let value = object["value"]
        guard value != nil || word == .remove else {
            throw Failure(.badRequest, "Operation \"\(name)\" requires a member named \"value\".")
        }
        return Change(word: word, path: try segments(pointer), value: value ?? .null)
    }

    /// The segments of a pointer: one, but for places in `locations`.
    private static func segments(_ pointer: String) throws(Failure) -> [String] {
        guard pointer.utf8.first == UInt8(ascii: "/") else {
            throw Failure(.badRequest, "Pointer `\(pointer)` does not start with \"/\".")
        }
        let parts = ASCII.split(String(decoding: pointer.utf8.dropFirst(), as: UTF8.self), UInt8(ascii: "/"))
        let names = parts.map { unescaped(trimmed($0)) }
        let isPlace = names.count == 2 && names[0].sameBytes(as: "locations")
        guard names.count == 1 || isPlace else {
            throw Failure(.badRequest, "Invalid JSON pointer for this resource: '\(pointer)'")
        }
        return names
    }

    private static func trimmed(_ text: String) -> String {
        let scalars = text.unicodeScalars
        let body = scalars.drop { $0.properties.isWhitespace }
        guard let last = body.lastIndex(where: { !$0.properties.isWhitespace }) else { return "" }
        return String(body[...last])
    }

    /// RFC 6901 §3.
    private static func unescaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        var isEscaped = false
        for byte in text.utf8 {
            if isEscaped {
                bytes.append(byte == UInt8(ascii: "1") ? UInt8(ascii: "/") : UInt8(ascii: "~"))
                if byte != UInt8(ascii: "0"), byte != UInt8(ascii: "1") { bytes.append(byte) }
                isEscaped = false
            } else if byte == UInt8(ascii: "~") {
                isEscaped = true
            } else {
                bytes.append(byte)
            }
        }
        if isEscaped { bytes.append(UInt8(ascii: "~")) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func apply(_ change: Change, _ form: PatchForm, to update: inout ImageUpdate) throws(Failure) {
        let name = change.path[0]
        if name.sameBytes(as: "locations") { return try applyLocations(change, to: &update) }
        guard let attribute = Self.attribute(name) else { return try applyProperty(change, form, to: &update) }
        switch attribute.update {
        case .readOnly: throw Failure(.forbidden, "Attribute '\(name)' is read-only.")
        case .reserved: throw Failure(.forbidden, "Attribute '\(name)' is reserved.")
        case .dropped: return
        case .taken: break
        }
        guard change.word != .remove else { throw Failure(.forbidden, "Property \(name) may not be removed.") }
        if form == .keyed, change.word == .add { throw Failure(.conflict, "Property \(name) already present.") }
        if let field = attribute.field {
            update.image[field] = try value(change.value, of: field)
        } else {
            update.image.tags = try tags(change.value)
        }
    }

    private func applyProperty(_ change: Change, _ form: PatchForm, to update: inout ImageUpdate) throws(Failure) {
        let name = change.path[0]
        // What an operation before this one has done to the property.
        let isSet = update.image.properties.contains(name)
        let isRemoved = update.removals.contains { $0.sameBytes(as: name) }
        let mustBeThere = change.word == .remove || change.word == .replace
        if mustBeThere {
            if isRemoved { throw Failure(.conflict, "Property \(name) does not exist.") }
            if !isSet { update.required.append(name) }
        } else if form == .keyed {
            if isSet { throw Failure(.conflict, "Property \(name) already present.") }
            if !isRemoved { update.forbidden.append(name) }
        }
        if change.word == .remove {
            try checkProperty(name: name)
            update.image.properties.remove(name)
            update.removals.append(name)
        } else {
            let property = try property(name, change.value)
            update.removals.removeAll { $0.sameBytes(as: name) }
            update.image.properties.set(property.name, property.value)
        }
    }

    /// A location is data: it is taken where the image has none yet (image-v2 §12).
    private func applyLocations(_ change: Change, to update: inout ImageUpdate) throws(Failure) {
        if change.word == .remove {
            throw Failure(.forbidden, "It's not allowed to remove locations here.")
        }
        var entries: [JSONValue] = []
        if change.path.count == 2 {
            guard change.word == .add else {
                throw Failure(.badRequest, "Invalid JSON pointer for this resource: '/locations/\(change.path[1])'")
            }
            entries = [change.value]
        } else {
            guard let list = change.value.array else { throw Self.wrong("locations", "is not of type 'array'") }
            guard !list.isEmpty else { throw Failure(.forbidden, "Cannot set locations to empty list.") }
            entries = list
        }
        guard entries.count == 1, let object = entries[0].object, let url = object["url"]?.text, !url.isEmpty else {
            throw Failure(.badRequest, "Invalid location: exactly one object with a url is taken.")
        }
        guard url.utf8.count <= Self.maxText else { throw Failure(.badRequest, "Invalid location") }
        update.source = .location
        update.image[.location] = .text(url)
        if let checksum = object["validation_data"]?.object?["checksum"]?.text {
            update.image[.checksum] = .text(checksum)
        }
    }
}
