import Bytes
public import Images

/// How canonical images are put into a Plankton server's words: by the table of held fields, with marks for what it has no
/// words for (mapping §3, §4, §6.4; plankton §6).
public struct PlanktonHolding: Sendable {
    private let fields: FieldMarks
    private let release: PlanktonRegistrySettings.Release

    /// - Parameter marks: nil: what needs one is refused.
    public init(marks: Marks?, release: PlanktonRegistrySettings.Release = .automatic) {
        fields = FieldMarks(marks, .plankton)
        self.release = release
    }

    /// The marks of a prefix as the server will spell it.
    public static func marks(prefix: String?) -> Marks? {
        prefix.map { Marks(prefix: PropertyFold.plankton.apply($0)) }
    }

    /// What a registration says.
    ///
    /// - Parameter marks: set beside those that the image needs.
    /// - Throws: `badRequest` for what the server cannot hold.
    public func registration(of image: Image, marks: [Mark: String] = [:]) throws(Failure) -> Image {
        var draft = Draft()
        for field in image.statedFields { try put(field, image[field], isNew: true, into: &draft) }
        guard draft.image.text(.name) != nil else { throw Failure(.badRequest, Plankton.Message.nameMissing) }
        for property in image.properties.list { try put(property, into: &draft) }
        if let tags = image.tags { try put(tags: tags, into: &draft) }
        for mark in Mark.allCases {
            if let value = marks[mark] { try set(mark, value, in: &draft) }
        }
        try check(draft.properties, against: Properties())
        draft.image.properties = draft.properties
        return draft.image
    }

    /// What an update says, and which keys it removes; nil: nothing changes.
    ///
    /// - Parameters:
    ///   - status: canonical, or a word of the server's own; nil: stays.
    ///   - sharers: members that may share; nil: stay.
    ///   - gone: marks to take away.
    public func update(
        _ changes: ImageChanges, status: String? = nil, sharers: [String]? = nil, without gone: [Mark] = [],
        on current: PlanktonImage
    ) throws(Failure) -> (image: Image, removals: [String])? {
        var draft = Draft()
        draft.properties = current.remote.properties
        for change in changes.fields { try put(change.field, change.value, isNew: false, into: &draft) }
        for property in changes.setProperties { try put(property, replacing: current, into: &draft) }
        for name in changes.removedProperties { draft.properties.remove(current.key(of: name) ?? name) }
        if let tags = changes.tags { try put(tags: tags, into: &draft) }
        if let sharers { try set(.canShare, sharers.isEmpty ? nil : ImageV2Names.sharers(sharers), in: &draft) }
        for mark in gone { try set(mark, nil, in: &draft) }
        try check(draft.properties, against: current.remote.properties)
        return difference(draft, status, current)
    }

    /// Everything the server will hold, as far as it is known.
    private struct Draft {
        var image = Image()
        var properties = Properties()
    }

    private func difference(_ draft: Draft, _ status: String?, _ current: PlanktonImage) -> (Image, [String])? {
        var image = Image()
        for field in draft.image.statedFields where draft.image[field] != current.remote[field] {
            image[field] = draft.image[field]
        }
        if let status { image[.status] = .text(word(status, current)) }
        let present = current.remote.properties
        let set = draft.properties.list.filter { property in !present.list.contains { $0 == property } }
        let removals = present.list.map(\.name).filter { !draft.properties.contains($0) }
        if set.isEmpty, removals.isEmpty, image.statedFields.isEmpty { return nil }
        let wantsAll = release.wantsAllProperties(knowsSnapshots: current.knowsSnapshots)
        image.properties = wantsAll ? draft.properties : Properties(set)
        return (image, release.replacesProperties ? [] : removals)
    }

    /// Servers since 0.16 show a word set by hand in lists as it is: it has to be the lists' own (plankton §6).
    private func word(_ status: String, _ current: PlanktonImage) -> String {
        guard
            let rule = ImageStatus(rawValue: status).flatMap({ state in
                Plankton.statuses.first { $0.states.contains(state) }
            })
        else { return status }
        return release == .r16 || current.knowsSnapshots ? rule.upperDocument : rule.lower
    }
}

// MARK: - Fields

extension PlanktonHolding {
    /// Fields whose mark is the value and nothing else.
    static func isPlainMark(_ field: ImageField) -> Bool {
        switch field {
        case .diskFormat, .containerFormat, .visibility: false
        default: HeldFields.plankton[field].mark != nil
        }
    }

    private func put(_ field: ImageField, _ value: FieldValue, isNew: Bool, into draft: inout Draft) throws(Failure) {
        switch fields.held[field] {
        case .native, .translated: try putNative(field, value, isNew: isNew, into: &draft)
        case .mark(let mark): try put(field, value, mark, into: &draft)
        case .refused: try refuse(field, value)
        // An assertion about the data behind the location, for the server to compare.
        case .lossy where field == .checksum && isNew:
            if let checksum = value.text { draft.image[.checksum] = .text(checksum) }
        // The account in the location; servers ignore what a registration says of it (plankton §4).
        case .lossy where field == .owner && !isNew:
            throw Failure(.forbidden, "The owner of a Plankton image cannot be changed")
        case .made, .lossy: break
        }
    }

    private func putNative(
        _ field: ImageField, _ value: FieldValue, isNew: Bool, into draft: inout Draft
    ) throws(Failure) {
        switch field {
        case .name:
            guard let name = value.text, !name.isEmpty else { throw Failure(.badRequest, Plankton.Message.invalidName) }
            guard length(name) <= PlanktonNames.maxValue, !name.utf8.contains(0) else {
                throw Failure(
                    .badRequest, "A name here has at most \(PlanktonNames.maxValue) characters, none of them NUL")
            }
            draft.image[.name] = .text(name)
        case .isPublic:
            draft.image[.isPublic] = .boolean(value.boolean ?? false)
            if value.boolean == true { try set(.visibility, nil, in: &draft) }
        case .location where isNew: draft.image[.location] = .text(try Self.location(value.text ?? ""))
        default: break
        }
    }

    /// The one form in which locations are compared.
    public static func location(_ text: String) throws(Failure) -> String {
        guard let location = try? PithosLocation(text) else {
            throw Failure(.badRequest, Plankton.Message.invalidLocation(text))
        }
        return location.canonical
    }

    private func put(_ field: ImageField, _ value: FieldValue, _ mark: Mark, into draft: inout Draft) throws(Failure) {
        switch field {
        case .diskFormat:
            let format = value.text ?? ""
            let isKnown = Plankton.diskFormats.contains { $0.sameBytes(as: format) }
            let isPlain = isKnown || format.isEmpty || format.sameBytes(as: Plankton.plainDiskFormat)
            draft.image[field] = .text(isKnown ? format : Plankton.defaultDiskFormat)
            try set(mark, isPlain ? nil : format, in: &draft)
        case .containerFormat:
            let format = value.text ?? ""
            let isKnown = Plankton.containerFormats.contains { $0.sameBytes(as: format) }
            draft.image[field] = .text(isKnown ? format : Plankton.defaultContainerFormat)
            try set(mark, isKnown || format.isEmpty ? nil : format, in: &draft)
        case .visibility:
            guard let word = value.text else { return }
            guard let visibility = Visibility(rawValue: word) else {
                throw Failure(.badRequest, "Invalid visibility '\(word)'")
            }
            draft.image[.isPublic] = .boolean(visibility == .public)
            // What is not public is shared here, if with nobody.
            try set(mark, visibility == .public || visibility == .shared ? nil : word, in: &draft)
        default: try set(mark, Self.isUsual(value) ? nil : FieldMarks.text(value), in: &draft)
        }
    }

    /// What an image without the mark has anyway.
    private static func isUsual(_ value: FieldValue) -> Bool {
        switch value {
        case .absent, .null, .boolean(false), .integer(0): true
        case .text(let text): text.isEmpty
        case .boolean, .integer, .time: false
        }
    }

    private func refuse(_ field: ImageField, _ value: FieldValue) throws(Failure) {
        let text = FieldMarks.text(value) ?? ""
        switch field {
        case .id where !text.isEmpty: throw Failure(.badRequest, Plankton.Message.idIsGiven)
        case .store where !text.isEmpty && !text.sameBytes(as: Plankton.store):
            throw Failure(.badRequest, Plankton.Message.invalidStore(text))
        default: break
        }
    }

    private func set(_ mark: Mark, _ value: String?, in draft: inout Draft) throws(Failure) {
        guard let value else {
            if let marks = fields.marks { draft.properties.remove(marks.name(mark)) }
            return
        }
        let property = try fields.property(mark, value)
        draft.properties.set(property.name, property.value)
    }
}

// MARK: - Properties

extension PlanktonHolding {
    private func put(tags: [String], into draft: inout Draft) throws(Failure) {
        try set(.tags, tags.isEmpty ? nil : FieldMarks.text(tags: tags), in: &draft)
    }

    private func put(
        _ property: Property, replacing current: PlanktonImage? = nil, into draft: inout Draft
    ) throws(Failure) {
        var held = property
        if !PlanktonNames.survives(property, marks: fields.marks, takesText: release.takesText) {
            guard let marks = fields.marks else {
                throw Failure(.badRequest, "This registry cannot hold the property '\(property.name)'")
            }
            held = PlanktonNames.escape(property, behind: marks.escapePrefix, takesText: release.takesText)
        }
        if let former = current?.key(of: property.name) { draft.properties.remove(former) }
        draft.properties.set(held.name, held.value)
    }

    /// The limits of real servers, before they are asked (plankton §6). What is there already is theirs.
    private func check(_ properties: Properties, against present: Properties) throws(Failure) {
        for property in properties.list where !present.list.contains(where: { $0 == property }) {
            guard property.name.unicodeScalars.count <= PlanktonNames.maxKey else {
                throw Failure(
                    .badRequest, "A property's name is longer than \(PlanktonNames.maxKey) characters, or would be here"
                )
            }
            guard length(property.value ?? "") <= PlanktonNames.maxValue else {
                throw Failure(
                    .badRequest, "The value of '\(property.name)' is longer than \(PlanktonNames.maxValue) characters")
            }
        }
        guard properties.count <= max(PlanktonNames.maxProperties, present.count) else {
            throw Failure(
                .badRequest,
                "An image here has at most \(PlanktonNames.maxProperties) properties, not \(properties.count)")
        }
    }

    /// Characters, or bytes where the server counts those.
    private func length(_ text: String) -> Int { release.takesText ? text.unicodeScalars.count : text.utf8.count }
}
