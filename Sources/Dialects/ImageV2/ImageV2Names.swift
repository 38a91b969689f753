import Bytes
import Images

/// Names and values of custom properties on an Image API v2 registry (mapping §4.2).
public enum ImageV2Names {
    /// The keys of the schema's base set: every other key is a custom property.
    static let baseKeys: Set<String> = [
        "id", "name", "status", "visibility", "protected", "os_hidden", "checksum", "os_hash_algo", "os_hash_value",
        "owner", "size", "virtual_size", "container_format", "disk_format", "created_at", "updated_at", "tags",
        "direct_url", "min_ram", "min_disk", "self", "file", "stores", "schema", "locations",
    ]
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
        if baseKeys.contains(name) || reserved.contains(name) || unsettable.contains(name) { return true }
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
