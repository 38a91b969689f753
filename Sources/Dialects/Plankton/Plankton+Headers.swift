import Bytes
import HTTP
import Images

extension Plankton {
    /// The metadata headers of one request: base fields joined and checked to be text, properties decoded and folded
    /// (plankton §4 "Header names", §5).
    struct Headers {
        /// Values by position in `rules`; nil where the header is absent.
        private var values: [String?]
        /// Names folded, values decoded, in the order of their first line; an empty value is kept.
        private(set) var properties: [(name: String, value: String)] = []

        init(_ fields: Fields) throws(Failure) {
            var collector = Collector()
            for field in fields { collector.add(field) }
            values = Array(repeating: nil, count: rules.count)
            for index in rules.indices {
                guard let bytes = collector.base[index] ?? collector.misprinted[index]?.bytes else { continue }
                values[index] = try Self.text(rules[index].field == .name ? PercentCoding.decode(bytes) : bytes)
            }
            for group in collector.properties {
                let name = try Self.text(group.name)
                guard !name.isEmpty else { throw Failure(.badRequest, Message.emptyPropertyName) }
                properties.append((name, try Self.text(PercentCoding.decode(group.joined))))
            }
        }

        /// The value of a field's header; nil when absent.
        subscript(_ field: ImageField) -> String? {
            rules.firstIndex { $0.field == field }.flatMap { values[$0] }
        }

        /// Whether a header is present whose rule says so.
        func contains(where matches: (FieldRule) -> Bool) -> Bool {
            rules.indices.contains { values[$0] != nil && matches(rules[$0]) }
        }

        private static func text(_ bytes: [UInt8]) throws(Failure) -> String {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw Failure(.badRequest, Message.notUTF8)
            }
            guard !bytes.contains(0) else { throw Failure(.badRequest, Message.holdsNUL) }
            return text
        }
    }
}

/// Sorts a request's fields into base fields, misprints and properties; equal names are joined with commas as WSGI does.
private struct Collector {
    /// Lines whose keys fold to one.
    struct Group {
        /// Decoded and folded; not yet known to be text.
        let name: [UInt8]
        /// Keys and values as sent.
        var lines: [(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)]

        /// kamaki's `image modify` sends the old value under the key in small letters and the new one in capitals: of
        /// exactly these two lines the capitals win (plankton §9).
        var joined: [UInt8] {
            if lines.count == 2, ASCII.equalIgnoringCase(lines[0].key, lines[1].key) {
                for (small, capital) in [(lines[0], lines[1]), (lines[1], lines[0])]
                where small.key.contains(where: isSmall) && !small.key.contains(where: isCapital)
                    && capital.key.contains(where: isCapital) && !capital.key.contains(where: isSmall)
                { return Array(capital.value) }
            }
            return Array(lines.map(\.value).joined(separator: CollectionOfOne(UInt8(ascii: ","))))
        }

        private func isSmall(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "a") < 26 }
        private func isCapital(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "A") < 26 }
    }

    var base: [Int: [UInt8]] = [:]
    var misprinted: [Int: (rank: Int, bytes: [UInt8])] = [:]
    var properties: [Group] = []

    private static let misprintStart = Array("x-meta-".utf8)
    private static let start = Array(Plankton.prefix.utf8)
    private static let propertyStart = Array(Plankton.propertyPrefix.utf8)

    mutating func add(_ field: Fields.Field) {
        let name = field.name.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : ASCII.lower($0) }
        guard name.starts(with: Self.start) else {
            if name.starts(with: Self.misprintStart) { addMisprint(name, field.value) }
            return
        }
        let rest = name.dropFirst(Self.start.count)
        if rest.starts(with: Self.propertyStart) {
            return addProperty(field.name.dropFirst(Self.start.count + Self.propertyStart.count), field.value)
        }
        guard let index = Plankton.rules.firstIndex(where: { rest.elementsEqual($0.header.utf8) }) else { return }
        base[index] = Self.joined(base[index], field.value)
    }

    private mutating func addMisprint(_ name: [UInt8], _ value: ArraySlice<UInt8>) {
        for index in Plankton.rules.indices {
            guard let rank = Plankton.rules[index].misprints.firstIndex(where: { name.elementsEqual($0.utf8) }) else {
                continue
            }
            switch misprinted[index] {
            case let found? where found.rank < rank: break
            case let found? where found.rank == rank: misprinted[index] = (rank, Self.joined(found.bytes, value))
            default: misprinted[index] = (rank, Array(value))
            }
        }
    }

    private mutating func addProperty(_ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        let decoded = PercentCoding.decode(key)
        let name =
            String(validating: decoded, as: UTF8.self).map { Array(PropertyFold.plankton.apply($0).utf8) } ?? decoded
        if let index = properties.firstIndex(where: { $0.name == name }) {
            properties[index].lines.append((key, value))
        } else {
            properties.append(Group(name: name, lines: [(key, value)]))
        }
    }

    private static func joined(_ present: [UInt8]?, _ value: ArraySlice<UInt8>) -> [UInt8] {
        present.map { $0 + [UInt8(ascii: ",")] + value } ?? Array(value)
    }
}
