import Bytes
public import Images

/// An image as a registry of the first Glance API holds it, and as clients are shown it: what the registry has no field for
/// stands in properties that are marks (mapping §3, §6.5).
public struct Glance2010Image: Sendable {
    /// What clients are shown.
    public let image: Image
    /// What the registry said, marks among the properties.
    public let native: Image
    /// Names of properties that were removed: the registry can only empty them.
    public let removed: [String]

    /// Reads the marks of an image.
    public init(_ native: Image, _ held: FieldMarks) {
        var image = native
        var removed: [String] = []
        let reader = MarkReader(native: native, held: held)
        image.properties = reader.properties(&removed)
        reader.fields(&image)
        self.image = image
        self.native = native
        self.removed = removed
    }

    /// Whether the data are elsewhere, and only a mark says where (mapping §3.1).
    public var isReference: Bool { native.status == .queued && image.status == .active }

    /// The gateway brings the data from the location that a mark names.
    public var isAwaiting: Bool { native.status == .queued && image.status == .saving }

    // MARK: Writing

    /// An image as the registry is to hold it; its marks are among the properties. Fields that the image does not say are
    /// absent.
    ///
    /// - Parameter removed: names of properties that the registry still shows, empty.
    /// - Throws: `badRequest` for what can only be kept by a mark when there are none.
    public static func native(
        of image: Image, _ held: FieldMarks, removed: [String] = []
    ) throws(Failure) -> Image {
        var writer = MarkWriter(image: image, held: held)
        try writer.write(removed: removed)
        return writer.native
    }

    /// What must be sent so that the registry holds `target`; nil: nothing.
    ///
    /// What is public is called so each time: release 0.1.7 takes silence for a no (glance-2010 §8).
    public func change(to target: Image) -> Image? {
        var change = Image()
        for field in [ImageField.name, .store] where !target[field].isAbsent && target[field] != native[field] {
            let isSame = target[field] == .null && native[field].isAbsent
            if !isSame { change[field] = target[field] }
        }
        if ValueRules.imageType(of: target) != ValueRules.imageType(of: native) || hasNoType {
            for field in [ImageField.diskFormat, .containerFormat] { change[field] = target[field] }
        }
        for property in target.properties.list {
            if let present = native.properties[property.name], Property("", present) == Property("", property.value) {
                continue
            }
            change.properties.set(property.name, property.value)
        }
        for property in native.properties.list
        where property.value != nil && !target.properties.contains(property.name) {
            change.properties.set(property.name, nil)
        }
        let isPublic = target.boolean(.isPublic) ?? false
        if isPublic != native.isPublic { change[.isPublic] = .boolean(isPublic) }
        guard !change.statedFields.isEmpty || !change.properties.isEmpty else { return nil }
        if isPublic { change[.isPublic] = .boolean(true) }
        return change
    }

    /// Release 0.1.7 has reserved images without a type.
    private var hasNoType: Bool { native.text(.diskFormat) == nil && native.text(.containerFormat) == nil }
}

/// Words of marks that this dialect alone needs.
enum Glance2010Marks {
    /// Stands for a format that an image does not have: the registry's `type` always says one.
    static let noFormat = "null"

    /// Whether a location may stand in a property, which anyone sees who sees the image: one without credentials.
    static func mayShow(_ location: String) -> Bool {
        guard let scheme = URLScheme.of(location) else { return false }
        if scheme == "pithos" { return true }
        let rest = location.utf8.drop { $0 != UInt8(ascii: "/") }.dropFirst(2)
        let authority = rest.prefix { $0 != UInt8(ascii: "/") }
        return ["http", "https"].contains(scheme) && !authority.contains(UInt8(ascii: "@"))
            && !rest.contains(UInt8(ascii: "?"))
    }
}

/// Brings back what marks keep.
private struct MarkReader {
    let native: Image
    let held: FieldMarks

    /// The properties that are no marks, without those that were removed.
    func properties(_ removed: inout [String]) -> Properties {
        removed = value(.removed).flatMap(FieldMarks.tags) ?? []
        var properties = Properties()
        for property in native.properties.list {
            guard let read = held.unescaped(property) else { continue }
            let isRemoved = read.value == nil && removed.contains { $0.sameBytes(as: read.name) }
            if !isRemoved { properties.set(read.name, read.value) }
        }
        return properties
    }

    /// A mark's value; one that was emptied is none.
    private func value(_ mark: Mark) -> String? { held.value(mark, of: native) }

    func fields(_ image: inout Image) {
        readFormats(&image)
        if let kept = value(.name), native.text(.name).map({ $0.sameBytes(as: kept) }) ?? false {
            image[.name] = .text(FieldMarks.unescaped(value: kept))
        }
        image[.checksum] = value(.checksum).map { .text($0) } ?? native[.checksum]
        for (field, mark, standard) in [
            (.minRAM, .minRAM, .integer(0)), (.minDisk, .minDisk, .integer(0)),
            (.protected, .protected, .boolean(false)), (.hidden, .hidden, .boolean(false)),
        ] as [(ImageField, Mark, FieldValue)] {
            let kept = value(mark).flatMap { FieldMarks.value($0, of: field) }
            image[field] = kept ?? (native[field].isAbsent ? standard : native[field])
        }
        image.tags = value(.tags).flatMap(FieldMarks.tags) ?? []
        readVisibility(&image)
        // The registry's own is not for others: it may carry credentials (glance-2010 §4).
        image[.location] = value(.location).map { .text($0) } ?? .null
        if native.status == .queued, image.text(.location) != nil {
            let isAwaiting = !(value(.status) ?? "").isEmpty
            image[.status] = .text((isAwaiting ? ImageStatus.saving : .active).rawValue)
        }
    }

    /// Marks that do not go with the type are older than it.
    private func readFormats(_ image: inout Image) {
        var marked = native
        for (field, mark) in [(ImageField.diskFormat, Mark.diskFormat), (.containerFormat, .containerFormat)] {
            guard let text = value(mark) else { continue }
            marked[field] = text.sameBytes(as: Glance2010Marks.noFormat) ? .null : .text(text)
        }
        let hasType = native.text(.diskFormat) != nil || native.text(.containerFormat) != nil
        guard !hasType || ValueRules.imageType(of: marked) == ValueRules.imageType(of: native) else { return }
        image[.diskFormat] = marked[.diskFormat]
        image[.containerFormat] = marked[.containerFormat]
    }

    /// A mark that does not go with `is_public` is older than it.
    private func readVisibility(_ image: inout Image) {
        image[.isPublic] = .boolean(native.isPublic)
        let marked = value(.visibility).flatMap(Visibility.init(rawValue:))
        let isUsable = marked.map { ($0 == .public) == native.isPublic } ?? false
        let visibility = isUsable ? marked : nil
        image[.visibility] = .text((visibility ?? (native.isPublic ? .public : .shared)).rawValue)
    }
}

/// Puts into marks what the registry has no field for.
private struct MarkWriter {
    let image: Image
    let held: FieldMarks
    var native = Image()

    init(image: Image, held: FieldMarks) {
        self.image = image
        self.held = held
    }

    mutating func write(removed: [String]) throws(Failure) {
        for field in [ImageField.id, .name, .size] { native[field] = image[field] }
        try writeName()
        if let store = image.text(.store), !store.isEmpty, store != "pithos" { native[.store] = .text(store) }
        for property in image.properties.list {
            let escaped = try held.escaped(property)
            native.properties.set(escaped.name, escaped.value)
        }
        let gone = removed.filter { !image.properties.contains($0) }
        if !gone.isEmpty { try set(.removed, FieldMarks.text(tags: gone)) }
        try writeFormats()
        try writeVisibility()
        for (field, mark) in [
            (ImageField.minRAM, Mark.minRAM), (.minDisk, .minDisk), (.protected, .protected), (.hidden, .hidden),
            (.checksum, .checksum),
        ] {
            switch image[field] {
            case .integer(0), .boolean(false), .absent, .null, .text(""): break
            default: try set(mark, FieldMarks.text(image[field]))
            }
        }
        if let tags = image.tags, !tags.isEmpty { try set(.tags, FieldMarks.text(tags: tags)) }
        if image.status == .saving { try set(.status, ImageStatus.saving.rawValue) }
        if let location = image.text(.location), Glance2010Marks.mayShow(location), held.marks != nil {
            try set(.location, location)
        }
    }

    private mutating func set(_ mark: Mark, _ value: String?) throws(Failure) {
        let property = try held.property(mark, value)
        native.properties.set(property.name, property.value)
    }

    /// Blanks at the ends of a header are lost, and release 0.1.7 writes `None` for null.
    private mutating func writeName() throws(Failure) {
        guard let name = image.text(.name), FieldMarks.isFragile(name) || name.sameBytes(as: "None") else { return }
        let escaped = FieldMarks.escaped(value: name)
        native[.name] = .text(escaped)
        try set(.name, escaped)
    }

    /// The type that comes nearest, and the formats in marks where it says others.
    private mutating func writeFormats() throws(Failure) {
        let type = ValueRules.imageType(of: image)
        guard let pair = ValueRules.imageTypes.first(where: { $0.type == type }) else { return }
        for (field, mark, standard) in [
            (ImageField.diskFormat, Mark.diskFormat, pair.diskFormat),
            (.containerFormat, .containerFormat, pair.containerFormat),
        ] {
            native[field] = .text(standard)
            let wanted = image.text(field) ?? Glance2010Marks.noFormat
            if !wanted.sameBytes(as: standard), held.marks != nil || image.text(field) != nil { try set(mark, wanted) }
        }
    }

    private mutating func writeVisibility() throws(Failure) {
        let visibility = image.knownVisibility
        let isPublic = visibility == .public
        native[.isPublic] = .boolean(isPublic)
        if visibility == .private || visibility == .community { try set(.visibility, visibility.rawValue) }
    }
}
