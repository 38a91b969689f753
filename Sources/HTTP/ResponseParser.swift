/// Reads one response head from a backend (RFC 9112 §4), as strictly as a request: what is odd is a bad gateway.
public struct ResponseParser: Sendable {
    private let limits: HTTPLimits
    private var lineEnd: Int?
    private var line: (version: Version, status: Int)?
    private var finder: FieldParser.EndFinder?

    public private(set) var consumed = 0
    /// Version of the response's status line; HTTP/1.0 does not keep connections unless it says so.
    public private(set) var version = Version.http11

    public init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// The head at the start of `buffer`, interim (1xx) ones too; nil while it is incomplete.
    public mutating func parse(_ buffer: [UInt8]) throws(HTTPParseError) -> ResponseHead? {
        if line == nil {
            guard try readLine(buffer) else { return nil }
        }
        guard let line, var finder, let lineEnd else { return nil }
        let end = try finder.find(in: buffer)
        self.finder = finder
        guard (end ?? buffer.count) - lineEnd <= limits.headerSectionBytes else {
            throw HTTPParseError(502, "the header section is over \(limits.headerSectionBytes) bytes")
        }
        guard let end else { return nil }
        let fields = try FieldParser.parse(buffer, lineEnd..<(end - 2), maximumCount: limits.fieldCount)
        consumed = end
        return ResponseHead(status: line.status, fields: fields)
    }

    private mutating func readLine(_ buffer: [UInt8]) throws(HTTPParseError) -> Bool {
        let searched = buffer.prefix(limits.startLineBytes + 2)
        for (byte, expected) in zip(searched, "HTTP/1.".utf8) where byte != expected {
            throw HTTPParseError(502, "the status line does not begin with HTTP/1.")
        }
        guard let feed = searched.firstIndex(of: 0x0a) else {
            if searched.count > limits.startLineBytes { throw HTTPParseError(502, "the status line is too long") }
            return false
        }
        guard feed > 0, buffer[feed - 1] == 0x0d else { throw HTTPParseError(502, "the status line ends in a bare LF") }
        line = try Self.statusLine(buffer[..<(feed - 1)])
        version = line?.version ?? .http11
        lineEnd = feed + 1
        finder = FieldParser.EndFinder(from: feed + 1)
        return true
    }

    /// `HTTP/1.x SSS reason`; the reason and the blank before it may be missing, as some servers write it.
    private static func statusLine(_ bytes: ArraySlice<UInt8>) throws(HTTPParseError) -> (version: Version, status: Int)
    {
        let line = Array(bytes)
        guard line.count >= 12, ByteClass.fieldValue.containsAll(line), line[8] == 0x20,
            line.count == 12 || line[12] == 0x20
        else { throw HTTPParseError(502, "the status line is malformed") }
        let version: Version
        switch line[7] {
        case UInt8(ascii: "1"): version = .http11
        case UInt8(ascii: "0"): version = .http10
        default: throw HTTPParseError(502, "the version is not HTTP/1.0 or HTTP/1.1")
        }
        var status = 0
        for digit in line[9..<12] {
            guard digit >= 0x30, digit <= 0x39 else { throw HTTPParseError(502, "the status is no number") }
            status = status * 10 + Int(digit - 0x30)
        }
        guard (100...599).contains(status) else { throw HTTPParseError(502, "the status \(status) does not exist") }
        return (version, status)
    }
}
