import Bytes
import Images

/// The base attributes of an image as clients may say them (image-v2 §5).
extension ImageV2 {
    struct Attribute: Sendable {
        enum Access: Sendable {
            case taken
            /// 403 `is read-only`.
            case readOnly
            /// 403 `is reserved`.
            case reserved
            /// Taken and forgotten, as the servers do.
            case dropped
        }

        let key: String
        /// Nil: no canonical field of its own.
        let field: ImageField?
        let create: Access
        let update: Access

        init(_ key: String, _ field: ImageField? = nil, create: Access = .readOnly, update: Access = .readOnly) {
            self.key = key
            self.field = field
            self.create = create
            self.update = update
        }
    }

    static let attributes: [Attribute] = [
        Attribute("id", .id, create: .taken),
        Attribute("name", .name, create: .taken, update: .taken),
        Attribute("status", .status),
        Attribute("visibility", .visibility, create: .taken, update: .taken),
        Attribute("owner", .owner, create: .taken, update: .taken),
        Attribute("disk_format", .diskFormat, create: .taken, update: .taken),
        Attribute("container_format", .containerFormat, create: .taken, update: .taken),
        Attribute("min_ram", .minRAM, create: .taken, update: .taken),
        Attribute("min_disk", .minDisk, create: .taken, update: .taken),
        Attribute("protected", .protected, create: .taken, update: .taken),
        Attribute("os_hidden", .hidden, create: .taken, update: .taken),
        Attribute("tags", create: .taken, update: .taken),
        Attribute("size", .size), Attribute("virtual_size", .virtualSize), Attribute("checksum", .checksum),
        Attribute("os_hash_algo", .osHashAlgo, create: .dropped),
        Attribute("os_hash_value", .osHashValue, create: .dropped),
        Attribute("created_at", .createdAt), Attribute("updated_at", .updatedAt), Attribute("direct_url"),
        Attribute("self"), Attribute("file"), Attribute("schema"), Attribute("stores"),
        Attribute("locations", create: .reserved, update: .taken),
        Attribute("location", create: .reserved, update: .reserved),
        Attribute("deleted", create: .reserved, update: .reserved),
        Attribute("deleted_at", create: .reserved, update: .reserved),
    ]

    static func attribute(_ key: String) -> Attribute? { attributes.first { $0.key.sameBytes(as: key) } }

    static let maxText = 255
    static let maxNumber: Int64 = 2_147_483_647
    static let maxProperties = 128
    static let maxTags = 128

    /// The value of a base attribute, checked by the schema.
    func value(_ value: JSONValue, of field: ImageField) throws(Failure) -> FieldValue {
        switch field {
        case .minRAM, .minDisk:
            guard let number = value.integer else { throw Self.wrong(field.rawValue, "is not of type 'integer'") }
            guard number >= 0 else {
                throw Failure(
                    .badRequest,
                    "Invalid value '\(number)' for parameter '\(field.rawValue)': Cannot be a negative value")
            }
            guard number <= Self.maxNumber else {
                throw Failure(
                    .badRequest, "'\(field.rawValue)' value out of range, must not exceed \(Self.maxNumber).")
            }
            return .integer(number)
        case .protected, .hidden:
            guard let truth = value.boolean else { throw Self.wrong(field.rawValue, "is not of type 'boolean'") }
            return .boolean(truth)
        default: return try text(value, of: field)
        }
    }

    private func text(_ value: JSONValue, of field: ImageField) throws(Failure) -> FieldValue {
        if value.isNull {
            guard field != .visibility, field != .id else {
                throw Self.wrong(field.rawValue, "None is not of type 'string'")
            }
            return .null
        }
        guard let text = value.text else { throw Self.wrong(field.rawValue, "is not of type 'null', 'string'") }
        guard !ImageV2Names.needsEscape(value: text) else {
            throw Failure(.badRequest, "\(Self.capital(field.rawValue)) can't contain 4 byte unicode characters.")
        }
        guard text.unicodeScalars.count <= Self.maxText else {
            throw Self.wrong(field.rawValue, "'\(text)' is too long")
        }
        let choices: [String]? =
            switch field {
            case .diskFormat: settings.diskFormats
            case .containerFormat: settings.containerFormats
            case .visibility: Visibility.allCases.map(\.rawValue)
            default: nil
            }
        if let choices, !choices.contains(where: { $0.sameBytes(as: text) }) {
            let known = choices.map { "'\($0)'" }.joined(separator: ", ")
            throw Self.wrong(field.rawValue, "'\(text)' is not one of [\(known)]")
        }
        if field == .id, !UUIDText.isCanonical(text) {
            throw Self.wrong(
                field.rawValue,
                "'\(text)' does not match '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'"
            )
        }
        return .text(text)
    }

    static func wrong(_ key: String, _ what: String) -> Failure {
        Failure(.badRequest, "Provided object does not match schema 'image': \(key): \(what)")
    }

    private static func capital(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

    func tags(_ value: JSONValue) throws(Failure) -> [String] {
        guard let list = value.array else { throw Self.wrong("tags", "is not of type 'array'") }
        var tags: [String] = []
        for entry in list {
            guard let tag = entry.text else { throw Self.wrong("tags", "is not of type 'string'") }
            try Self.check(tag: tag)
            if !tags.contains(where: { $0.sameBytes(as: tag) }) { tags.append(tag) }
        }
        guard tags.count <= Self.maxTags else {
            throw Failure(
                .tooLarge,
                "The limit has been exceeded on the number of allowed image tags. Attempted: \(tags.count), Maximum: \(Self.maxTags)"
            )
        }
        return tags
    }

    static func check(tag: String) throws(Failure) {
        guard tag.unicodeScalars.count <= maxText else {
            throw Failure(.badRequest, "Tag value is too long: the longest has \(maxText) characters.")
        }
        guard !ImageV2Names.needsEscape(value: tag) else {
            throw Failure(.badRequest, "Tags can't contain 4 byte unicode characters.")
        }
    }

    // MARK: Custom properties (image-v2 §6, §16)

    /// Properties of the usual site schema that may be null, and else are ids of images.
    static let imageReferences = ["kernel_id", "ramdisk_id"]

    func property(_ name: String, _ value: JSONValue) throws(Failure) -> Property {
        try checkProperty(name: name)
        if settings.starlingx, let rule = StarlingX.rules.first(where: { $0.name.sameBytes(as: name) }) {
            return Property(name, try rule.text(value, isLenient: settings.starlingxLenient))
        }
        if Self.imageReferences.contains(name) {
            if value.isNull { return Property(name, nil) }
            guard let id = value.text, UUIDText.isCanonical(id) else {
                throw Self.wrong(name, "is not an image's id")
            }
            return Property(name, id)
        }
        guard let text = value.text else { throw Self.wrong(name, "is not of type 'string'") }
        guard !ImageV2Names.needsEscape(value: text) else {
            throw Failure(.badRequest, "\(Self.capital(name)) can't contain 4 byte unicode characters.")
        }
        return Property(name, text)
    }

    /// Whether a client may set or remove a property of this name.
    func checkProperty(name: String) throws(Failure) {
        guard name.unicodeScalars.count <= Self.maxText else {
            throw Failure(.badRequest, "Custom property should not be greater than \(Self.maxText) characters.")
        }
        guard !name.utf8.starts(with: "os_glance".utf8) else {
            throw Failure(.forbidden, "Attribute '\(name)' is reserved.")
        }
        guard !ImageV2Names.needsEscape(value: name) else {
            throw Failure(.badRequest, "Property names can't contain 4 byte unicode.")
        }
        if settings.starlingx, ImageV2Names.starlingxReadOnly.contains(name) {
            throw Failure(.forbidden, "Attribute '\(name)' is read-only.")
        }
    }
}

/// The four properties that StarlingX's clients set (image-v2 §16).
enum StarlingX {
    enum Kind: Sendable {
        case boolean
        /// A whole number of at least `least`, at most `most` where there is one; 0 as well where it switches off.
        case number(least: Int64, most: Int64?, zero: Bool)
    }

    struct Rule: Sendable {
        let name: String
        let kind: Kind

        /// The value as it is kept; a JSON boolean or integer becomes text when that is allowed.
        func text(_ value: JSONValue, isLenient: Bool) throws(Failure) -> String {
            let said: String?
            switch value {
            case .string(let text): said = text
            case .boolean(let truth) where isLenient: said = truth ? "True" : "False"
            case .number(let text) where isLenient: said = text
            default: said = nil
            }
            guard let said else { throw ImageV2.wrong(name, "is not of type 'string'") }
            switch kind {
            case .boolean:
                let word = ASCII.lowercased(said)
                if StarlingX.trueWords.contains(word) { return "True" }
                if StarlingX.falseWords.contains(word) { return "False" }
                throw Failure(.badRequest, "Invalid value '\(said)' for '\(name)': it is True or False.")
            case .number(let least, let most, let zero):
                guard let number = ASCII.decimal(said),
                    (zero && number == 0) || (number >= least && number <= most ?? .max)
                else {
                    let range = most.map { "from \(least) to \($0)" } ?? "of at least \(least)"
                    throw Failure(
                        .badRequest,
                        "Invalid value '\(said)' for '\(name)': it is a whole number \(range)\(zero ? ", or 0" : "").")
                }
                return said
            }
        }
    }

    static let rules: [Rule] = [
        Rule(name: "cache_raw", kind: .boolean), Rule(name: "sw_wrs_auto_recovery", kind: .boolean),
        Rule(name: "hw_wrs_live_migration_timeout", kind: .number(least: 120, most: 800, zero: true)),
        Rule(name: "hw_wrs_live_migration_max_downtime", kind: .number(least: 100, most: nil, zero: false)),
    ]

    private static let trueWords: Set<String> = ["true", "1", "yes", "on", "t", "y"]
    private static let falseWords: Set<String> = ["false", "0", "no", "off", "f", "n"]
}
