import Glibc
import HTTP

/// Response heads (RFC 9112 §4, §5): total over all bytes, refuses and never repairs, since whatever an upstream
/// frames ambiguously could end up in another client's response.
enum ReplyHeadParser {
    /// Bytes of the head that starts at `start`, its empty line included; nil when more must be read. `searched` bytes
    /// are known to hold no end.
    static func end(in bytes: [UInt8], from start: Int, searched: inout Int, limit: Int) throws(ReplyHeadError) -> Int?
    {
        // An empty line is CRLFCRLF; look back three bytes, since it may straddle two reads.
        var at = max(start, searched - 3)
        let found: Int? = bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return nil }
            while at < buffer.count, let hit = memchr(base + at, 0x0a, buffer.count - at) {
                let index = UnsafePointer(hit.assumingMemoryBound(to: UInt8.self)) - base
                if index - start >= 3, base[index - 1] == 0x0d, base[index - 2] == 0x0a, base[index - 3] == 0x0d {
                    return index + 1
                }
                at = index + 1
            }
            return nil
        }
        searched = bytes.count
        guard (found ?? bytes.count) - start <= limit else { throw ReplyHeadError("head above \(limit) bytes") }
        return found
    }

    /// Parses one whole head. `method`: the request's, since a HEAD answer has no body.
    static func parse(_ head: ArraySlice<UInt8>, method: String, maxFields: Int) throws(ReplyHeadError) -> ReplyHead {
        var lines = LineCursor(head)
        guard let statusLine = try lines.next() else { throw ReplyHeadError("no status line") }
        var reply = ReplyHead()
        (reply.version, reply.status) = try parseStatus(statusLine)
        var framing = FramingFields()
        var named: [ArraySlice<UInt8>] = []
        while let line = try lines.next(), !line.isEmpty {
            let (name, value) = try parseField(line)
            switch name.count {
            case 10 where isSame(name, "connection"):
                for token in tokens(value) {
                    if isSame(token, "close") { reply.keepsAlive = false } else { named.append(token) }
                }
            case 17 where isSame(name, "transfer-encoding"):
                guard framing.transferEncoding == nil else { throw ReplyHeadError("two Transfer-Encoding fields") }
                framing.transferEncoding = value
            case 14 where isSame(name, "content-length"):
                guard framing.length == nil else { throw ReplyHeadError("two Content-Length fields") }
                framing.length = try parseLength(value)
                reply.fields.append(name: name, value: value)
            default:
                if hopByHop.contains(where: { isSame(name, $0) }) { continue }
                guard reply.fields.count < maxFields else { throw ReplyHeadError("more than \(maxFields) fields") }
                reply.fields.append(name: name, value: value)
            }
        }
        for name in named where !isSame(name, "content-length") {
            reply.fields.removeAll(named: String(decoding: name, as: UTF8.self))
        }
        if reply.version == .http10 { reply.keepsAlive = false }
        reply.framing = try framing.resolve(reply, method: method)
        if reply.framing == .untilClose { reply.keepsAlive = false }
        return reply
    }

    /// Fields between us and the upstream only (RFC 9110 §7.6.1).
    private static let hopByHop = [
        "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "proxy-authenticate",
        "proxy-authentication-info",
    ]

    private struct FramingFields {
        var transferEncoding: ArraySlice<UInt8>?
        var length: Int64?

        /// RFC 9112 §6.3 without its leniencies.
        func resolve(_ reply: ReplyHead, method: String) throws(ReplyHeadError) -> ReplyHead.Framing {
            if let transferEncoding {
                guard isSame(transferEncoding, "chunked") else { throw ReplyHeadError("Transfer-Encoding not chunked") }
                guard length == nil else { throw ReplyHeadError("Content-Length beside Transfer-Encoding") }
                guard reply.version == .http11 else { throw ReplyHeadError("Transfer-Encoding in HTTP/1.0") }
            }
            if reply.isInterim {
                guard transferEncoding == nil, length ?? 0 == 0 else { throw ReplyHeadError("interim with a body") }
                return .none
            }
            if method == "HEAD" || reply.status == 204 || reply.status == 304 { return .none }
            if transferEncoding != nil { return .chunked }
            return length.map { .length($0) } ?? .untilClose
        }
    }

    /// `HTTP/1.1 200 OK`; the reason, and the blank before it, may be missing (RFC 9112 §4).
    private static func parseStatus(_ line: ArraySlice<UInt8>) throws(ReplyHeadError) -> (Version, Int) {
        let start = line.startIndex
        guard line.count >= 12, line.starts(with: "HTTP/1.".utf8), line[start + 8] == 0x20 else {
            throw ReplyHeadError("not an HTTP/1 status line")
        }
        let version: Version
        switch line[start + 7] {
        case 0x31: version = .http11
        case 0x30: version = .http10
        default: throw ReplyHeadError("unknown HTTP version")
        }
        var status = 0
        for digit in line[(start + 9)..<(start + 12)] {
            guard digit &- 0x30 < 10 else { throw ReplyHeadError("status is not three digits") }
            status = status * 10 + Int(digit - 0x30)
        }
        guard (100...599).contains(status) else { throw ReplyHeadError("status \(status)") }
        let rest = line[(start + 12)...]
        guard rest.isEmpty || rest.first == 0x20 else { throw ReplyHeadError("status is not three digits") }
        guard rest.allSatisfy(isValueByte) else { throw ReplyHeadError("control byte in the reason") }
        return (version, status)
    }

    private static func parseField(_ line: ArraySlice<UInt8>) throws(ReplyHeadError)
        -> (ArraySlice<UInt8>, ArraySlice<UInt8>)
    {
        guard let colon = line.firstIndex(of: 0x3a) else { throw ReplyHeadError("field line without colon") }
        let name = line[..<colon]
        guard !name.isEmpty, name.allSatisfy(isTokenByte) else { throw ReplyHeadError("field name is no token") }
        var value = line[(colon + 1)...]
        guard value.allSatisfy(isValueByte) else { throw ReplyHeadError("control byte in a field value") }
        while let first = value.first, first == 0x20 || first == 0x09 { value.removeFirst() }
        while let last = value.last, last == 0x20 || last == 0x09 { value.removeLast() }
        return (name, value)
    }

    /// Digits only, below 10^18: a number that no image reaches and that cannot overflow.
    private static func parseLength(_ value: ArraySlice<UInt8>) throws(ReplyHeadError) -> Int64 {
        guard (1...18).contains(value.count) else { throw ReplyHeadError("Content-Length is no length") }
        var length: Int64 = 0
        for digit in value {
            guard digit &- 0x30 < 10 else { throw ReplyHeadError("Content-Length is no number") }
            length = length * 10 + Int64(digit - 0x30)
        }
        return length
    }

    /// The members of a comma list, blanks trimmed, empty ones left out.
    private static func tokens(_ value: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        value.split(separator: 0x2c).map { part in
            let front = part.drop { $0 == 0x20 || $0 == 0x09 }
            let end = front.lastIndex { $0 != 0x20 && $0 != 0x09 }
            return end.map { front[...$0] } ?? []
        }.filter { !$0.isEmpty }
    }
}

/// The lines of a head; a CR or LF that is not part of CRLF is refused.
private struct LineCursor {
    private var rest: ArraySlice<UInt8>

    init(_ head: ArraySlice<UInt8>) { rest = head }

    mutating func next() throws(ReplyHeadError) -> ArraySlice<UInt8>? {
        guard !rest.isEmpty else { return nil }
        guard let end = rest.firstIndex(of: 0x0a), end > rest.startIndex, rest[end - 1] == 0x0d else {
            throw ReplyHeadError("line does not end with CRLF")
        }
        let line = rest[..<(end - 1)]
        rest = rest[(end + 1)...]
        return line
    }
}

/// ASCII case-insensitive equality with a lower-case text.
func isSame(_ bytes: ArraySlice<UInt8>, _ lower: String) -> Bool {
    guard bytes.count == lower.utf8.count else { return false }
    for (byte, other) in zip(bytes, lower.utf8) {
        let folded = byte &- 0x41 < 26 ? byte | 0x20 : byte
        guard folded == other else { return false }
    }
    return true
}

/// RFC 9110 §5.6.2.
func isTokenByte(_ byte: UInt8) -> Bool {
    byte < 128 && (byte < 64 ? tokenLow : tokenHigh) >> UInt64(byte & 63) & 1 == 1
}

/// Printable ASCII, blank, tab and bytes above ASCII (RFC 9110 §5.5).
func isValueByte(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7f || byte == 0x09 }

private let tokenLow = tokenMask(0)
private let tokenHigh = tokenMask(64)

private func tokenMask(_ base: UInt8) -> UInt64 {
    let allowed = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return allowed.utf8.reduce(0) { $1 & 64 == base & 64 ? $0 | 1 << UInt64($1 & 63) : $0 }
}
