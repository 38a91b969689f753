import Bytes
import Images

extension Glance2010 {
    /// One field on the wire (glance-2010 §2), read by decoder and renderer.
    struct FieldRule: Sendable {
        /// What a request's value is.
        enum Reading: Sendable {
            /// Anyone may name it; only the server says it.
            case ignored
            case id, type, size, store, location
            /// As in later releases (``GlanceValues``).
            case value
        }

        enum Shown: Sendable, Equatable {
            case nowhere
            /// In every entry, in detail entries only.
            case everywhere, detail
        }

        /// Nil: not a field of the canonical image.
        let field: ImageField?
        /// JSON key, and header name behind `x-image-meta-`.
        let name: String
        let reading: Reading
        let seed: Shown
        let bexar: Shown
        let header: String

        init(_ field: ImageField?, _ name: String, _ reading: Reading, seed: Shown, bexar: Shown) {
            self.field = field
            self.name = name
            self.reading = reading
            self.seed = seed
            self.bexar = bexar
            header = Glance2010.prefix + name
        }
    }

    static let prefix = "x-image-meta-"
    static let propertyPrefix = "x-image-meta-property-"

    /// In the seed's order.
    static let rules: [FieldRule] = [
        FieldRule(nil, "uri", .ignored, seed: .everywhere, bexar: .nowhere),
        FieldRule(.id, "id", .id, seed: .everywhere, bexar: .everywhere),
        FieldRule(.name, "name", .value, seed: .everywhere, bexar: .everywhere),
        FieldRule(nil, "type", .type, seed: .everywhere, bexar: .everywhere),
        FieldRule(.size, "size", .size, seed: .everywhere, bexar: .everywhere),
        FieldRule(.store, "store", .store, seed: .detail, bexar: .nowhere),
        FieldRule(.location, "location", .location, seed: .nowhere, bexar: .nowhere),
        FieldRule(.createdAt, "created_at", .ignored, seed: .detail, bexar: .detail),
        FieldRule(.updatedAt, "updated_at", .ignored, seed: .detail, bexar: .detail),
        FieldRule(.deletedAt, "deleted_at", .ignored, seed: .detail, bexar: .detail),
        FieldRule(nil, "deleted", .ignored, seed: .nowhere, bexar: .detail),
        FieldRule(.status, "status", .ignored, seed: .detail, bexar: .detail),
        FieldRule(.isPublic, "is_public", .value, seed: .detail, bexar: .detail),
        FieldRule(.diskFormat, "disk_format", .value, seed: .nowhere, bexar: .nowhere),
        FieldRule(.containerFormat, "container_format", .value, seed: .nowhere, bexar: .nowhere),
        FieldRule(.checksum, "checksum", .value, seed: .nowhere, bexar: .nowhere),
        FieldRule(.owner, "owner", .value, seed: .nowhere, bexar: .nowhere),
        FieldRule(.minRAM, "min_ram", .value, seed: .nowhere, bexar: .nowhere),
        FieldRule(.minDisk, "min_disk", .value, seed: .nowhere, bexar: .nowhere),
        FieldRule(.protected, "protected", .value, seed: .nowhere, bexar: .nowhere),
    ]

    private static let shown: [Settings.Profile: (brief: [FieldRule], detail: [FieldRule])] = [
        .seed: (rules.filter { $0.seed == .everywhere }, rules.filter { $0.seed != .nowhere }),
        .bexar: (rules.filter { $0.bexar == .everywhere }, rules.filter { $0.bexar != .nowhere }),
    ]

    /// The fields of an entry, in order.
    func shownRules(isDetailed: Bool) -> [FieldRule] {
        guard let rules = Self.shown[settings.profile] else { return [] }
        return isDetailed ? rules.detail : rules.brief
    }

    /// The words for a state (glance-2010 §2).
    static let statuses: [(states: [ImageStatus], seed: String, bexar: String)] = [
        ([.active], "available", "active"),
        ([.queued], "pending", "queued"),
        ([.saving, .uploading, .importing], "pending", "saving"),
        ([.killed, .deactivated, .deleted, .pendingDelete], "disabled", "killed"),
    ]

    func statusWord(_ status: ImageStatus?) -> String {
        let isSeed = settings.profile == .seed
        let found = status.flatMap { status in Self.statuses.first { $0.states.contains(status) } }
        return found.map { isSeed ? $0.seed : $0.bexar } ?? (isSeed ? "pending" : "queued")
    }

    /// The pair that a type stands for; nil when there is no such type.
    func formats(ofType type: String) -> (disk: String, container: String)? {
        if let entry = ValueRules.imageTypes.first(where: { $0.type.sameBytes(as: type) }) {
            return (entry.diskFormat, entry.containerFormat)
        }
        return settings.allowsVHD && type.sameBytes(as: "vhd") ? ("vhd", "ovf") : nil
    }

    /// The name of the storage system: as the registry says it, else from the location's scheme (glance-2010 §4).
    static func store(of image: Image) -> String? {
        if let store = image.text(.store), !store.isEmpty { return store }
        guard let scheme = image.text(.location).flatMap(URLScheme.of) else { return nil }
        switch scheme {
        case "filesystem": return "file"
        case "https": return "http"
        default: return scheme.utf8.split(separator: UInt8(ascii: "+")).first.map { String(Substring($0)) } ?? scheme
        }
    }
}
