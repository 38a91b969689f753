import Bytes
import Images

extension GlanceV1 {
    /// One field on the wire, read by decoder and renderer (glance-v1 §2.2, §3).
    struct FieldRule: Sendable {
        /// What becomes of a value in a request.
        enum Access: Sendable {
            case taken
            /// Known, but the server's own: dropped.
            case dropped
        }

        enum Shown: Sendable { case nowhere, detail, everywhere }

        /// Nil: a name that clients send and that means nothing here.
        let field: ImageField?
        /// Header name behind `x-image-meta-` with underscores, and JSON key.
        let name: String
        let create: Access
        let update: Access
        let shown: Shown
        let header: String

        init(
            _ field: ImageField?, _ name: String, create: Access = .taken, update: Access = .taken,
            shown: Shown = .detail
        ) {
            self.field = field
            self.name = name
            self.create = create
            self.update = update
            self.shown = shown
            header = GlanceV1.prefix + name
        }
    }

    static let prefix = "x-image-meta-"
    static let propertyPrefix = "property-"

    /// In the order in which they are shown; `uri`, `deleted` and `properties` are made of other fields.
    static let rules: [FieldRule] = [
        FieldRule(.id, "id", shown: .everywhere),
        FieldRule(.name, "name", shown: .everywhere),
        FieldRule(.status, "status", create: .dropped),
        FieldRule(.diskFormat, "disk_format", shown: .everywhere),
        FieldRule(.containerFormat, "container_format", shown: .everywhere),
        FieldRule(.size, "size", shown: .everywhere),
        FieldRule(.checksum, "checksum", shown: .everywhere),
        FieldRule(.owner, "owner"),
        FieldRule(.isPublic, "is_public"),
        FieldRule(.minRAM, "min_ram"),
        FieldRule(.minDisk, "min_disk"),
        FieldRule(.protected, "protected"),
        FieldRule(.createdAt, "created_at", create: .dropped, update: .dropped),
        FieldRule(.updatedAt, "updated_at", create: .dropped, update: .dropped),
        FieldRule(.deletedAt, "deleted_at", create: .dropped, update: .dropped),
        FieldRule(.location, "location", shown: .nowhere),
        FieldRule(.store, "store", shown: .nowhere),
        FieldRule(.virtualSize, "virtual_size", create: .dropped, update: .dropped),
        FieldRule(nil, "uri", create: .dropped, update: .dropped, shown: .nowhere),
        FieldRule(nil, "deleted", create: .dropped, update: .dropped, shown: .nowhere),
        FieldRule(nil, "copy_from", create: .dropped, update: .dropped, shown: .nowhere),
        // Sent by clients of 0.1.x to 2012.1.
        FieldRule(nil, "type", create: .dropped, update: .dropped, shown: .nowhere),
        FieldRule(nil, "properties", create: .dropped, update: .dropped, shown: .nowhere),
        FieldRule(nil, "image", create: .dropped, update: .dropped, shown: .nowhere),
    ]

    static let detailRules = rules.filter { $0.shown != .nowhere }
    static let briefRules = rules.filter { $0.shown == .everywhere }

    /// Keys by which a list may be sorted, in the order of the error's text (glance-v1 §4.1).
    static let sortKeys: [ImageField] = [
        .name, .status, .containerFormat, .diskFormat, .size, .id, .createdAt, .updatedAt,
    ]

    /// Largest members document: some ten thousand UUIDs.
    static let maxMembersBytes = 1 << 20

    /// The word for a canonical state, nil for a text that is none (mapping §3.1).
    static func statusWord(of image: Image) -> String? {
        switch image.status {
        case .saving, .uploading, .importing: ImageStatus.saving.rawValue
        case let status?: status.rawValue
        case nil: image.text(.status)
        }
    }

    /// The canonical states that show as a word.
    static func states(shownAs word: String) -> [String] {
        word.sameBytes(as: ImageStatus.saving.rawValue)
            ? [ImageStatus.saving, .uploading, .importing].map(\.rawValue) : [word]
    }

    static func isDeleted(_ image: Image) -> Bool { image.status == .deleted || image.status == .pendingDelete }

    /// Only an MD5 is shown: clients verify downloads against it (glance-v1 §3).
    static func checksum(of image: Image) -> String? {
        image.text(.checksum).flatMap { ValueRules.isMD5($0) ? $0 : nil }
    }

    /// A field as this dialect shows it; null where headers have none and documents have `null`, absent where neither has
    /// anything: only releases from 2015.1 know a virtual size.
    static func shown(_ field: ImageField, of image: Image) -> FieldValue {
        switch field {
        case .status: statusWord(of: image).map { .text($0) } ?? .null
        case .checksum: checksum(of: image).map { .text($0) } ?? .null
        case .isPublic: .boolean(image.isPublic)
        case .virtualSize: image.integer(field).map { .integer($0) } ?? .absent
        default:
            switch field.kind {
            case .text: image.text(field).map { .text($0) } ?? .null
            case .integer: .integer(image.integer(field) ?? 0)
            case .boolean: .boolean(image.boolean(field) ?? false)
            case .time: image.time(field).map { .time($0) } ?? .null
            }
        }
    }
}
