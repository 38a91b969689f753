import Bytes
public import Images

/// An image as a Plankton server holds it, read with its marks (mapping §3, §4).
public struct PlanktonImage: Sendable {
    /// What clients are shown: marks used and taken away, escapes undone.
    public private(set) var image: Image
    /// In the server's own words, all properties under their keys.
    public let remote: Image
    /// The server is 0.16 or later.
    public let knowsSnapshots: Bool
    /// Values of the marks it has, by mark.
    private(set) var marks: [Mark: String] = [:]
    /// Under which key each of the client's properties is stored.
    private(set) var stored: [(name: String, key: String)] = []

    /// - Parameter marks: nil: nothing is taken for a mark.
    public init(_ record: Plankton.Record, marks: Marks?) {
        remote = record.image
        image = record.image
        knowsSnapshots = record.isSnapshot != nil
        readProperties(marks)
        applyMarks()
    }

    public var id: String { remote.id }

    /// Members that may share, by the mark.
    public var sharers: [String] {
        guard let list = marks[.canShare], !list.isEmpty else { return [] }
        return ASCII.split(list, UInt8(ascii: ",")).map(ImageV2Names.unescapeListItem)
    }

    /// The gateway made it without data, which are still to come.
    public var isAwaitingData: Bool { marks[.status].map { $0.sameBytes(as: ImageStatus.queued.rawValue) } ?? false }

    /// The gateway put its object into the store, and for nothing else.
    public var isUploaded: Bool { marks[.uploaded] != nil }

    func key(of name: String) -> String? { stored.first { $0.name.sameBytes(as: name) }?.key }

    /// An escaped property wins over a plain one of the same name.
    private mutating func readProperties(_ names: Marks?) {
        var properties = Properties()
        var escaped: [(Property, key: String)] = []
        for property in remote.properties.list {
            guard let names, names.isMark(property.name) else {
                properties.appendUnchecked(property)
                stored.append((property.name, property.name))
                continue
            }
            if let plain = PlanktonNames.unescape(property, behind: names.escapePrefix) {
                escaped.append((plain, property.name))
            } else if let mark = names.mark(property.name) {
                marks[mark] = property.value ?? ""
            }
        }
        for (property, key) in escaped {
            properties.set(property.name, property.value)
            stored.removeAll { $0.name.sameBytes(as: property.name) }
            stored.append((property.name, key))
        }
        image.properties = properties
    }

    private mutating func applyMarks() {
        // The server's default: raw data, unless a mark says of what kind (mapping §3.4).
        if let format = remote.text(.diskFormat), format.sameBytes(as: Plankton.defaultDiskFormat) {
            image[.diskFormat] = .text(marks[.diskFormat] ?? Plankton.plainDiskFormat)
        }
        if let format = remote.text(.containerFormat), format.sameBytes(as: Plankton.defaultContainerFormat),
            let kept = marks[.containerFormat]
        {
            image[.containerFormat] = .text(kept)
        }
        if !remote.isPublic, let word = marks[.visibility],
            [Visibility.private, .community].contains(where: { $0.rawValue.sameBytes(as: word) })
        {
            image[.visibility] = .text(word)
        }
        for field in ImageField.allCases where PlanktonHolding.isPlainMark(field) {
            guard let mark = HeldFields.plankton[field].mark, let text = marks[mark] else { continue }
            image[field] = FieldMarks.value(text, of: field) ?? .absent
        }
        image.tags = marks[.tags].flatMap(FieldMarks.tags)
        guard isAwaitingData else { return }
        // Size and hash are those of the empty object that holds the data's place.
        image[.status] = .text(ImageStatus.queued.rawValue)
        image[.size] = marks[.size].flatMap { FieldMarks.value($0, of: .size) } ?? .null
        image[.checksum] = marks[.checksum].map { .text($0) } ?? .null
    }
}

extension Marks {
    /// The mark that a property keeps; nil for an escaped property, and for a mark nobody knows.
    fileprivate func mark(_ name: String) -> Mark? {
        Mark(rawValue: String(decoding: name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self))
    }
}
