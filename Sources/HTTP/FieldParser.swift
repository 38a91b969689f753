/// Reads the lines of a header or trailer section (RFC 9112 §5), which must end in CRLF each.
enum FieldParser {
    /// Finds where a section ends: the index behind its empty line; nil while it is not complete. Every LF must follow a CR
    /// and every CR must precede an LF.
    struct EndFinder {
        /// Where the search goes on; everything before it has been looked at.
        private(set) var position: Int
        private var lineStart: Int

        init(from start: Int) {
            position = start
            lineStart = start
        }

        mutating func find(in bytes: [UInt8]) throws(HTTPParseError) -> Int? {
            try bytes.withUnsafeBufferPointer { bytes throws(HTTPParseError) in try find(in: bytes) }
        }

        private mutating func find(in bytes: UnsafeBufferPointer<UInt8>) throws(HTTPParseError) -> Int? {
            while position < bytes.count {
                let byte = bytes[position]
                if byte == 0x0a {
                    guard position > lineStart, bytes[position - 1] == 0x0d else {
                        throw HTTPParseError(400, "a line ends in a bare LF")
                    }
                    position += 1
                    if position - lineStart == 2 { return position }
                    lineStart = position
                    continue
                }
                if position > lineStart, bytes[position - 1] == 0x0d {
                    throw HTTPParseError(400, "a CR stands without LF")
                }
                position += 1
            }
            return nil
        }
    }

    /// Parses the lines of `bytes[range]`, each with its CRLF, without the empty line at the end.
    static func parse(
        _ bytes: [UInt8], _ range: Range<Int>, maximumCount: Int
    ) throws(HTTPParseError) -> Fields {
        var fields = Fields()
        fields.reserve(bytes: range.count)
        try bytes.withUnsafeBufferPointer { bytes throws(HTTPParseError) in
            try parse(bytes, range, maximumCount: maximumCount, into: &fields)
        }
        return fields
    }

    private static func parse(
        _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, maximumCount: Int, into fields: inout Fields
    ) throws(HTTPParseError) {
        var start = range.lowerBound
        while start < range.upperBound {
            guard let feed = bytes[start..<range.upperBound].firstIndex(of: 0x0a) else { break }
            let line = bytes[start..<max(start, feed - 1)]
            start = feed + 1
            guard fields.count < maximumCount else {
                throw HTTPParseError(431, "more than \(maximumCount) header fields")
            }
            try append(line, to: &fields)
        }
    }

    private static func append(_ line: Slice<UnsafeBufferPointer<UInt8>>, to fields: inout Fields)
        throws(HTTPParseError)
    {
        guard let first = line.first, first != 0x20, first != 0x09 else {
            throw HTTPParseError(400, "a header line is folded or begins with a blank")
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
            throw HTTPParseError(400, "a header line has no colon")
        }
        let name = line[line.startIndex..<colon]
        guard !name.isEmpty, ByteClass.token.containsAll(UnsafeBufferPointer(rebasing: name)) else {
            throw HTTPParseError(400, "a header name holds a character that is no token character")
        }
        var value = line[(colon + 1)...]
        while let byte = value.first, byte == 0x20 || byte == 0x09 { value.removeFirst() }
        while let byte = value.last, byte == 0x20 || byte == 0x09 { value.removeLast() }
        guard ByteClass.fieldValue.containsAll(UnsafeBufferPointer(rebasing: value)) else {
            throw HTTPParseError(
                400, "the value of header \(String(decoding: name, as: UTF8.self)) holds a control character")
        }
        fields.append(name: UnsafeBufferPointer(rebasing: name), value: UnsafeBufferPointer(rebasing: value))
    }
}

extension Fields {
    /// Makes room for names and values of so many bytes.
    public mutating func reserve(bytes: Int) {
        store.reserveCapacity(bytes)
        entries.reserveCapacity(16)
    }

    /// The comma-separated tokens of all fields of that name, in small letters, blanks around them removed; empty list
    /// elements are kept as empty texts (RFC 9110 §5.6.1 lets a recipient ignore them; framing rules refuse them).
    public func tokens(_ name: String) -> [String] {
        all(name).flatMap { value in
            value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { part in
                var part = part
                while let byte = part.first, byte == 0x20 || byte == 0x09 { part.removeFirst() }
                while let byte = part.last, byte == 0x20 || byte == 0x09 { part.removeLast() }
                return String(decoding: part.map { $0 >= 0x41 && $0 <= 0x5a ? $0 | 0x20 : $0 }, as: UTF8.self)
            }
        }
    }
}
