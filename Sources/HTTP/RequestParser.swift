/// Reads request heads from the bytes of one connection, incrementally (RFC 9112 §2, §3, §5).
///
/// The owner appends what it read to a buffer and calls `parse` until a head comes out; `consumed` bytes then belong to
/// the head and the rest is body or the next request. A parser is used for one head.
public struct RequestParser: Sendable {
    private let limits: HTTPLimits
    private var start = 0
    private var lineEnd: Int?
    private var line: (method: String, target: String, version: Version)?
    private var finder: FieldParser.EndFinder?

    /// Bytes of the head, known once it is complete.
    public private(set) var consumed = 0

    public init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// Whether any byte of a request line has come: an idle connection is not a slow one.
    public var hasBegun: Bool { start > 0 || lineEnd != nil }

    /// The head at the start of `buffer`, nil while it is incomplete. The buffer must begin with the same bytes each time.
    public mutating func parse(_ buffer: [UInt8]) throws(HTTPParseError) -> RequestHead? {
        if line == nil {
            guard try readLine(buffer) else { return nil }
        }
        guard let line, var finder, let lineEnd else { return nil }
        let end = try finder.find(in: buffer)
        self.finder = finder
        guard (end ?? buffer.count) - lineEnd <= limits.headerSectionBytes else {
            throw HTTPParseError(431, "the header section is over \(limits.headerSectionBytes) bytes")
        }
        guard let end else { return nil }
        let fields = try FieldParser.parse(buffer, lineEnd..<(end - 2), maximumCount: limits.fieldCount)
        consumed = end
        return try finish(line, fields)
    }

    /// One empty line before the request line is skipped (RFC 9112 §2.2), a second is refused.
    private mutating func readLine(_ buffer: [UInt8]) throws(HTTPParseError) -> Bool {
        if start == 0, buffer.count >= 2, buffer[0] == 0x0d, buffer[1] == 0x0a { start = 2 }
        guard start < buffer.count else { return false }
        let first = buffer[start]
        if start == 0, first == 0x0d, buffer.count == 1 { return false }
        guard ByteClass.token.contains(first) else {
            throw HTTPParseError(400, "the request line begins with a character that is no method's")
        }
        let searched = buffer[start...].prefix(limits.startLineBytes + 2)
        guard let feed = searched.firstIndex(of: 0x0a) else {
            if searched.count > limits.startLineBytes {
                throw HTTPParseError(414, "the request line is over \(limits.startLineBytes) bytes")
            }
            return false
        }
        guard feed > start, buffer[feed - 1] == 0x0d else {
            throw HTTPParseError(400, "the request line ends in a bare LF")
        }
        line = try Self.requestLine(buffer[start..<(feed - 1)])
        lineEnd = feed + 1
        finder = FieldParser.EndFinder(from: feed + 1)
        return true
    }

    private static func requestLine(
        _ bytes: ArraySlice<UInt8>
    ) throws(HTTPParseError) -> (method: String, target: String, version: Version) {
        let parts = bytes.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3 else {
            throw HTTPParseError(400, "the request line is not METHOD TARGET VERSION with one blank between")
        }
        guard !parts[0].isEmpty, ByteClass.token.containsAll(parts[0]) else {
            throw HTTPParseError(400, "the method holds a character that is no token character")
        }
        let version = try Self.version(parts[2])
        guard !parts[1].isEmpty, ByteClass.target.containsAll(parts[1]) else {
            throw HTTPParseError(400, "the request target holds a character that must be percent-encoded")
        }
        return (String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self), version)
    }

    private static func version(_ bytes: ArraySlice<UInt8>) throws(HTTPParseError) -> Version {
        if bytes.elementsEqual("HTTP/1.1".utf8) { return .http11 }
        if bytes.elementsEqual("HTTP/1.0".utf8) { return .http10 }
        guard bytes.starts(with: "HTTP/".utf8) else { throw HTTPParseError(400, "the protocol is not HTTP") }
        throw HTTPParseError(
            ByteClass.fieldValue.containsAll(bytes) ? 505 : 400, "the version is not HTTP/1.0 or HTTP/1.1")
    }

    private func finish(
        _ line: (method: String, target: String, version: Version), _ fields: Fields
    ) throws(HTTPParseError) -> RequestHead {
        let hosts = fields.all("host")
        guard hosts.count <= 1 else { throw HTTPParseError(400, "more than one Host") }
        if let host = hosts.first {
            guard Authority.isValid(host) else { throw HTTPParseError(400, "Host is not a host with an optional port") }
        } else if line.version == .http11 {
            throw HTTPParseError(400, "Host is missing")
        }
        guard line.method != "CONNECT", line.method != "TRACE" else {
            throw HTTPParseError(501, "the method \(line.method) is not served")
        }
        var head = RequestHead(method: line.method, target: line.target, version: line.version, fields: fields)
        head.target = try Self.originForm(line.target, method: line.method)
        return head
    }

    /// Origin form as it is; `http://HOST/...` without its authority; `*` for OPTIONS. Everything else is refused.
    private static func originForm(_ target: String, method: String) throws(HTTPParseError) -> String {
        if target.utf8.first == UInt8(ascii: "/") || (target == "*" && method == "OPTIONS") { return target }
        let bytes = Array(target.utf8)
        let schemes = ["http://", "https://"]
        guard
            let scheme = schemes.first(where: {
                bytes.count >= $0.utf8.count && zip(bytes, $0.utf8).allSatisfy { $0 | 0x20 == $1 | 0x20 }
            })
        else { throw HTTPParseError(400, "the request target is neither a path nor an http URL") }
        let rest = bytes[scheme.utf8.count...]
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        guard Authority.isValid(authority) else { throw HTTPParseError(400, "the request target has no valid host") }
        let path = rest[authority.endIndex...]
        let prefix = path.first == UInt8(ascii: "/") ? "" : "/"
        return prefix + String(decoding: path, as: UTF8.self)
    }
}
