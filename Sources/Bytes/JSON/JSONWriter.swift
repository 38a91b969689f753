/// Writes JSON piece by piece; commas and colons are its business, the balance of begin and end the caller's.
public struct JSONWriter: Sendable {
    /// The text so far. A streaming caller takes and clears it between values; the comma state is kept.
    public var bytes: [UInt8] = []
    private let ascii: Bool
    private let spaced: Bool
    private let lined: Bool
    private var needsComma = false
    /// Nothing has been written since the last opening bracket.
    private var isEmpty = false

    /// - Parameters:
    ///   - ascii: writes everything outside printable ASCII as `\u` escapes with lower-case digits, as Python's `json.dumps` does.
    ///   - spaced: a blank behind each comma and colon, as Python's `json.dumps` does.
    ///   - lined: a line break behind each comma and opening bracket and before each closing one, as `json.dumps` does with
    ///     `indent=0`; empty arrays and objects stay together.
    public init(ascii: Bool = false, spaced: Bool = false, lined: Bool = false) {
        self.ascii = ascii
        self.spaced = spaced
        self.lined = lined
    }

    /// The text so far, which is no longer held afterwards.
    public mutating func take() -> [UInt8] {
        let taken = bytes
        bytes = []
        return taken
    }

    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    public mutating func key(_ key: String) {
        separate()
        quote(key)
        bytes.append(UInt8(ascii: ":"))
        if spaced { bytes.append(0x20) }
        needsComma = false
    }

    public mutating func string(_ text: String) {
        separate()
        quote(text)
    }

    public mutating func integer(_ value: Int64) { rawNumber(String(value)) }
    public mutating func boolean(_ value: Bool) { rawNumber(value ? "true" : "false") }
    public mutating func null() { rawNumber("null") }

    /// A number whose text is known to be a JSON number: one that the reader gave.
    public mutating func rawNumber(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
    }

    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .boolean(let flag): boolean(flag)
        case .number(let text): rawNumber(text)
        case .string(let text): string(text)
        case .array(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .object(let object):
            beginObject()
            for member in object.members {
                key(member.key)
                self.value(member.value)
            }
            endObject()
        }
    }

    private mutating func separate() {
        if needsComma {
            bytes.append(UInt8(ascii: ","))
            if spaced { bytes.append(0x20) }
        }
        if lined, needsComma || isEmpty { bytes.append(0x0A) }
        isEmpty = false
        needsComma = true
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
        isEmpty = true
    }

    private mutating func close(_ bracket: UInt8) {
        if lined, !isEmpty { bytes.append(0x0A) }
        bytes.append(bracket)
        needsComma = true
        isEmpty = false
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        let ascii = ascii
        let plain = text.withUTF8 { utf8 -> Bool in
            let count = ascii ? JSONScan.plainCount(utf8, from: 0) : JSONScan.rawCount(utf8, from: 0)
            guard count == utf8.count else { return false }
            bytes.append(contentsOf: utf8)
            return true
        }
        if !plain {
            for scalar in text.unicodeScalars { quote(scalar) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func quote(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\"", "\\":
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(UInt8(truncatingIfNeeded: scalar.value))
        case "\n": bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
        case "\r": bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "r")])
        case "\t": bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
        case "\u{8}": bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "b")])
        case "\u{C}": bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "f")])
        case _ where scalar.value < 0x20 || (ascii && scalar.value > 0x7E):
            for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "u")])
                bytes.append(contentsOf: Hex.encode([UInt8(unit >> 8), UInt8(unit & 0xFF)]).utf8)
            }
        default: bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
    }
}
