import Bytes
public import Images

/// An image as a registry of the Image API v1 holds it, and as clients are shown it: what the registry has no field for
/// stands in properties that are marks (mapping §3, §4, §6.3).
public struct GlanceV1Image: Sendable {
    /// What clients are shown: marks used and taken away, escapes undone, the status meant for clients.
    public let image: Image
    /// What the registry said, marks and escaped names among the properties.
    public let native: Image

    /// Reads the marks of an image.
    public init(_ native: Image, _ held: FieldMarks) {
        self.native = native
        image = GlanceV1MarkReader(native: native, held: held).image
    }

    /// The registry's own id; differs from the image's when a mark keeps that one.
    public var remoteID: String { native.id }
    /// The data are elsewhere: only a mark names their location (mapping §3.6).
    public var isReference: Bool { native.status == .queued && image.status == .active }

    /// The gateway brings the data from the location that a mark names.
    public var isAwaiting: Bool { native.status == .queued && image.status == .saving }

    // MARK: Ids

    /// The id under which such a registry has an image: UUIDs as the client spells them, others by mapping §3.5.
    public static func remoteID(_ id: String) -> String { GlanceV1.isUUID(id) ? id : ImageV2ID.remote(id) }

    /// Whether the id may be one of the registry's own although it is no UUID: releases of 2011 count their images.
    public static func mayBeNumber(_ id: String) -> Bool {
        !id.isEmpty && id.utf8.count < 19 && id.utf8.allSatisfy(ByteSet.digits.contains)
    }

    /// Whether an id may stand for another one: those are all UUIDs of version 5.
    public static func mayBeMade(_ id: String) -> Bool {
        let bytes = Array(id.utf8)
        return UUIDText.isCanonical(id) && bytes[14] == UInt8(ascii: "5")
    }
}

/// Brings back what marks keep.
private struct GlanceV1MarkReader {
    let native: Image
    let held: FieldMarks

    var image: Image {
        var image = native
        var properties = Properties()
        var escaped: [Property] = []
        for property in native.properties.list {
            guard let read = held.unescaped(property) else { continue }
            if held.isMark(property.name) { escaped.append(read) } else { properties.set(read.name, read.value) }
        }
        // An escaped one stands for its plain twin.
        for property in escaped { properties.set(property.name, property.value) }
        image.properties = properties
        readNative(&image)
        for field in ImageField.allCases {
            guard let mark = held.held[field].mark, let text = held.value(mark, of: native),
                let value = FieldMarks.value(text, of: field), isCurrent(field, value)
            else { continue }
            image[field] = value
        }
        image.tags = held.value(.tags, of: native).flatMap(FieldMarks.tags) ?? []
        readKept(&image)
        return image
    }

    /// Fields of the model that the registry says in other words, or not at all.
    private func readNative(_ image: inout Image) {
        image[.isPublic] = .boolean(native.isPublic)
        image[.visibility] = .text((native.isPublic ? Visibility.public : .shared).rawValue)
        image[.hidden] = .boolean(false)
        // Headers leave out what has no value, documents say null.
        for field in Self.nullable where image[field].isAbsent { image[field] = .null }
        // Without data the size is only announced: none is not 0 (mapping §3.9).
        if native.status == .queued, native.integer(.size) == 0 { image[.size] = .null }
        // A location of the registry's own may carry credentials (glance-v1 §3).
        image[.location] = .absent
    }

    private static let nullable: [ImageField] = [
        .name, .diskFormat, .containerFormat, .checksum, .owner, .virtualSize, .updatedAt, .deletedAt,
    ]

    /// A mark counts only while the registry has what stands for its value: else it is older than a change that somebody
    /// made without the gateway.
    private func isCurrent(_ field: ImageField, _ value: FieldValue) -> Bool {
        guard let text = value.text else { return true }
        switch field {
        // Whoever copies an image copies its properties.
        case .id: return GlanceV1Image.remoteID(text).sameBytes(as: native.id)
        case .diskFormat: return native.text(field) == GlanceV1StandIn.diskFormat(text)
        case .containerFormat:
            let disk = native.text(.diskFormat)
            return native.text(field).map { GlanceV1StandIn.all(forContainer: text, disk: disk).contains($0) } ?? false
        case .visibility: return !native.isPublic && Visibility(rawValue: text).map { $0 != .public } ?? false
        default: return true
        }
    }

    /// Values that are marks beside native ones.
    private func readKept(_ image: inout Image) {
        if let kept = held.value(.name, of: native), native.text(.name).map({ $0.sameBytes(as: kept) }) ?? false {
            image[.name] = .text(FieldMarks.unescaped(value: kept))
        }
        if native.text(.checksum) == nil, let kept = held.value(.checksum, of: native) {
            image[.checksum] = .text(kept)
        }
        guard native.status == .queued, image.text(.location) != nil else { return }
        let isAwaiting = !(held.value(.status, of: native) ?? "").isEmpty
        image[.status] = .text((isAwaiting ? ImageStatus.saving : .active).rawValue)
    }
}

/// What the registry is given in place of formats that it cannot hold.
enum GlanceV1StandIn {
    /// Mapping §3.4: a registry that checks contents takes anything as raw.
    static func diskFormat(_ format: String) -> String {
        ValueRules.planktonDiskFormats.contains(format) ? "raw" : format
    }

    /// Of an Amazon pair both must be the same (glance-v1 §2.4): the container gives way.
    ///
    /// - Parameter disk: the registry's disk format.
    static func containerFormat(_ format: String, disk: String?, known: [String]) -> String {
        if let disk, ValueRules.amazonFormats.contains(disk) { return disk }
        if ValueRules.amazonFormats.contains(format) || !known.contains(where: { $0.sameBytes(as: format) }) {
            return "bare"
        }
        return format
    }

    /// Everything that may stand for a container format, whatever the registry knew when it was written.
    static func all(forContainer format: String, disk: String?) -> [String] {
        if let disk, ValueRules.amazonFormats.contains(disk) { return [disk] }
        return ["bare"]
    }
}
