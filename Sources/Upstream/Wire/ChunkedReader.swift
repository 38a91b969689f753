/// Takes chunked coding off a response body (RFC 9112 §7.1), strictly: hexadecimal digits, CRLF, bounded extensions
/// and trailers, which are dropped.
struct ChunkedReader {
    enum State: Equatable { case size, sizeLineFeed, data, dataCR, dataLF, trailerLine, trailerLF, finished }

    private(set) var state = State.size
    private var remaining: Int64 = 0
    private var digits = 0
    private var isInExtension = false
    private var isLineEmpty = true
    /// Bytes of extensions and trailers so far.
    private var overhead = 0

    /// More than any honest server adds to one body.
    static let maxOverhead = 64 << 10
    private static let maxDigits = 15

    var isFinished: Bool { state == .finished }

    /// Decodes from `offset` on; the offset then stands behind the last byte used. An empty result without the
    /// end means that more must be read.
    mutating func decode(_ bytes: [UInt8], from offset: inout Int) throws(ReplyHeadError) -> [UInt8] {
        if state == .data, offset == 0, Int64(bytes.count) < remaining {
            remaining -= Int64(bytes.count)
            offset = bytes.count
            return bytes
        }
        var output: [UInt8] = []
        while offset < bytes.count, state != .finished {
            if state == .data {
                let count = Int(min(Int64(bytes.count - offset), remaining))
                output.append(contentsOf: bytes[offset..<(offset + count)])
                offset += count
                remaining -= Int64(count)
                if remaining == 0 { state = .dataCR }
            } else {
                try step(bytes[offset])
                offset += 1
            }
        }
        return output
    }

    private mutating func step(_ byte: UInt8) throws(ReplyHeadError) {
        switch state {
        case .size: try stepSize(byte)
        case .sizeLineFeed:
            try expect(byte, 0x0a)
            state = remaining == 0 ? .trailerLine : .data
            (digits, isInExtension, isLineEmpty) = (0, false, true)
        case .dataCR:
            try expect(byte, 0x0d)
            state = .dataLF
        case .dataLF:
            try expect(byte, 0x0a)
            state = .size
        case .trailerLine:
            if byte == 0x0d {
                state = .trailerLF
            } else {
                try countOverhead(byte)
                isLineEmpty = false
            }
        case .trailerLF:
            try expect(byte, 0x0a)
            state = isLineEmpty ? .finished : .trailerLine
            isLineEmpty = true
        case .data, .finished: break
        }
    }

    private mutating func stepSize(_ byte: UInt8) throws(ReplyHeadError) {
        if byte == 0x0d {
            guard digits > 0 else { throw ReplyHeadError("chunk without a size") }
            state = .sizeLineFeed
        } else if isInExtension {
            try countOverhead(byte)
        } else if let digit = Self.hexDigit(byte) {
            digits += 1
            guard digits <= Self.maxDigits else { throw ReplyHeadError("chunk size too long") }
            remaining = (digits == 1 ? 0 : remaining) << 4 | Int64(digit)
        } else {
            guard byte == 0x3b, digits > 0 else { throw ReplyHeadError("chunk size is no hexadecimal number") }
            isInExtension = true
        }
    }

    private mutating func countOverhead(_ byte: UInt8) throws(ReplyHeadError) {
        guard isValueByte(byte) else { throw ReplyHeadError("control byte in chunk extension or trailer") }
        overhead += 1
        guard overhead <= Self.maxOverhead else { throw ReplyHeadError("too many extensions or trailers") }
    }

    private func expect(_ byte: UInt8, _ wanted: UInt8) throws(ReplyHeadError) {
        guard byte == wanted else { throw ReplyHeadError("chunk does not end with CRLF") }
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
