import Bytes
public import Images

extension GlanceV1Image {
    /// An image as the registry is to hold it: its marks are among the properties. Fields that the image does not say are
    /// absent.
    ///
    /// - Throws: `badRequest` for what can only be kept by a mark when there are none.
    public static func native(of image: Image, _ registry: GlanceV1Registry) throws(Failure) -> Image {
        var writer = GlanceV1MarkWriter(image: image, registry: registry)
        try writer.write()
        return writer.native
    }

    /// Locations of Plankton are nothing that such a registry takes (mapping §3.6).
    public static func isPithos(_ location: String) -> Bool { location.utf8.starts(with: PithosLocation.scheme.utf8) }

    /// What must be sent so that the registry holds another image.
    public struct Change: Sendable {
        /// Fields that change, in the registry's words; without properties.
        public var fields = Image()
        /// Properties that are new or have another value, as they are stored.
        public var set: [Property] = []
        /// Names of stored properties that go.
        public var removed: [String] = []

        public init() {}

        public var isEmpty: Bool { fields.statedFields.isEmpty && set.isEmpty && removed.isEmpty }

        /// All properties, for a call that purges those that it does not name.
        ///
        /// - Parameter present: as the registry has them.
        public func all(of present: Properties) -> Properties {
            var properties = present
            for name in removed { properties.remove(name) }
            for property in set { properties.set(property.name, property.value) }
            return properties
        }
    }

    /// What `changes` mean for the registry.
    public func change(_ changes: ImageChanges, _ registry: GlanceV1Registry) throws(Failure) -> Change {
        var wanted = image
        changes.apply(to: &wanted)
        Self.agree(&wanted, on: image, changes)
        let before = try Self.native(of: image, registry)
        let after = try Self.native(of: wanted, registry)
        var change = Change()
        for field in GlanceV1Image.writable where after[field] != before[field] { change.fields[field] = after[field] }
        // The registry fills in what is missing of an Amazon pair, whatever it has (glance-v1 §2.4).
        if !change.fields[.diskFormat].isAbsent || !change.fields[.containerFormat].isAbsent {
            change.fields[.diskFormat] = after[.diskFormat]
            change.fields[.containerFormat] = after[.containerFormat]
        }
        let held = registry.fieldMarks
        for property in after.properties.list
        where before.properties[property.name].map({ Property("", $0) != Property("", property.value) }) ?? true {
            change.set.append(property)
        }
        for property in before.properties.list where !after.properties.contains(property.name) {
            change.removed += twins(of: property.name, held)
        }
        for property in change.set {
            change.removed += twins(of: property.name, held).filter { !$0.sameBytes(as: property.name) }
        }
        return change
    }

    /// Fields that an update may send; the rest is the registry's own, or goes with the data.
    static let writable: [ImageField] = [
        .name, .diskFormat, .containerFormat, .size, .checksum, .owner, .isPublic, .minRAM, .minDisk, .protected,
    ]

    /// Under which names the registry has a property now: an escaped one and its plain twin.
    private func twins(of stored: String, _ held: FieldMarks) -> [String] {
        let meant = held.unescaped(Property(stored, nil))?.name
        return native.properties.list.map(\.name).filter { name in
            if name.sameBytes(as: stored) { return true }
            guard let meant, let other = held.unescaped(Property(name, nil))?.name else { return false }
            return other.sameBytes(as: meant)
        }
    }

    /// `is_public` and visibility say the same in two words: what was changed decides (mapping §3.2).
    private static func agree(_ wanted: inout Image, on current: Image, _ changes: ImageChanges) {
        if changes.fields.contains(where: { $0.field == .visibility }) {
            wanted[.isPublic] = .boolean(wanted.visibility == .public)
        } else if changes.fields.contains(where: { $0.field == .isPublic }) {
            let isPublic = wanted.boolean(.isPublic) ?? false
            wanted[.isPublic] = .boolean(isPublic)
            if isPublic {
                wanted[.visibility] = .text(Visibility.public.rawValue)
            } else if current.visibility == .public {
                wanted[.visibility] = .text(Visibility.shared.rawValue)
            }
        }
    }
}

/// Puts into marks what the registry has no field for.
private struct GlanceV1MarkWriter {
    let image: Image
    let registry: GlanceV1Registry
    let held: FieldMarks
    var native = Image()

    init(image: Image, registry: GlanceV1Registry) {
        self.image = image
        self.registry = registry
        held = registry.fieldMarks
    }

    mutating func write() throws(Failure) {
        for property in image.properties.list {
            let stored = try held.escaped(property)
            native.properties.set(stored.name, stored.value)
        }
        for field in ImageField.allCases where !image[field].isAbsent {
            switch held.held[field] {
            case .native, .translated: try writeNative(field)
            case .mark(let mark): try write(field, mark)
            case .made: try writeDemand(field)
            case .refused: throw Failure(.badRequest, "This registry cannot hold \(field.rawValue)")
            case .lossy: break
            }
        }
        if let tags = image.tags, !tags.isEmpty { try set(.tags, FieldMarks.text(tags: tags)) }
    }

    private mutating func set(_ mark: Mark, _ value: String?) throws(Failure) {
        let property = try held.property(mark, value)
        native.properties.set(property.name, property.value)
    }

    private mutating func writeNative(_ field: ImageField) throws(Failure) {
        native[field] = image[field]
        if field == .isPublic { native[field] = .boolean(image.knownVisibility == .public) }
        guard field == .name, let name = image.text(.name), FieldMarks.isFragile(name) else { return }
        let escaped = FieldMarks.escaped(value: name)
        native[.name] = .text(escaped)
        try set(.name, escaped)
    }

    /// Size and checksum are announced, or demanded of data that come along; a hash of another kind is only kept
    /// (mapping §3.7).
    private mutating func writeDemand(_ field: ImageField) throws(Failure) {
        switch field {
        case .size: native[field] = image[field]
        case .checksum:
            guard let checksum = image.text(.checksum), !checksum.isEmpty, !ValueRules.isMD5(checksum) else {
                native[field] = image.text(.checksum) == "" ? .null : image[field]
                return
            }
            try set(.checksum, checksum)
        // Of an image whose data the gateway brings.
        case .status:
            if image.status == .saving { try set(.status, ImageStatus.saving.rawValue) }
        default: break
        }
    }

    private mutating func write(_ field: ImageField, _ mark: Mark) throws(Failure) {
        let text = image.text(field)
        switch field {
        case .id:
            guard let text, !text.isEmpty else { return }
            let remote = GlanceV1Image.remoteID(text)
            native[.id] = .text(remote)
            if !remote.sameBytes(as: text) { try set(mark, text) }
        case .diskFormat:
            native[field] = text.map { .text(GlanceV1StandIn.diskFormat($0)) } ?? .null
            try keep(field, mark)
        case .containerFormat:
            let disk = native.text(.diskFormat)
            native[field] =
                text.map {
                    .text(
                        GlanceV1StandIn.containerFormat($0, disk: disk, known: registry.containerFormats))
                } ?? .null
            try keep(field, mark)
        case .visibility:
            native[.isPublic] = .boolean(image.knownVisibility == .public)
            if image.knownVisibility == .private || image.knownVisibility == .community {
                try set(mark, image.knownVisibility.rawValue)
            }
        case .location:
            guard let text, !text.isEmpty else { return }
            if GlanceV1Image.isPithos(text) { try set(mark, text) } else { native[field] = image[field] }
        case .store:
            // Plankton's only store is not passed on.
            if let text, !text.isEmpty, text != "pithos" { try set(mark, text) }
        default:
            // Switches that are off are what everybody expects who finds no mark.
            if image[field] != .boolean(false), let value = FieldMarks.text(image[field]) { try set(mark, value) }
        }
    }

    /// The mark of a value for which another stands.
    private mutating func keep(_ field: ImageField, _ mark: Mark) throws(Failure) {
        if let text = image.text(field), native[field] != image[field] { try set(mark, text) }
    }
}
