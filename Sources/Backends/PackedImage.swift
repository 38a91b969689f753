import Images

/// An image that waits in memory for its turn in a sorted list: a third of what an open one takes.
struct PackedImage {
    /// What decides about its place (`ImageQuery.sortValues`).
    let sortValues: [FieldValue]
    private let bytes: [UInt8]

    init(_ image: Image, sortValues: [FieldValue]) {
        self.sortValues = sortValues
        var packer = Packer()
        packer.write(image)
        bytes = Array(packer.bytes)
    }

    var image: Image {
        var unpacker = Unpacker(bytes: bytes[...])
        return unpacker.image()
    }
}

/// The kinds of values, as their first byte.
private enum Token: UInt8 {
    case absent, null, text, integer, boolean, time
}

private struct Packer {
    var bytes: [UInt8] = []

    mutating func write(_ image: Image) {
        for field in ImageField.allCases { write(image[field]) }
        write(count: image.properties.count)
        for property in image.properties.list {
            write(property.name)
            write(property.value)
        }
        write(list: image.tags) { $0.write($1) }
        write(list: image.members) { packer, member in
            packer.write(member.id)
            packer.write(member.canShare.map { .boolean($0) } ?? .absent)
            packer.write(member.status)
            packer.write(member.createdAt.map { .time($0) } ?? .absent)
            packer.write(member.updatedAt.map { .time($0) } ?? .absent)
        }
    }

    private mutating func write(_ value: FieldValue) {
        switch value {
        case .absent: write(token: .absent)
        case .null: write(token: .null)
        case .text(let text):
            write(token: .text)
            write(text)
        case .integer(let number):
            write(token: .integer)
            write(number)
        case .boolean(let flag):
            write(token: .boolean)
            bytes.append(flag ? 1 : 0)
        case .time(let time):
            write(token: .time)
            write(time.seconds)
            write(Int64(time.microseconds))
        }
    }

    private mutating func write(token: Token) { bytes.append(token.rawValue) }

    private mutating func write(_ text: String?) {
        write(text.map { FieldValue.text($0) } ?? .null)
    }

    private mutating func write(_ text: String) {
        write(count: text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func write<Element>(list: [Element]?, _ one: (inout Packer, Element) -> Void) {
        write(token: list == nil ? .null : .text)
        guard let list else { return }
        write(count: list.count)
        for element in list { one(&self, element) }
    }

    private mutating func write(count: Int) { write(Int64(count)) }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    private mutating func write(_ number: Int64) {
        var rest = UInt64(bitPattern: number)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}

/// Reads what ``Packer`` wrote in this process: bytes that nobody else could change.
private struct Unpacker {
    var bytes: ArraySlice<UInt8>

    mutating func image() -> Image {
        var image = Image()
        for field in ImageField.allCases { image[field] = value() }
        for _ in 0..<count() {
            let name = text()
            image.properties.appendUnchecked(Property(name, value().text))
        }
        image.tags = list { $0.text() }
        image.members = list { reader in
            var member = Member(id: reader.text())
            member.canShare = reader.value().boolean
            member.status = reader.value().text
            member.createdAt = reader.value().time
            member.updatedAt = reader.value().time
            return member
        }
        return image
    }

    private mutating func value() -> FieldValue {
        switch Token(rawValue: byte()) {
        case .absent, nil: .absent
        case .null: .null
        case .text: .text(text())
        case .integer: .integer(number())
        case .boolean: .boolean(byte() == 1)
        case .time: .time(Timestamp(seconds: number(), microseconds: Int32(truncatingIfNeeded: number())))
        }
    }

    private mutating func list<Element>(_ one: (inout Unpacker) -> Element) -> [Element]? {
        guard Token(rawValue: byte()) == .text else { return nil }
        return (0..<count()).map { _ in one(&self) }
    }

    private mutating func text() -> String {
        let length = count()
        let part = bytes.prefix(length)
        bytes = bytes[part.endIndex...]
        return String(decoding: part, as: UTF8.self)
    }

    private mutating func count() -> Int { max(0, Int(truncatingIfNeeded: number())) }

    private mutating func number() -> Int64 {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = byte()
            number |= UInt64(byte & 0x7F) << shift
            guard byte & 0x80 != 0 else { return Int64(bitPattern: number) }
            shift += 7
        }
    }

    private mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }
}
