/// Reads a top-level object that holds one long array, an element at a time: the pages of a list.
///
/// Memory is bounded by the largest element and the other members (each at most `limits.maxBytes`), however long
/// the array is. The result doesn't depend on how the text is cut into pieces.
public struct JSONArrayStream: Sendable {
    private enum State {
        case start, keyOrEnd, key, colon, value, afterValue, elementOrEnd, element, afterElement, done
    }

    private let key: String
    private let limits: JSONLimits
    private var state = State.start
    /// Offset of the piece at hand from the beginning of the text.
    private var consumed = 0
    private var scan = JSONTokenScan()
    /// The beginning of a token that was cut by the end of a piece.
    private var partial: [UInt8] = []
    private var others = JSONObject()
    private var othersBytes = 0
    private var keys = JSONKeys()
    private var currentKey = ""
    private var seenArray = false

    /// - Parameter key: the member whose elements are wanted. If its value is no array, it is one of the other members.
    public init(key: String, limits: JSONLimits = .init()) {
        self.key = key
        self.limits = limits
    }

    /// Whether the wanted member was there and an array (or its beginning).
    public var sawArray: Bool { seenArray }

    /// The elements that this piece completes.
    public mutating func feed(_ piece: [UInt8]) throws(JSONError) -> [JSONValue] {
        var elements: [JSONValue] = []
        let outcome = piece.withUnsafeBufferPointer { bytes -> Result<Void, JSONError> in
            do throws(JSONError) {
                return .success(try consume(bytes, into: &elements))
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
        return elements
    }

    /// The other members, once the text is whole.
    public mutating func finish() throws(JSONError) -> JSONObject {
        guard state == .done else { throw JSONError(.endOfInput, at: consumed) }
        return others
    }

    private mutating func consume(_ bytes: UnsafeBufferPointer<UInt8>, into elements: inout [JSONValue])
        throws(JSONError)
    {
        var at = 0
        while at < bytes.count {
            if !scan.running {
                let byte = bytes[at]
                if byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
                    at += 1
                    continue
                }
                if try step(byte, at: consumed + at) {
                    at += 1
                    continue
                }
                if let end = try completeAtOnce(bytes, from: at, into: &elements) {
                    at = end
                    continue
                }
                scan.begin()
            }
            let start = at
            let ended = scan.run(bytes, &at)
            guard partial.count + (at - start) <= limits.maxBytes else { throw JSONError(.tooLarge, at: consumed + at) }
            if !ended {
                partial.append(contentsOf: bytes[start..<at])
                break
            }
            if partial.isEmpty {
                let token = UnsafeBufferPointer(rebasing: bytes[start..<at])
                try complete(token, base: consumed + start, into: &elements)
            } else {
                partial.append(contentsOf: bytes[start..<at])
                let whole = partial
                partial = []
                let outcome = whole.withUnsafeBufferPointer { token -> Result<Void, JSONError> in
                    do throws(JSONError) {
                        return .success(try complete(token, base: consumed + at - token.count, into: &elements))
                    } catch {
                        return .failure(error)
                    }
                }
                try outcome.get()
            }
        }
        consumed += bytes.count
    }

    /// Takes one byte of structure; false: a token (key, value, element) begins here.
    private mutating func step(_ byte: UInt8, at position: Int) throws(JSONError) -> Bool {
        switch (state, byte) {
        case (.start, UInt8(ascii: "{")): state = .keyOrEnd
        case (.start, _): throw JSONError(.notAnObject, at: position)
        case (.keyOrEnd, UInt8(ascii: "}")), (.afterValue, UInt8(ascii: "}")): state = .done
        case (.keyOrEnd, UInt8(ascii: "\"")), (.key, UInt8(ascii: "\"")):
            state = .key
            return false
        case (.colon, UInt8(ascii: ":")): state = .value
        case (.value, UInt8(ascii: "[")) where ASCII.sameBytes(currentKey, key):
            seenArray = true
            state = .elementOrEnd
        case (.afterValue, UInt8(ascii: ",")): state = .key
        case (.elementOrEnd, UInt8(ascii: "]")), (.afterElement, UInt8(ascii: "]")): state = .afterValue
        case (.afterElement, UInt8(ascii: ",")): state = .element
        case (.value, _) where JSONTokenScan.mayBegin(byte): return false
        case (.element, _) where JSONTokenScan.mayBegin(byte), (.elementOrEnd, _) where JSONTokenScan.mayBegin(byte):
            state = .element
            return false
        case (.done, _): throw JSONError(.trailingBytes, at: position)
        default: throw JSONError(.unexpectedByte, at: position)
        }
        return true
    }

    /// Reads a token that lies in the piece as a whole, without looking for its end first; nil: it may go on in the next.
    private mutating func completeAtOnce(
        _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, into elements: inout [JSONValue]
    ) throws(JSONError) -> Int? {
        let rest = UnsafeBufferPointer(rebasing: bytes[start...])
        var parser = JSONParser(bytes: rest, base: consumed + start, valuesLeft: limits.maxValues)
        let value: JSONValue
        do throws(JSONError) {
            value = try parser.value(depthLeft: depthLeft)
        } catch {
            if error.reason == .endOfInput { return nil }
            throw error
        }
        // What follows a number or a word is not known at the end of a piece.
        if parser.at == rest.count, JSONTokenScan.isScalar(rest[0]) { return nil }
        guard parser.at <= limits.maxBytes else { throw JSONError(.tooLarge, at: consumed + start + limits.maxBytes) }
        try complete(value, count: parser.at, base: consumed + start, into: &elements)
        return start + parser.at
    }

    /// A token here is already inside one object, an element inside the array too.
    private var depthLeft: Int { limits.maxDepth - (state == .element ? 2 : 1) }

    private mutating func complete(
        _ token: UnsafeBufferPointer<UInt8>, base: Int, into elements: inout [JSONValue]
    ) throws(JSONError) {
        var inner = limits
        inner.maxDepth = depthLeft
        try complete(
            try JSONReader.parse(token, limits: inner, base: base), count: token.count, base: base, into: &elements)
    }

    private mutating func complete(
        _ value: JSONValue, count: Int, base: Int, into elements: inout [JSONValue]
    ) throws(JSONError) {
        switch state {
        case .key:
            currentKey = value.text ?? ""
            let isArray = seenArray && ASCII.sameBytes(currentKey, key)
            guard !isArray, keys.isNew(currentKey, in: others.members) else { throw JSONError(.duplicateKey, at: base) }
            state = .colon
        case .element:
            elements.append(value)
            state = .afterElement
        default:
            othersBytes += count + currentKey.utf8.count
            guard othersBytes <= limits.maxBytes else { throw JSONError(.tooLarge, at: base) }
            others.append(currentKey, value)
            state = .afterValue
        }
    }
}

/// Finds the end of one JSON token without understanding it; the reader judges what was cut out.
struct JSONTokenScan: Sendable {
    private(set) var running = false
    private var inString = false
    private var escaped = false
    private var depth = 0
    private var started = false
    private var scalar = false

    static func mayBegin(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""), UInt8(ascii: "-"), UInt8(ascii: "t"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// Whether a token that begins so is a number or a word, which has no closing mark of its own.
    static func isScalar(_ first: UInt8) -> Bool {
        first != UInt8(ascii: "{") && first != UInt8(ascii: "[") && first != UInt8(ascii: "\"")
    }

    mutating func begin() {
        self = JSONTokenScan()
        running = true
    }

    /// Moves `at` behind the token's last byte here; true when the token ended.
    mutating func run(_ bytes: UnsafeBufferPointer<UInt8>, _ at: inout Int) -> Bool {
        var place = at
        defer { at = place }
        if !started, place < bytes.count {
            started = true
            scalar = Self.isScalar(bytes[place])
        }
        if scalar {
            while place < bytes.count {
                switch bytes[place] {
                case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), 0x20, 0x0A, 0x0D, 0x09:
                    running = false
                    return true
                default: place += 1
                }
            }
            return false
        }
        while place < bytes.count {
            if inString {
                if escaped {
                    escaped = false
                    place += 1
                    continue
                }
                place += JSONScan.rawCount(bytes, from: place)
                guard place < bytes.count else { return false }
                if bytes[place] == UInt8(ascii: "\\") { escaped = true }
                // Anything else here is a control character: the reader will refuse it.
                if bytes[place] == UInt8(ascii: "\"") { inString = false }
                place += 1
                if inString || depth > 0 { continue }
                running = false
                return true
            }
            switch bytes[place] {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            place += 1
            if depth <= 0, !inString {
                running = false
                return true
            }
        }
        return false
    }
}
