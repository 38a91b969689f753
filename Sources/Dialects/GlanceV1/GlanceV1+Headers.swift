import Bytes
import HTTP
import Images

extension GlanceV1 {
    /// Undoes the percent-encoding that current clients put on header names and values (glance-v1 §2.3).
    struct PercentRule {
        /// The request comes from a client that encodes.
        let isOn: Bool

        /// What such a client leaves as it is.
        private static let kept = ByteSet.alphanumeric.union(ByteSet("_.~/:-"))

        /// The bytes decoded when they can only be an encoder's work, else as they are. A NUL is nobody's meaning.
        func decoded(_ bytes: some Collection<UInt8>) -> [UInt8] {
            let raw = Array(bytes)
            guard isOn, raw.contains(UInt8(ascii: "%")),
                raw.allSatisfy({ Self.kept.contains($0) || $0 == UInt8(ascii: "%") }),
                let decoded = PercentCoding.decodeStrict(raw), !decoded.contains(0),
                String(validating: decoded, as: UTF8.self) != nil
            else { return raw }
            return decoded
        }

        /// The same for an address, which has escapes of its own: only when printable ASCII without blanks comes out.
        func decodedAddress(_ bytes: [UInt8]) -> [UInt8] {
            let decoded = decoded(bytes)
            return decoded.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? decoded : bytes
        }
    }

    /// The metadata headers of one request, as text.
    struct Headers {
        private var values: [ImageField: String] = [:]
        private(set) var properties: [Property] = []
        /// `x-glance-api-copy-from`; nil when absent.
        let copyFrom: String?
        /// `x-glance-registry-purge-props` is a true word; nil when absent.
        let purges: Bool?

        init(_ source: Fields, settings: Settings) throws(Failure) {
            let agent = source["user-agent"] ?? ""
            let rule = PercentRule(
                isOn: settings.percentEncodingAgents.contains { agent.utf8.starts(with: $0.utf8) })
            let headers = MetadataHeaders(source) { rule.decoded($0) }
            for (name, value) in headers.fields {
                guard let known = GlanceV1.rules.first(where: { $0.name.sameBytes(as: name) }) else {
                    let shown = String(decoding: name.utf8.map { $0 == 0x5F ? 0x2D : $0 }, as: UTF8.self)
                    throw Failure(.badRequest, GlanceMessage.header(shown), isDetail: true)
                }
                guard let field = known.field else { continue }
                values[field] = try GlanceValues.text(
                    field == .location ? rule.decodedAddress(value) : rule.decoded(value))
            }
            for (key, value) in headers.properties {
                let value = try GlanceValues.text(value)
                properties.append(Property(try GlanceValues.text(key), value.isEmpty ? nil : value))
            }
            copyFrom = try MetadataHeaders.value(of: "x_glance_api_copy_from", in: source)
                .map { value throws(Failure) in try GlanceValues.text(rule.decodedAddress(value)) }
            purges = MetadataHeaders.value(of: "x_glance_registry_purge_props", in: source)
                .map { GlanceValues.isTrue(String(decoding: $0, as: UTF8.self)) }
        }

        /// The value of a field's header; nil when absent.
        subscript(_ field: ImageField) -> String? { values[field] }
    }
}
