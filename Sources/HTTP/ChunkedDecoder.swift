/// Undoes the chunked coding (RFC 9112 §7.1) over whatever pieces the socket gives.
///
/// Extensions are read and dropped, trailers are checked and dropped: nothing from behind the body becomes metadata.
public struct ChunkedDecoder: Sendable {
    private enum State: Sendable {
        /// In a chunk-size line; bytes collected so far.
        case sizeLine([UInt8])
        /// In chunk data, so many bytes to go.
        case data(Int64)
        /// Behind chunk data: CR, then LF.
        case dataCR
        case dataLF
        /// In the trailer section; bytes collected so far and where its search stands.
        case trailer([UInt8], FieldParser.EndFinder)
        case done
    }

    private let limits: HTTPLimits
    private var state = State.sizeLine([])
    private var extensionBytes = 0

    public init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// The last chunk and its trailer section have been read: the body's end is proven.
    public var isDone: Bool { if case .done = state { true } else { false } }

    /// Decodes as much of `input` from `position` on as belongs to this body, and moves `position` behind it.
    ///
    /// - Returns: the data bytes found; may be empty.
    public mutating func decode(_ input: [UInt8], from position: inout Int) throws(HTTPParseError) -> [UInt8] {
        var output: [UInt8] = []
        while position < input.count {
            switch state {
            case .done: return output
            case .data(let left):
                let count = Int(min(left, Int64(input.count - position)))
                if output.isEmpty, position == 0, count == input.count {
                    output = input
                } else {
                    output.append(contentsOf: input[position..<(position + count)])
                }
                position += count
                state = left == Int64(count) ? .dataCR : .data(left - Int64(count))
            case .dataCR:
                guard input[position] == 0x0d else { throw HTTPParseError(400, "chunk data is not followed by CRLF") }
                position += 1
                state = .dataLF
            case .dataLF:
                guard input[position] == 0x0a else { throw HTTPParseError(400, "chunk data is not followed by CRLF") }
                position += 1
                state = .sizeLine([])
            case .sizeLine(let line): try readSizeLine(line, input, &position)
            case .trailer(let bytes, let finder): try readTrailer(bytes, finder, input, &position)
            }
        }
        return output
    }

    private mutating func readSizeLine(
        _ collected: [UInt8], _ input: [UInt8], _ position: inout Int
    ) throws(HTTPParseError) {
        var line = collected
        while position < input.count {
            let byte = input[position]
            position += 1
            if let last = line.last, last == 0x0d {
                guard byte == 0x0a else { throw HTTPParseError(400, "a CR stands without LF in a chunk size") }
                line.removeLast()
                let size = try Self.size(of: line[...])
                extensionBytes += size.extensionBytes
                guard extensionBytes <= limits.chunkExtensionBytes else {
                    throw HTTPParseError(413, "chunk extensions over \(limits.chunkExtensionBytes) bytes")
                }
                state = size.value > 0 ? .data(size.value) : .trailer([], FieldParser.EndFinder(from: 0))
                return
            }
            guard byte == 0x0d || ByteClass.fieldValue.contains(byte) else {
                throw HTTPParseError(400, "a control character in a chunk size")
            }
            line.append(byte)
            guard line.count <= limits.chunkLineBytes else {
                throw HTTPParseError(413, "a chunk size line over \(limits.chunkLineBytes) bytes")
            }
        }
        state = .sizeLine(line)
    }

    /// `chunk-size [ chunk-ext ]`: 1 to 16 hex digits, at most 2^63-1.
    private static func size(
        of line: ArraySlice<UInt8>
    ) throws(HTTPParseError) -> (value: Int64, extensionBytes: Int) {
        var value: UInt64 = 0
        let digits = line.prefix { hexValue($0) != nil }
        guard (1...16).contains(digits.count) else {
            throw HTTPParseError(400, "a chunk size is no hexadecimal number")
        }
        for digit in digits { value = value << 4 | UInt64(hexValue(digit) ?? 0) }
        guard value <= UInt64(Int64.max) else { throw HTTPParseError(413, "a chunk size is too large") }
        let rest = line[digits.endIndex...]
        guard isExtensionList(rest) else { throw HTTPParseError(400, "a chunk extension is malformed") }
        return (Int64(value), rest.count)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    /// `*( ";" name [ "=" ( token / quoted-string ) ] )` without blanks (RFC 9112 §7.1.1; BWS is refused).
    private static func isExtensionList(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while let mark = rest.popFirst() {
            guard mark == UInt8(ascii: ";") else { return false }
            let name = rest.prefix { ByteClass.token.contains($0) }
            guard !name.isEmpty else { return false }
            rest = rest[name.endIndex...]
            guard rest.first == UInt8(ascii: "=") else { continue }
            rest.removeFirst()
            if rest.first == UInt8(ascii: "\"") {
                guard skipQuoted(&rest) else { return false }
            } else {
                let value = rest.prefix { ByteClass.token.contains($0) }
                guard !value.isEmpty else { return false }
                rest = rest[value.endIndex...]
            }
        }
        return true
    }

    private static func skipQuoted(_ rest: inout ArraySlice<UInt8>) -> Bool {
        rest.removeFirst()
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return true }
            if byte == UInt8(ascii: "\\"), rest.popFirst() == nil { return false }
        }
        return false
    }

    private mutating func readTrailer(
        _ collected: [UInt8], _ finder: FieldParser.EndFinder, _ input: [UInt8], _ position: inout Int
    ) throws(HTTPParseError) {
        var bytes = collected
        var finder = finder
        let start = bytes.count
        bytes.append(contentsOf: input[position...].prefix(limits.trailerBytes + 2 - min(start, limits.trailerBytes)))
        guard let end = try finder.find(in: bytes) else {
            guard bytes.count <= limits.trailerBytes else {
                throw HTTPParseError(431, "a trailer section over \(limits.trailerBytes) bytes")
            }
            position += bytes.count - start
            state = .trailer(bytes, finder)
            return
        }
        _ = try FieldParser.parse(bytes, 0..<(end - 2), maximumCount: limits.trailerCount)
        position += end - start
        state = .done
    }
}
