public import Bytes
public import Images

/// An image as an Image API v2 registry holds it, read with its marks (mapping §2 to §4).
public struct ImageV2Image: Sendable {
    /// What clients are shown: marks used and taken away, escapes undone, the status meant for clients.
    public var image = Image()
    /// The registry's own id; differs from the image's when a mark keeps that one.
    public var remoteID = ""
    /// The registry's own words and values where marks change them.
    public var remoteStatus = ""
    public var remoteVisibility = ""
    public var remoteDiskFormat: String?
    public var remoteChecksum: String?
    public var remoteSize: Int64?
    /// The data is elsewhere: only a mark names its location (mapping §3.6).
    public var isReference = false
    public var isImporting = false
    public var importFailed = false
    /// Values of the marks it has, by mark.
    public var marks: [Mark: String] = [:]
    /// Under which key and raw value each custom property is stored; an escaped one stands for its plain twin.
    public var stored: [Stored] = []

    public struct Stored: Sendable, Equatable {
        public var name: String
        public var key: String
        public var value: JSONValue
        public var isEscaped: Bool
    }

    /// Reads one image object.
    ///
    /// - Parameters:
    ///   - marks: nil: nothing is taken for a mark.
    ///   - starlingx: property `store` is the canonical field.
    /// - Throws: `badGateway` for an object that is no image.
    public init(_ object: JSONObject, marks: Marks?, starlingx: Bool = false) throws(Failure) {
        let custom = try readFields(of: object)
        guard !remoteID.isEmpty, let status = image.text(.status) else {
            throw Failure(.badGateway, "The registry answered with something that is no image")
        }
        remoteStatus = status
        var server: [String: String] = [:]
        for member in custom {
            if let marks, marks.isMark(member.key) {
                readMark(member, marks)
            } else if member.key.utf8.starts(with: "os_glance".utf8) {
                server[member.key] = member.value.text ?? ""
            } else if starlingx, member.key == "store" {
                image[.store] = member.value.text.map(FieldValue.text) ?? .null
            } else {
                append(Stored(name: member.key, key: member.key, value: member.value, isEscaped: false))
            }
        }
        for entry in stored { image.properties.appendUnchecked(Property(entry.name, Self.text(entry))) }
        applyMarks()
        isImporting = server["os_glance_import_task"].map { !$0.isEmpty } ?? false
        importFailed = server["os_glance_failed_import"].map { !$0.isEmpty } ?? false
        if status == "queued" {
            if isReference {
                image[.status] = .text(ImageStatus.active.rawValue)
            } else if remoteChecksum != nil || (importFailed && !isImporting) {
                // A refused upload leaves its checksum behind and can never be repeated (image-v2 §9).
                image[.status] = .text(ImageStatus.killed.rawValue)
            } else if isAwaiting {
                image[.status] = .text(ImageStatus.saving.rawValue)
            }
        }
    }

    /// - Returns: the members that are custom properties.
    private mutating func readFields(of object: JSONObject) throws(Failure) -> [JSONObject.Member] {
        var custom: [JSONObject.Member] = []
        // Members of the base set whose values are no fields as they are: a few, so that looking them up is quick.
        var others = JSONObject()
        for member in object.members {
            guard let base = ImageV2Names.base(member.key) else {
                custom.append(member)
                continue
            }
            guard let field = base.field else {
                others.members.append(member)
                continue
            }
            if member.value.isNull {
                image[field] = .null
                continue
            }
            switch field.kind {
            case .text: if let text = member.value.text { image[field] = .text(text) }
            case .integer:
                // A length that cannot be one would be told to clients, and compared with data.
                guard let number = member.value.integer, number >= 0 else {
                    throw Failure(
                        .badGateway, "The registry answered with something that is no image",
                        cause: "\(member.key) is no whole number")
                }
                image[field] = .integer(number)
            case .boolean: if let truth = member.value.boolean { image[field] = .boolean(truth) }
            case .time: if let time = member.value.text.flatMap({ Timestamp($0) }) { image[field] = .time(time) }
            }
        }
        remoteID = others["id"]?.text ?? ""
        image[.id] = .text(remoteID)
        image[.deletedAt] = .null
        remoteVisibility = image.text(.visibility) ?? ""
        remoteDiskFormat = image.text(.diskFormat)
        remoteChecksum = image.text(.checksum)
        remoteSize = image.integer(.size)
        image[.isPublic] = .boolean(remoteVisibility == Visibility.public.rawValue)
        image.tags = others["tags"]?.array?.compactMap(\.text)
        let firstLocation = others["locations"]?.array?.first?.object?["url"]?.text
        image[.location] = (others["direct_url"]?.text ?? firstLocation).map(FieldValue.text) ?? .null
        let store = others["stores"]?.text.flatMap { ASCII.split($0, UInt8(ascii: ",")).first }
        image[.store] = store.flatMap { $0.isEmpty ? nil : FieldValue.text($0) } ?? .null
        return custom
    }

    private mutating func readMark(_ member: JSONObject.Member, _ names: Marks) {
        if member.key.utf8.starts(with: names.escapePrefix.utf8) {
            let name = ImageV2Names.unescape(Self.rest(of: member.key, behind: names.escapePrefix))
            append(Stored(name: name, key: member.key, value: member.value, isEscaped: true))
            return
        }
        guard let mark = Mark(rawValue: Self.rest(of: member.key, behind: names.prefix)) else { return }
        marks[mark] = member.value.text ?? ""
    }

    /// By bytes: a combining character behind the prefix would be one Character with its last letter.
    private static func rest(of key: String, behind prefix: String) -> String {
        String(decoding: key.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
    }

    /// An escaped property wins over a plain one of the same name.
    private mutating func append(_ entry: Stored) {
        guard let place = stored.firstIndex(where: { $0.name.sameBytes(as: entry.name) }) else {
            stored.append(entry)
            return
        }
        if entry.isEscaped { stored[place] = entry }
    }

    private static func text(_ entry: Stored) -> String? {
        switch entry.value {
        case .null: return nil
        case .string(let text): return entry.isEscaped ? ImageV2Names.unescape(text) : text
        case .boolean(let truth): return truth ? "True" : "False"
        case .number(let text): return text
        case .array, .object:
            var writer = JSONWriter()
            writer.value(entry.value)
            return String(decoding: writer.take(), as: UTF8.self)
        }
    }

    private mutating func applyMarks() {
        if let id = marks[.id], !id.isEmpty { image[.id] = .text(id) }
        if let format = marks[.diskFormat], remoteDiskFormat == "raw" { image[.diskFormat] = .text(format) }
        if let location = marks[.location], !location.isEmpty {
            image[.location] = .text(location)
            isReference = remoteStatus == "queued" && remoteChecksum == nil && !isAwaiting
        }
        if let store = marks[.store] { image[.store] = .text(store) }
        if remoteSize == nil, let size = marks[.size].flatMap({ ASCII.decimal($0) }) { image[.size] = .integer(size) }
        if let checksum = marks[.checksum], remoteChecksum == nil || !ValueRules.isMD5(checksum) {
            image[.checksum] = .text(checksum)
        }
        if marks[.isPublic] == "True", remoteVisibility == Visibility.community.rawValue {
            image[.isPublic] = .boolean(true)
        }
    }

    /// The gateway brings the data from the location that a mark names.
    public var isAwaiting: Bool { remoteStatus == "queued" && !(marks[.status] ?? "").isEmpty }

    /// Members that may share, by the mark.
    public var sharers: [String] {
        guard let list = marks[.canShare], !list.isEmpty else { return [] }
        return ASCII.split(list, UInt8(ascii: ",")).map(ImageV2Names.unescapeListItem)
    }

    /// The stored form of a property.
    public func stored(_ name: String) -> Stored? { stored.first { $0.name.sameBytes(as: name) } }
}

extension ImageV2Names {
    /// Member ids are kept in a comma-separated list: their own commas and percent signs are coded.
    static func listItem(_ text: String) -> String {
        PercentCoding.encode(
            text, keeping: ByteSet((0x21...0x7E).filter { $0 != 0x25 && $0 != 0x2C }.map { UInt8($0) }))
    }

    static func unescapeListItem(_ text: String) -> String { unescape(text) }

    /// The value of the mark that keeps who may share.
    public static func sharers(_ ids: [String]) -> String { ids.map(listItem).joined(separator: ",") }
}
