/// Strict RFC 8259: no duplicate keys, no unpaired surrogates, no byte order mark, valid UTF-8 only, bounded depth.
public enum JSONReader {
    /// The one value of a text.
    ///
    /// - Throws: the first fault with its byte offset.
    public static func parse(_ bytes: some Collection<UInt8>, limits: JSONLimits = .init()) throws(JSONError)
        -> JSONValue
    {
        let direct: Result<JSONValue, JSONError>? = bytes.withContiguousStorageIfAvailable { result(of: $0, limits) }
        if let direct { return try direct.get() }
        return try Array(bytes).withUnsafeBufferPointer { result(of: $0, limits) }.get()
    }

    private static func result(of bytes: UnsafeBufferPointer<UInt8>, _ limits: JSONLimits) -> Result<
        JSONValue, JSONError
    > {
        do throws(JSONError) {
            return .success(try parse(bytes, limits: limits, base: 0))
        } catch {
            return .failure(error)
        }
    }

    /// `base` is added to the positions of errors.
    static func parse(_ bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits, base: Int) throws(JSONError) -> JSONValue
    {
        guard bytes.count <= limits.maxBytes else { throw JSONError(.tooLarge, at: base + limits.maxBytes) }
        var parser = JSONParser(bytes: bytes, base: base, valuesLeft: limits.maxValues)
        parser.skipBlanks()
        let value = try parser.value(depthLeft: limits.maxDepth)
        parser.skipBlanks()
        guard parser.at == bytes.count else { throw parser.error(.trailingBytes) }
        return value
    }
}

/// One pass over a text; `at` never leaves `0...bytes.count`.
struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    let base: Int
    var valuesLeft: Int
    var at = 0
    /// Members of the last object: objects of a list are much alike.
    private var usualMembers = 8

    init(bytes: UnsafeBufferPointer<UInt8>, base: Int, valuesLeft: Int) {
        self.bytes = bytes
        self.base = base
        self.valuesLeft = valuesLeft
    }

    func error(_ reason: JSONError.Reason) -> JSONError { JSONError(reason, at: base + at) }

    /// The byte at hand; 0 at the end, which is no byte of any JSON grammar outside strings.
    var peek: UInt8 { at < bytes.count ? bytes[at] : 0 }

    /// The right error for a byte that doesn't fit here.
    var misfit: JSONError { error(at < bytes.count ? .unexpectedByte : .endOfInput) }

    mutating func skipBlanks() {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x0A, 0x0D, 0x09: at += 1
            default: return
            }
        }
    }

    mutating func value(depthLeft: Int) throws(JSONError) -> JSONValue {
        valuesLeft -= 1
        guard valuesLeft >= 0 else { throw error(.tooManyValues) }
        switch peek {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return try object(depthLeft: depthLeft)
        case UInt8(ascii: "["): return try array(depthLeft: depthLeft)
        case UInt8(ascii: "t"):
            try literal("true")
            return .boolean(true)
        case UInt8(ascii: "f"):
            try literal("false")
            return .boolean(false)
        case UInt8(ascii: "n"):
            try literal("null")
            return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        default: throw misfit
        }
    }

    private mutating func literal(_ word: StaticString) throws(JSONError) {
        for offset in 0..<word.utf8CodeUnitCount {
            guard at < bytes.count, bytes[at] == word.utf8Start[offset] else { throw misfit }
            at += 1
        }
    }

    private mutating func array(depthLeft: Int) throws(JSONError) -> JSONValue {
        guard depthLeft > 0 else { throw error(.tooDeep) }
        at += 1
        var elements: [JSONValue] = []
        skipBlanks()
        if peek == UInt8(ascii: "]") {
            at += 1
            return .array(elements)
        }
        while true {
            elements.append(try value(depthLeft: depthLeft - 1))
            skipBlanks()
            switch peek {
            case UInt8(ascii: ","):
                at += 1
                skipBlanks()
            case UInt8(ascii: "]"):
                at += 1
                return .array(elements)
            default: throw misfit
            }
        }
    }

    private mutating func object(depthLeft: Int) throws(JSONError) -> JSONValue {
        guard depthLeft > 0 else { throw error(.tooDeep) }
        at += 1
        var object = JSONObject()
        var keys = JSONKeys()
        skipBlanks()
        if peek == UInt8(ascii: "}") {
            at += 1
            return .object(object)
        }
        object.members.reserveCapacity(usualMembers)
        while true {
            guard peek == UInt8(ascii: "\"") else { throw misfit }
            let start = at
            let key = try string()
            guard keys.isNew(key, in: object.members) else { throw JSONError(.duplicateKey, at: base + start) }
            skipBlanks()
            guard peek == UInt8(ascii: ":") else { throw misfit }
            at += 1
            skipBlanks()
            object.append(key, try value(depthLeft: depthLeft - 1))
            skipBlanks()
            switch peek {
            case UInt8(ascii: ","):
                at += 1
                skipBlanks()
            case UInt8(ascii: "}"):
                at += 1
                usualMembers = min(object.members.count, 64)
                return .object(object)
            default: throw misfit
            }
        }
    }

    private mutating func number() throws(JSONError) -> String {
        let start = at
        if peek == UInt8(ascii: "-") { at += 1 }
        if peek == UInt8(ascii: "0") { at += 1 } else { try digits() }
        if peek == UInt8(ascii: ".") {
            at += 1
            try digits()
        }
        if peek | 0x20 == UInt8(ascii: "e") {
            at += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        // `01`, `1x`: what follows a number is never a digit or a letter.
        if ByteSet.alphanumeric.contains(peek) { throw error(.badNumber) }
        return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<at]), as: UTF8.self)
    }

    private mutating func digits() throws(JSONError) {
        let start = at
        while at < bytes.count, bytes[at] &- 0x30 < 10 { at += 1 }
        guard at > start else { throw error(at < bytes.count ? .badNumber : .endOfInput) }
    }
}

/// Finds equal keys: by looking at each of a few, by hash among many (an object of 100,000 keys stays linear).
struct JSONKeys {
    private static let few = 24
    /// One bit for each key seen, by length and three of its bytes: a new bit means a new key.
    private var bits = SIMD8<UInt64>()
    private var seen: Set<[UInt8]> = []

    mutating func isNew(_ key: String, in members: [JSONObject.Member]) -> Bool {
        if members.count < Self.few {
            let (word, bit) = Self.bit(of: key)
            let isSeen = bits[word] & bit != 0
            bits[word] |= bit
            if !isSeen { return true }
            for member in members where ASCII.sameBytes(member.key, key) { return false }
            return true
        }
        if seen.isEmpty {
            for member in members { seen.insert(Array(member.key.utf8)) }
        }
        return seen.insert(Array(key.utf8)).inserted
    }

    private static func bit(of key: String) -> (word: Int, bit: UInt64) {
        var key = key
        let mix = key.withUTF8 { bytes -> UInt64 in
            guard let last = bytes.last else { return 0 }
            let first = UInt64(bytes[0]), middle = UInt64(bytes[bytes.count / 2])
            return UInt64(bytes.count) &* 0x9E37_79B9 ^ first &* 0x85EB_CA6B ^ middle &* 0xC2B2_AE35 ^ UInt64(last)
                &* 0x27D4_EB2F
        }
        return (Int(mix >> 26 & 7), 1 << (mix >> 20 & 63))
    }
}
