import Bytes
import Images

extension Plankton {
    /// One field on the wire, read by decoder and renderer (plankton §4).
    struct FieldRule: Sendable {
        /// What a request may say of a field.
        enum Access: Sendable {
            case taken
            /// Present at all: 400 `Invalid parameters` on register, `Invalid metadata` on update.
            case refused
            case unknown
        }

        /// Nil: snapshots and descriptions, which only Synnefo's volume service has.
        let field: ImageField?
        /// Header name behind `x-image-meta-`, small letters and hyphens.
        let header: String
        let key: String
        let register: Access
        let update: Access
        let shown: Shown
        /// Whole header names, printed in the guides, that stand for this field when the right one is absent.
        let misprints: [String]

        enum Shown: Sendable { case nowhere, detail, everywhere }

        init(
            _ field: ImageField?, _ header: String, _ key: String, register: Access, update: Access, shown: Shown,
            misprints: [String] = []
        ) {
            self.field = field
            self.header = header
            self.key = key
            self.register = register
            self.update = update
            self.shown = shown
            self.misprints = misprints
        }
    }

    static let prefix = "x-image-meta-"
    static let propertyPrefix = "property-"

    /// In the order of the guide's examples.
    static let rules: [FieldRule] = [
        FieldRule(.id, "id", "id", register: .refused, update: .refused, shown: .everywhere),
        FieldRule(
            .name, "name", "name", register: .taken, update: .taken, shown: .everywhere,
            misprints: ["x-meta-image-name"]),
        FieldRule(
            .diskFormat, "disk-format", "disk_format", register: .taken, update: .taken, shown: .everywhere,
            misprints: ["x-meta-image-disk-format", "x-meta-disk-format"]),
        FieldRule(
            .containerFormat, "container-format", "container_format", register: .taken, update: .taken,
            shown: .everywhere, misprints: ["x-meta-image-container-format", "x-meta-container-format"]),
        FieldRule(.size, "size", "size", register: .taken, update: .taken, shown: .everywhere),
        FieldRule(.checksum, "checksum", "checksum", register: .taken, update: .taken, shown: .detail),
        FieldRule(
            .location, "location", "location", register: .taken, update: .refused, shown: .detail,
            misprints: ["x-meta-location"]),
        FieldRule(.createdAt, "created-at", "created_at", register: .refused, update: .refused, shown: .detail),
        FieldRule(.updatedAt, "updated-at", "updated_at", register: .refused, update: .refused, shown: .detail),
        FieldRule(.deletedAt, "deleted-at", "deleted_at", register: .refused, update: .refused, shown: .detail),
        FieldRule(.status, "status", "status", register: .refused, update: .taken, shown: .everywhere),
        FieldRule(.isPublic, "is-public", "is_public", register: .taken, update: .taken, shown: .detail),
        FieldRule(.owner, "owner", "owner", register: .taken, update: .taken, shown: .detail),
        FieldRule(.store, "store", "store", register: .taken, update: .refused, shown: .nowhere),
        FieldRule(.minRAM, "min-ram", "min_ram", register: .taken, update: .taken, shown: .nowhere),
        FieldRule(.minDisk, "min-disk", "min_disk", register: .taken, update: .taken, shown: .nowhere),
        FieldRule(nil, "is-snapshot", "is_snapshot", register: .refused, update: .refused, shown: .nowhere),
        FieldRule(nil, "description", "description", register: .refused, update: .refused, shown: .nowhere),
    ]

    static let shownRules = rules.filter { $0.shown != .nowhere }
    static let briefRules = rules.filter { $0.shown == .everywhere }

    static let diskFormats = ValueRules.planktonDiskFormats
    static let defaultDiskFormat = "diskdump"
    static let containerFormats = ["bare", "aki", "ari", "ami", "ovf"]
    static let defaultContainerFormat = "bare"
    static let store = "pithos"

    /// The disk format that foreign images show when theirs is `raw` (mapping §3.4).
    static let plainDiskFormat = "raw"

    /// A group of canonical states and the words for it (plankton §6).
    struct StatusRule: Sendable {
        let states: [ImageStatus]
        let lower: String
        let upperHeader: String
        let upperDocument: String
    }

    static let statuses = [
        StatusRule(
            states: [.active, .deactivated], lower: "available", upperHeader: "AVAILABLE", upperDocument: "AVAILABLE"),
        StatusRule(
            states: [.saving, .queued, .uploading, .importing], lower: "saving", upperHeader: "SAVING",
            upperDocument: "UNAVAILABLE"),
        StatusRule(states: [.killed], lower: "error", upperHeader: "ERROR", upperDocument: "ERROR"),
        StatusRule(
            states: [.deleted, .pendingDelete], lower: "deleted", upperHeader: "DELETED", upperDocument: "DELETED"),
    ]
    static let unknownStatus = StatusRule(
        states: [], lower: "unknown", upperHeader: "UNKNOWN", upperDocument: "UNKNOWN")

    /// The group that a word of any release means, in any letter case; nil for other texts.
    static func status(meant word: String) -> StatusRule? {
        statuses.first { rule in
            [rule.lower, rule.upperHeader, rule.upperDocument].contains { ASCII.equalIgnoringCase($0, word) }
        }
    }

    /// Keys by which a list may be sorted (plankton §7.1).
    static let sortKeys: [ImageField] = [
        .id, .name, .status, .size, .diskFormat, .containerFormat, .createdAt, .updatedAt,
    ]
    static let defaultSortKey = ImageField.createdAt

    /// Largest members document: some ten thousand UUIDs.
    static let maxMembersBytes = 1 << 20

    /// Full encoding (plankton §5); a slash stays.
    static let fullyKept = ByteSet.alphanumeric.union(ByteSet("_.-/"))
    /// Least encoding: printable ASCII but the percent sign.
    static let leastKept = ByteSet((0x20...0x7E).filter { $0 != UInt8(ascii: "%") })
    /// In header names the slash is no token character.
    static let fullyKeptInNames = ByteSet.alphanumeric.union(ByteSet("_.-"))
    static let leastKeptInNames = ByteSet(
        (0x21...0x7E).filter { ByteSet.token.contains($0) && $0 != UInt8(ascii: "%") })
}
