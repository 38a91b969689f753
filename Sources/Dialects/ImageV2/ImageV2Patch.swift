public import Bytes
public import Images

/// The one PATCH of an update (mapping §6.1): base fields `replace`, properties and marks `add`, `remove` only for keys
/// that were seen; base first, then by code point of the key.
public struct ImageV2Patch: Sendable {
    /// Values of base fields by key.
    public private(set) var base: [(key: String, value: JSONValue)] = []
    /// Custom properties and marks by key; nil: removed.
    public private(set) var extra: [(key: String, value: JSONValue?)] = []
    /// Which client properties the sets mean: what did not arrive is sent again escaped.
    public private(set) var wanted: [(key: String, property: Property)] = []
    /// Locations to add behind everything else.
    public var addedLocation: String?

    public init() {}

    public var isEmpty: Bool { base.isEmpty && extra.isEmpty && addedLocation == nil }
    public var changesOwner: Bool { base.contains { $0.key == "owner" } }
    public var publishes: Bool { base.contains { $0.key == "visibility" && $0.value.text == "public" } }
    public var names: Bool { !wanted.isEmpty }

    public mutating func replace(_ key: String, _ value: JSONValue) {
        base.removeAll { $0.key == key }
        base.append((key, value))
    }

    public mutating func add(_ member: JSONObject.Member) {
        extra.removeAll { $0.key.sameBytes(as: member.key) }
        extra.append((member.key, member.value))
    }

    mutating func remove(_ key: String) {
        extra.removeAll { $0.key.sameBytes(as: key) }
        extra.append((key, nil))
    }

    /// Without the owner, which the registry keeps to administrators.
    public func withoutOwner() -> ImageV2Patch {
        var other = self
        other.base.removeAll { $0.key == "owner" }
        return other
    }

    /// Publishing by way of `community`.
    public func publishingByMark(_ properties: ImageV2Properties) throws(Failure) -> ImageV2Patch {
        var other = self
        other.replace("visibility", .string(Visibility.community.rawValue))
        other.add(try properties.mark(.isPublic, "True"))
        return other
    }

    public func operations() -> [JSONValue] {
        var list: [JSONValue] = []
        for change in base.sorted(by: { $0.key.precedesByCodePoint($1.key) }) {
            list.append(Self.operation("replace", change.key, change.value))
        }
        for change in extra.sorted(by: { $0.key.precedesByCodePoint($1.key) }) {
            list.append(Self.operation(change.value == nil ? "remove" : "add", change.key, change.value))
        }
        if let addedLocation {
            let location = JSONObject([
                .init(key: "url", value: .string(addedLocation)), .init(key: "metadata", value: .object(JSONObject())),
            ])
            list.append(Self.operation("add", path: "/locations/-", .object(location)))
        }
        return list
    }

    private static func operation(_ word: String, _ key: String, _ value: JSONValue?) -> JSONValue {
        operation(word, path: "/" + pointer(key), value)
    }

    private static func operation(_ word: String, path: String, _ value: JSONValue?) -> JSONValue {
        var object = JSONObject([.init(key: "op", value: .string(word)), .init(key: "path", value: .string(path))])
        if let value { object.append("value", value) }
        return .object(object)
    }

    /// One segment of a JSON Pointer (RFC 6901 §3).
    static func pointer(_ key: String) -> String {
        var bytes: [UInt8] = []
        for byte in key.utf8 {
            switch byte {
            case UInt8(ascii: "~"): bytes += Array("~0".utf8)
            case UInt8(ascii: "/"): bytes += Array("~1".utf8)
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension ImageV2Patch {
    /// What `changes` mean on this image.
    ///
    /// - Parameter demands: size and checksum are demands on data that comes along, not announcements.
    /// - Throws: `badRequest` when something cannot be kept.
    public init(
        _ changes: ImageChanges, on current: ImageV2Image, properties: ImageV2Properties, demands: Bool = false
    ) throws(Failure) {
        for change in changes.fields { try set(change.field, change.value, on: current, properties, demands: demands) }
        if let tags = changes.tags { replace("tags", .array(tags.map(JSONValue.string))) }
        for property in changes.setProperties { try set(property, on: current, properties) }
        for name in changes.removedProperties {
            if let stored = current.stored(name) { extra.append((stored.key, nil)) }
        }
    }

    private mutating func set(
        _ field: ImageField, _ value: FieldValue, on current: ImageV2Image, _ properties: ImageV2Properties,
        demands: Bool
    ) throws(Failure) {
        switch field {
        case .name, .owner: replace(field.rawValue, value.text.map(JSONValue.string) ?? .null)
        case .containerFormat: replace("container_format", value.text.map(JSONValue.string) ?? .null)
        case .diskFormat: try setDiskFormat(value.text, on: current, properties)
        case .isPublic: try setPublic(value.boolean ?? false, on: current, properties)
        case .visibility: if let word = value.text { replace("visibility", .string(word)) }
        case .minRAM: if let number = value.integer { replace("min_ram", .integer(number)) }
        case .minDisk: if let number = value.integer { replace("min_disk", .integer(number)) }
        case .protected: if let truth = value.boolean { replace("protected", .boolean(truth)) }
        case .hidden: if let truth = value.boolean { replace("os_hidden", .boolean(truth)) }
        case .size:
            guard !demands, current.remoteSize == nil else { break }
            try setMark(.size, value.integer.flatMap { $0 > 0 ? String($0) : nil }, on: current, properties)
        case .checksum:
            guard !demands, current.remoteChecksum == nil else { break }
            try setMark(.checksum, value.text.flatMap { $0.isEmpty ? nil : $0 }, on: current, properties)
        // Ids, states, times, hashes and the like are the registry's own (mapping §3.1, §3.8).
        case .id, .status, .virtualSize, .osHashAlgo, .osHashValue, .location, .store, .createdAt, .updatedAt,
            .deletedAt:
            break
        }
    }

    private mutating func setDiskFormat(
        _ format: String?, on current: ImageV2Image, _ properties: ImageV2Properties
    ) throws(Failure) {
        guard let format, ImageV2Formats.isForeign(format) else {
            if format != current.remoteDiskFormat { replace("disk_format", format.map(JSONValue.string) ?? .null) }
            try setMark(.diskFormat, nil, on: current, properties)
            return
        }
        if current.remoteDiskFormat != ImageV2Formats.stand { replace("disk_format", .string(ImageV2Formats.stand)) }
        try setMark(.diskFormat, format, on: current, properties)
    }

    private mutating func setPublic(
        _ isPublic: Bool, on current: ImageV2Image, _ properties: ImageV2Properties
    ) throws(Failure) {
        guard isPublic != current.image.isPublic else { return }
        replace("visibility", .string((isPublic ? Visibility.public : .shared).rawValue))
        if !isPublic { try setMark(.isPublic, nil, on: current, properties) }
    }

    /// Nil removes a mark that is there.
    public mutating func setMark(
        _ mark: Mark, _ value: String?, on current: ImageV2Image, _ properties: ImageV2Properties
    ) throws(Failure) {
        if let value {
            if current.marks[mark].map({ $0.sameBytes(as: value) }) ?? false { return }
            add(try properties.mark(mark, value))
        } else if current.marks[mark] != nil, let marks = properties.marks {
            extra.append((marks.name(mark), nil))
        }
    }

    private mutating func set(
        _ property: Property, on current: ImageV2Image, _ properties: ImageV2Properties
    ) throws(Failure) {
        let present = current.stored(property.name)
        let stored = try properties.encode(property, escaped: present?.isEscaped ?? false)
        if let present, present.key.sameBytes(as: stored.key) {
            if present.value == stored.value { return }
        } else if let present {
            extra.append((present.key, nil))
        }
        add(stored)
        wanted.append((stored.key, property))
    }

    /// The properties that the answer of this PATCH does not show as asked, escaped; nil when all arrived
    /// (image-v2 §6: some names are answered and not stored).
    public func repair(after answer: ImageV2Image, properties: ImageV2Properties) throws(Failure) -> ImageV2Patch? {
        var patch = ImageV2Patch()
        for (key, property) in wanted {
            let arrived = answer.image.properties[property.name].map { ($0 ?? "").sameBytes(as: property.value ?? "") }
            if arrived ?? false { continue }
            let escaped = try properties.encode(property, escaped: true)
            if !escaped.key.sameBytes(as: key) { patch.add(escaped) }
        }
        return patch.isEmpty ? nil : patch
    }
}
