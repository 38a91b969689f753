import Bytes
import Images

/// Names and values of custom properties on an Image API v2 registry (mapping §4.2).
public enum ImageV2Names {
    /// The keys of the schema's base set, with the field whose value is the canonical one; every other key is a custom
    /// property.
    private static let base: [(key: String, field: ImageField?)] = [
        ("id", nil), ("name", .name), ("status", .status), ("visibility", .visibility), ("protected", .protected),
        ("os_hidden", .hidden), ("checksum", .checksum), ("os_hash_algo", .osHashAlgo),
        ("os_hash_value", .osHashValue), ("owner", .owner), ("size", .size), ("virtual_size", .virtualSize),
        ("container_format", .containerFormat), ("disk_format", .diskFormat), ("created_at", .createdAt),
        ("updated_at", .updatedAt), ("tags", nil), ("direct_url", nil), ("min_ram", .minRAM), ("min_disk", .minDisk),
        ("self", nil), ("file", nil), ("stores", nil), ("schema", nil), ("locations", nil),
    ]
    /// The same by the length of the key: every key of every image is looked up here.
    private static let baseByLength: [[(key: String, field: ImageField?)]] = {
        let longest = base.map(\.key.utf8.count).max() ?? 0
        return (0...longest).map { length in base.filter { $0.key.utf8.count == length } }
    }()

    /// The entry of a key of the base set; nil for all others.
    static func base(_ key: String) -> (key: String, field: ImageField?)? {
        let length = key.utf8.count
        guard length < baseByLength.count else { return nil }
        return baseByLength[length].first { $0.key.sameBytes(as: key) }
    }

    static func isBase(_ key: String) -> Bool { base(key) != nil }
    /// Names that the registry reserves beside them.
    static let reserved: Set<String> = ["location", "deleted", "deleted_at"]
    /// Names that PATCH answers and does not store, or fails on (image-v2 §6).
    static let unsettable: Set<String> = [
        "base", "context", "deactivate", "delete", "extra_properties", "get_data", "get_payload", "get_super_class",
        "helper", "image_id", "member", "notifier", "reactivate", "repo", "send_notification", "set_data",
    ]
    /// Words of a list's query: a filter by a property of that name would mean something else.
    static let queryWords: Set<String> = [
        "limit", "marker", "sort", "sort_key", "sort_dir", "member_status", "tag", "changes-since", "is_public",
    ]
    /// Longest escaped name without its prefix (mapping §4.2).
    static let maxEscapedName = 250
    /// StarlingX status properties, read-only for clients (image-v2 §16).
    public static let starlingxReadOnly: Set<String> = [
        "store", "cache_raw_status", "cache_raw_url", "cache_raw_size", "cache_raw_error",
    ]

    /// Whether a property of this name must be stored under another one.
    static func needsEscape(name: String, markPrefix: String) -> Bool {
        let bytes = name.utf8
        if bytes.isEmpty || bytes.first == UInt8(ascii: "_") { return true }
        if isBase(name) || reserved.contains(name) || unsettable.contains(name) { return true }
        if bytes.starts(with: "os_glance".utf8) || bytes.starts(with: markPrefix.utf8) { return true }
        if let first = name.unicodeScalars.first, isBlank(first) { return true }
        if let last = name.unicodeScalars.last, isBlank(last) { return true }
        return needsEscape(value: name)
    }

    /// Whether a value cannot be stored as it is: the registry refuses characters beyond U+FFFF.
    static func needsEscape(value: String) -> Bool { value.utf8.contains { $0 >= 0xF0 } }

    /// Percent-encoding of `%`, `/`, `~`, control characters, blanks at an end and characters beyond U+FFFF.
    public static func escape(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        let lead = scalars.prefix(while: isBlank).count
        let tail = lead == scalars.count ? lead : scalars.count - scalars.reversed().prefix(while: isBlank).count
        var result = ""
        for (place, scalar) in scalars.enumerated() {
            let isCoded =
                place < lead || place >= tail || scalar.value < 0x20 || scalar.value == 0x7F || scalar.value > 0xFFFF
                || scalar == "%" || scalar == "/" || scalar == "~"
            if isCoded {
                result += PercentCoding.encode(Array(String(Character(scalar)).utf8), keeping: ByteSet([]))
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Undoes ``escape(_:)``; text that is no escape stays as it is.
    public static func unescape(_ text: String) -> String {
        String(validating: PercentCoding.decode(text.utf8), as: UTF8.self) ?? text
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value <= 0x20 || scalar.properties.isWhitespace
    }
}
