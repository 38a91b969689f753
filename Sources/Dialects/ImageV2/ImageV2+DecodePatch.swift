import Bytes
import HTTP
import Images

// MARK: - Updates (image-v2 §7.1)

extension ImageV2 {
    fileprivate static let locationsKey = "locations"

    private static let patchTypes: [(name: String, isOld: Bool)] = [
        ("application/openstack-images-v2.0-json-patch", true),
        (ImageV2Calls.patchType, false),
    ]

    /// More than every attribute and property of an image needs.
    private static let maxOperations = 1024

    /// Whether the body has the form `{"add": "/x", "value": ...}`, whose `add` wants what is not there.
    static func isOldPatch(_ request: ClientRequest) throws(Failure) -> Bool {
        let type = plainType(request.head.fields["content-type"] ?? "")
        if let found = patchTypes.first(where: { $0.name.sameBytes(as: type) }) { return found.isOld }
        // The document's update (image-v2 §17).
        if request.head.method == "PUT", type.sameBytes(as: "application/json") { return false }
        let names = patchTypes.map(\.name).joined(separator: ", ")
        throw Failure(.unsupportedMedia, "Image PATCH expects Content-Type one of: \(names)", allow: names)
    }

    func update(_ id: String, _ document: [UInt8], isOld: Bool) throws(Failure) -> ImageUpdate {
        guard !document.isEmpty else { throw Failure(.badRequest, "Body expected in request.") }
        guard let list = try Self.json(document).array else {
            throw Failure(.badRequest, "Request body must be a JSON array of operation objects.")
        }
        guard list.count <= Self.maxOperations else {
            throw Failure(.tooLarge, "A change takes at most \(Self.maxOperations) operations.")
        }
        var changes: [Change] = []
        for entry in list {
            guard let object = entry.object else { throw Failure(.badRequest, "Operations must be JSON objects.") }
            changes.append(try Change(object, isOld: isOld))
        }
        var plan = PatchPlan()
        for change in changes { try apply(change, isOld: isOld, to: &plan) }
        return plan.update(id)
    }

    private func apply(_ change: Change, isOld: Bool, to plan: inout PatchPlan) throws(Failure) {
        let name = change.name
        guard let attribute = Self.attribute(name) else {
            try checkProperty(name: name)
            let value = try change.value.map { value throws(Failure) in try property(name, value) }
            try plan.change(name, change.kind, to: value?.value, isOld: isOld)
            return
        }
        switch attribute.update {
        case .readOnly: throw Failure(.forbidden, "Attribute '\(name)' is read-only.")
        case .reserved: throw Failure(.forbidden, "Attribute '\(name)' is reserved.")
        case .dropped: return
        case .taken: break
        }
        if name.sameBytes(as: Self.locationsKey) {
            try Self.setLocation(change, in: &plan)
            return
        }
        guard let value = change.value else {
            throw Failure(.forbidden, "Property \(name) may not be removed.")
        }
        if let field = attribute.field {
            plan.image[field] = try self.value(value, of: field)
        } else {
            plan.image.tags = try tags(value)
        }
        if isOld, change.kind == .add { throw Failure(.conflict, "Property \(name) already present.") }
    }

    /// Image-v2 §12. The canonical model has one location; its URL is judged by the gateway.
    private static func setLocation(_ change: Change, in plan: inout PatchPlan) throws(Failure) {
        let entry: JSONValue
        switch (change.kind, change.value) {
        case (.replace, let value?):
            guard let list = value.array else { throw wrong("locations", "is not of type 'array'") }
            guard let first = list.first else { throw Failure(.forbidden, "Cannot set locations to empty list.") }
            guard list.count == 1 else { throw Failure(.badRequest, "An image can have one location here.") }
            entry = first
        case (.add, let value?): entry = value
        default: throw Failure(.forbidden, "Cannot remove last location in the image.")
        }
        guard let object = entry.object, let url = object["url"]?.text, let metadata = object["metadata"]?.object else {
            throw wrong("locations", "'url' and 'metadata' are required properties")
        }
        guard url.unicodeScalars.count <= maxText else { throw wrong("locations", "'\(url)' is too long") }
        guard plan.image[.location].isAbsent else {
            throw Failure(.badRequest, "An image can have one location here.")
        }
        plan.image[.location] = .text(url)
        for member in metadata.members {
            guard member.key.sameBytes(as: "store"), let store = member.value.text else {
                throw Failure(.badRequest, "Metadata '\(member.key)' of a location cannot be kept.")
            }
            plan.image[.store] = .text(store)
        }
        if let checksum = object["validation_data"]?.object?["checksum"] {
            guard let text = checksum.text, ValueRules.isMD5(text) else {
                throw wrong("locations", "the checksum of the validation data is no MD5")
            }
            plan.image[.checksum] = .text(text)
        }
    }
}

/// One operation of a patch, read and checked as far as it needs no image.
private struct Change {
    enum Kind: String, CaseIterable { case add, remove, replace }

    let kind: Kind
    /// The key it changes.
    let name: String
    /// Nil for `remove`.
    let value: JSONValue?

    private static let kinds = Kind.allCases.map(\.rawValue).joined(separator: ", ")

    init(_ object: JSONObject, isOld: Bool) throws(Failure) {
        let pointer: JSONValue
        if isOld {
            let named = Kind.allCases.filter { object[$0.rawValue] != nil }
            guard let first = named.first, named.count == 1, let path = object[first.rawValue] else {
                let count = named.isEmpty ? "exactly" : "only"
                throw Failure(
                    .badRequest,
                    "Operation objects must contain \(count) one member named \"add\", \"remove\", or \"replace\".")
            }
            kind = first
            pointer = path
        } else {
            guard let word = object["op"], !word.isNull else {
                throw Failure(
                    .badRequest,
                    "Unable to find `op` in JSON Schema change. It must be one of the following: \(Self.kinds).")
            }
            guard let found = word.text.flatMap(Kind.init(rawValue:)) else {
                throw Failure(
                    .badRequest,
                    "Invalid operation: `\(word.text ?? "")`. It must be one of the following: \(Self.kinds).")
            }
            guard let path = object["path"] else {
                throw Failure(.badRequest, "Unable to find 'path' in JSON Schema change")
            }
            kind = found
            pointer = path
        }
        guard let text = pointer.text else { throw Failure(.badRequest, "A pointer must be a string.") }
        let path = try Self.segments(of: text)
        let depth = path[0].sameBytes(as: ImageV2.locationsKey) && kind != .replace ? 2 : 1
        guard path.count == depth else {
            throw Failure(
                .badRequest, "Invalid JSON pointer for this resource: '/\(path.joined(separator: "/"))'")
        }
        name = path[0]
        guard kind != .remove else {
            value = nil
            return
        }
        guard let wanted = object["value"] else {
            throw Failure(.badRequest, "Operation \"\(kind.rawValue)\" requires a member named \"value\".")
        }
        value = wanted
    }

    /// Never empty.
    private static func segments(of pointer: String) throws(Failure) -> [String] {
        let bytes = Array(pointer.utf8)
        let slash = UInt8(ascii: "/")
        func fault(_ what: String) -> Failure { Failure(.badRequest, "Pointer `\(pointer)` \(what)") }
        guard bytes.first == slash else { throw fault("does not start with \"/\".") }
        let parts = bytes.drop { $0 == slash }.split(separator: slash, omittingEmptySubsequences: false)
        let blank = { (part: ArraySlice<UInt8>) in part.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) } }
        if parts.dropLast().dropFirst().contains(where: blank) || bytes.dropFirst().first == slash {
            throw fault("contains adjacent \"/\".")
        }
        if bytes.count > 1, bytes.last == slash { throw fault("end with \"/\".") }
        var segments: [String] = []
        for part in parts {
            var text: [UInt8] = []
            var rest = part
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "~") else {
                    text.append(byte)
                    continue
                }
                switch rest.popFirst() {
                case UInt8(ascii: "0"): text.append(byte)
                case UInt8(ascii: "1"): text.append(slash)
                default: throw fault("contains \"~\" not part of a recognized escape sequence.")
                }
            }
            segments.append(stripped(String(decoding: text, as: UTF8.self)))
        }
        return segments.isEmpty ? [""] : segments
    }

    /// White space at both ends goes, as with Python's `strip`.
    private static func stripped(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }
}

/// What the operations of a patch come to, worked out in order.
private struct PatchPlan {
    var image = Image()
    private var required: [String] = []
    private var forbidden: [String] = []
    private var removed: [String] = []

    /// Of a property: there as far as the operations before tell, absent, or not known.
    private func presence(of name: String) -> Bool? {
        if image.properties.contains(name) { return true }
        return removed.contains { $0.sameBytes(as: name) } ? false : nil
    }

    mutating func change(_ name: String, _ kind: Change.Kind, to value: String?, isOld: Bool) throws(Failure) {
        let present = presence(of: name)
        if kind == .add, isOld {
            if present == true { throw Failure(.conflict, "Property \(name) already present.") }
            if present == nil { forbidden.append(name) }
        } else if kind != .add {
            if present == false { throw Failure(.conflict, "Property \(name) does not exist.") }
            if present == nil { required.append(name) }
        }
        removed.removeAll { $0.sameBytes(as: name) }
        if kind == .remove {
            image.properties.remove(name)
            removed.append(name)
            return
        }
        image.properties.set(name, value)
        guard image.properties.count <= ImageV2.maxProperties else {
            throw Failure(.tooLarge, GlanceMessage.manyProperties(image.properties.count, ImageV2.maxProperties))
        }
    }

    func update(_ id: String) -> ImageUpdate {
        ImageUpdate(
            id: id, image: image, removals: removed, required: required, forbidden: forbidden,
            source: image[.location].isAbsent ? .none : .location, guards: Self.guards,
            shown: { field, image in ImageV2.shown(field, of: image) })
    }

    /// Image-v2 §5.
    private static let guards = [ImageField.diskFormat, .containerFormat].map { field in
        FieldGuard(
            field, .unlessQueued,
            Failure(.forbidden, "Attribute \(field.rawValue) can be only replaced for a queued image."))
    }
}
