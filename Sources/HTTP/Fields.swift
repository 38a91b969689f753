/// The fields of one message in wire order, over one byte store (RFC 9110 §5).
///
/// Names keep their spelling and compare without ASCII case; `-` and `_` differ here (dialects fold them).
/// Values are bytes without surrounding blanks. Nothing is checked on the way in: `HeadWriter` is the one place
/// that refuses what may not cross a wire. Fewer than fifty fields are usual, so look-up is a scan.
public struct Fields: Sendable {
    @usableFromInline struct Entry: Sendable {
        @usableFromInline var name: Range<Int>
        @usableFromInline var value: Range<Int>
        @inlinable init(name: Range<Int>, value: Range<Int>) {
            self.name = name
            self.value = value
        }
    }

    @usableFromInline var store: [UInt8] = []
    @usableFromInline var entries: [Entry] = []

    /// A view of one field; cheap, shares the store.
    public struct Field {
        public let name: ArraySlice<UInt8>
        public let value: ArraySlice<UInt8>

        @inlinable init(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
            self.name = name
            self.value = value
        }

        /// The name as text; bytes that are not UTF-8 become U+FFFD (names are tokens, so never on a parsed head).
        public var nameText: String { String(decoding: name, as: UTF8.self) }
        /// The value as text, nil when it is not UTF-8.
        public var valueText: String? { String(validating: value, as: UTF8.self) }

        /// Whether the name is `other` without regard to ASCII case.
        @inlinable public func isNamed(_ other: String) -> Bool { Fields.equal(name, other) }
    }

    @inlinable public init() {}

    /// For literals in code: `Fields([("content-type", "text/plain")])`.
    public init(_ pairs: [(String, String)]) {
        for (name, value) in pairs { append(name, value) }
    }

    @inlinable public var count: Int { entries.count }
    @inlinable public var isEmpty: Bool { entries.isEmpty }
    /// Bytes of all names and values: what the header-section limit is compared with.
    @inlinable public var byteCount: Int { store.count }

    @inlinable public mutating func append(_ name: String, _ value: String) {
        let start = store.count
        store.append(contentsOf: name.utf8)
        let middle = store.count
        store.append(contentsOf: value.utf8)
        entries.append(Entry(name: start..<middle, value: middle..<store.count))
    }

    @inlinable public mutating func append(name: some Collection<UInt8>, value: some Collection<UInt8>) {
        let start = store.count
        store.append(contentsOf: name)
        let middle = store.count
        store.append(contentsOf: value)
        entries.append(Entry(name: start..<middle, value: middle..<store.count))
    }

    /// Removes all fields of that name and appends one.
    public mutating func set(_ name: String, _ value: String) {
        removeAll(named: name)
        append(name, value)
    }

    public mutating func removeAll(named name: String) {
        while let place = firstPlace(of: name, from: 0) { entries.remove(at: place) }
    }

    /// The first value of that name as text; nil when absent or not UTF-8.
    @inlinable public subscript(name: String) -> String? {
        guard let place = firstPlace(of: name, from: 0) else { return nil }
        return String(validating: store[entries[place].value], as: UTF8.self)
    }

    /// The place of the first field of that name at or behind `start`.
    @inlinable func firstPlace(of name: String, from start: Int) -> Int? {
        var name = name
        return name.withUTF8 { wanted in
            store.withUnsafeBufferPointer { store in
                entries[start...].firstIndex { entry in
                    guard entry.name.count == wanted.count else { return false }
                    var index = entry.name.lowerBound
                    for other in wanted {
                        guard Self.equal(store[index], other) else { return false }
                        index += 1
                    }
                    return true
                }
            }
        }
    }

    @inlinable public func contains(_ name: String) -> Bool {
        firstPlace(of: name, from: 0) != nil
    }

    /// Every value of that name, in order.
    @inlinable public func all(_ name: String) -> [ArraySlice<UInt8>] {
        var found: [ArraySlice<UInt8>] = []
        var start = 0
        while let place = firstPlace(of: name, from: start) {
            found.append(store[entries[place].value])
            start = place + 1
        }
        return found
    }

    /// ASCII case-insensitive equality, byte by byte (never by `Character`: U+212A must not equal `k`).
    @inlinable static func equal(_ bytes: ArraySlice<UInt8>, _ text: String) -> Bool {
        guard bytes.count == text.utf8.count else { return false }
        var index = bytes.startIndex
        for other in text.utf8 {
            guard equal(bytes[index], other) else { return false }
            index += 1
        }
        return true
    }

    @inlinable static func equal(_ byte: UInt8, _ other: UInt8) -> Bool {
        if byte == other { return true }
        let folded = byte | 0x20
        return folded == other | 0x20 && folded >= 0x61 && folded <= 0x7a
    }
}

extension Fields: RandomAccessCollection {
    @inlinable public var startIndex: Int { 0 }
    @inlinable public var endIndex: Int { entries.count }
    @inlinable public subscript(position: Int) -> Field {
        let entry = entries[position]
        return Field(name: store[entry.name], value: store[entry.value])
    }
}
