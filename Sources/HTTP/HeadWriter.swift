/// Writes heads to bytes: the one place where messages are made, and where everything that could split a message is refused.
///
/// Checks bytes, never `Character`s: CR LF is one Character (reliability trap 1).
public enum HeadWriter {
    /// Why a head may not cross the wire.
    public struct Refusal: Error, Sendable, Equatable {
        public let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    /// A request head with its empty line.
    public static func request(
        method: String, target: String, fields: Fields, framing: [(String, String)] = []
    ) throws(Refusal) -> [UInt8] {
        guard !method.isEmpty, ByteClass.token.containsAll(method.utf8) else { throw Refusal("the method is no token") }
        guard target.utf8.first == UInt8(ascii: "/") || target == "*", ByteClass.target.containsAll(target.utf8) else {
            throw Refusal("the target holds a character that must be percent-encoded")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(fields.byteCount + target.utf8.count + 256)
        bytes.append(contentsOf: method.utf8)
        bytes.append(0x20)
        bytes.append(contentsOf: target.utf8)
        bytes.append(contentsOf: " HTTP/1.1\r\n".utf8)
        try append(fields, framing, to: &bytes)
        return bytes
    }

    /// A response head with its empty line. The version is always HTTP/1.1 (RFC 9110 §2.5).
    public static func response(_ head: ResponseHead, framing: [(String, String)] = []) throws(Refusal) -> [UInt8] {
        guard (100...599).contains(head.status) else { throw Refusal("the status \(head.status) does not exist") }
        let reason = head.reason ?? StatusReason.text(head.status)
        guard ByteClass.fieldValue.containsAll(reason.utf8) else {
            throw Refusal("the reason holds a control character")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(head.fields.byteCount + 256)
        bytes.append(contentsOf: "HTTP/1.1 ".utf8)
        bytes.append(contentsOf: String(head.status).utf8)
        bytes.append(0x20)
        bytes.append(contentsOf: reason.utf8)
        bytes.append(contentsOf: [0x0d, 0x0a])
        try append(head.fields, framing, to: &bytes)
        return bytes
    }

    /// Bytes around one field: the colon and blank, the line's end.
    private static let fieldOverhead = 4

    private static func append(
        _ fields: Fields, _ framing: [(String, String)], to bytes: inout [UInt8]
    ) throws(Refusal) {
        try check(fields)
        let own = framing.reduce(2) { $0 + $1.0.utf8.count + $1.1.utf8.count + fieldOverhead }
        let total = fields.entries.reduce(own) { $0 + $1.name.count + $1.value.count + fieldOverhead }
        let tail = [UInt8](unsafeUninitializedCapacity: total) { buffer, count in
            var writer = LineWriter(rest: buffer)
            fields.store.withUnsafeBufferPointer { store in
                for entry in fields.entries {
                    writer.add(UnsafeBufferPointer(rebasing: store[entry.name]))
                    writer.add(0x3a, 0x20)
                    writer.add(UnsafeBufferPointer(rebasing: store[entry.value]))
                    writer.add(0x0d, 0x0a)
                }
            }
            for (name, value) in framing {
                writer.add(name)
                writer.add(0x3a, 0x20)
                writer.add(value)
                writer.add(0x0d, 0x0a)
            }
            writer.add(0x0d, 0x0a)
            count = total
        }
        bytes.append(contentsOf: tail)
    }

    private static func check(_ fields: Fields) throws(Refusal) {
        try fields.store.withUnsafeBufferPointer { store throws(Refusal) in
            for entry in fields.entries {
                let name = UnsafeBufferPointer(rebasing: store[entry.name])
                guard !name.isEmpty, ByteClass.token.containsAll(name) else {
                    throw Refusal("a header name holds a character that is no token character")
                }
                guard ByteClass.fieldValue.containsAll(UnsafeBufferPointer(rebasing: store[entry.value])) else {
                    let shown = String(decoding: name, as: UTF8.self)
                    throw Refusal("the value of header \(shown) holds a control character")
                }
            }
        }
    }
}

/// Fills a buffer of exactly the right size from its start.
private struct LineWriter {
    var rest: UnsafeMutableBufferPointer<UInt8>

    mutating func add(_ bytes: UnsafeBufferPointer<UInt8>) {
        let end = rest[...].update(fromContentsOf: bytes)
        rest = UnsafeMutableBufferPointer(rebasing: rest[end...])
    }

    mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { add($0) }
    }

    mutating func add(_ first: UInt8, _ second: UInt8) {
        rest[0] = first
        rest[1] = second
        rest = UnsafeMutableBufferPointer(rebasing: rest[2...])
    }
}
