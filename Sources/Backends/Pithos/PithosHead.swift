import Bytes
import Dialects
import HTTP
import Images

/// What a store's answer about an object says (astakos-pithos §2.1).
struct PithosHead {
    var object: PithosObject
    /// As sent, without quotes; nil: none, or empty.
    var entityTag: String?

    private static let directoryTypes = ["application/directory", "application/folder"]
    /// `Available` of an object that can be read.
    private static let usable = "1"

    init(_ fields: Fields, at location: PithosLocation) throws(PithosFault) {
        try Self.refuseUnusable(fields)
        guard let size = fields["content-length"].flatMap({ ASCII.decimal($0) }) else { throw Self.missing("size") }
        let uuid = ASCII.lowercased(try Self.text("x-object-uuid", fields))
        guard UUIDText.isCanonical(uuid) else { throw .badGateway("X-Object-UUID is no UUID") }
        object = PithosObject(
            location: location,
            content: VerifiedObject(
                size: size, hash: ASCII.lowercased(try Self.text("x-object-hash", fields)), uuid: uuid),
            version: try Self.text("x-object-version", fields),
            changed: fields["x-object-version-timestamp"].flatMap(Self.time),
            isOwn: !fields.contains("x-object-allowed-to"))
        let tag = (fields["etag"] ?? "").utf8.filter { $0 != UInt8(ascii: "\"") }
        entityTag = tag.isEmpty ? nil : String(decoding: tag, as: UTF8.self)
    }

    private static func refuseUnusable(_ fields: Fields) throws(PithosFault) {
        guard !fields.contains("x-object-manifest") else { throw .unusable("it is a join of other objects") }
        if let available = fields["available"], !available.sameBytes(as: usable) {
            throw .unusable("it is a snapshot that cannot be read")
        }
        let type = (fields["content-type"] ?? "").utf8.prefix { $0 != UInt8(ascii: ";") }
        let name = ASCII.trim(Array(type)[...])
        guard !directoryTypes.contains(where: { ASCII.equalIgnoringCase($0.utf8, name) }) else {
            throw .unusable("it is a directory")
        }
    }

    /// Non-ASCII is percent-encoded in these.
    private static func text(_ name: String, _ fields: Fields) throws(PithosFault) -> String {
        guard let value = fields[name], !value.isEmpty,
            let text = String(validating: PercentCoding.decode(value.utf8), as: UTF8.self)
        else { throw missing(name) }
        return text
    }

    private static func missing(_ what: String) -> PithosFault { .badGateway("no sound \(what) of an object") }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7); nil for anything else.
    private static func time(_ text: String) -> Timestamp? {
        let parts = ASCII.split(text, UInt8(ascii: " "))
        guard parts.count == 6, parts[5].sameBytes(as: "GMT"),
            let month = months.firstIndex(where: { $0.sameBytes(as: parts[2]) })
        else { return nil }
        let digits = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp("\(parts[3])-\(digits)-\(parts[1])T\(parts[4])Z")
    }
}
