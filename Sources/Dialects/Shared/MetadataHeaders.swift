import Bytes
import HTTP

/// The `x-image-meta-*` fields of a request as the servers of the v1 family see them: `-` and `_` are one, letter case
/// does not count, fields that become one are joined with commas in the order of arrival (glance-v1 §2.1).
struct MetadataHeaders {
    /// Values by the folded name behind `x-image-meta-`: small letters, underscores.
    private(set) var fields: [(name: String, value: [UInt8])] = []
    /// Keys are small letters and underscores, not yet known to be text.
    private(set) var properties: [(key: [UInt8], value: [UInt8])] = []

    private static let start = Array("x_image_meta_".utf8)
    private static let propertyStart = Array("property_".utf8)

    /// - Parameter decode: undoes what some clients do to keys and values, before keys are folded.
    init(_ source: Fields, decode: (_ bytes: ArraySlice<UInt8>) -> [UInt8] = { Array($0) }) {
        var places: [[UInt8]: Int] = [:]
        var propertyPlaces: [[UInt8]: Int] = [:]
        for field in source {
            let name = Self.folded(field.name)
            guard name.starts(with: Self.start) else { continue }
            let rest = name[Self.start.count...]
            guard rest.starts(with: Self.propertyStart) else {
                let value = Array(ASCII.trim(field.value))
                if let place = places[Array(rest)] {
                    fields[place].value = Self.joined(fields[place].value, value)
                } else {
                    places[Array(rest)] = fields.count
                    fields.append((String(decoding: rest, as: UTF8.self), value))
                }
                continue
            }
            let key = Self.folded(decode(field.name.dropFirst(Self.start.count + Self.propertyStart.count)))
            let value = decode(ASCII.trim(field.value))
            if let place = propertyPlaces[key] {
                properties[place].value = Self.joined(properties[place].value, value)
            } else {
                propertyPlaces[key] = properties.count
                properties.append((key, value))
            }
        }
    }

    /// The joined and trimmed value of any field, found by its folded name; nil when absent.
    static func value(of name: String, in source: Fields) -> [UInt8]? {
        var found: [UInt8]?
        for field in source where folded(field.name).elementsEqual(name.utf8) {
            let value = Array(ASCII.trim(field.value))
            found = found.map { joined($0, value) } ?? value
        }
        return found
    }

    private static func folded(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        bytes.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : ASCII.lower($0) }
    }

    private static func joined(_ present: [UInt8], _ value: [UInt8]) -> [UInt8] {
        present + [UInt8(ascii: ",")] + value
    }
}
