/// What a key's value may be.
enum ConfigKind: Sendable {
    case text
    case boolean
    case integer(ClosedRange<Int64>)
    /// Bytes: a number, or `"64KiB"`, `"16MiB"`, `"1GiB"`, `"1TiB"`.
    case size
    /// A number of seconds, or `"500ms"`, `"30s"`, `"5m"`, `"1h"`.
    case duration
    case choice([String])
    case texts

    /// What would be right, for messages.
    var expectation: String {
        switch self {
        case .text: "a text"
        case .boolean: "true or false"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .size: "a number of bytes, or a text like \"64KiB\" or \"1GiB\""
        case .duration: "a number of seconds, or a text like \"500ms\", \"30s\", \"5m\""
        case .choice(let words): "one of " + words.map { "\"\($0)\"" }.joined(separator: ", ")
        case .texts: "a list of texts"
        }
    }
}

/// One value, checked against its key's kind.
enum ConfigValue: Sendable, Equatable {
    case null
    case text(String)
    case boolean(Bool)
    case integer(Int64)
    case duration(Duration)
    case texts([String])
}

/// One key: where it stands, what it holds, what it is when nobody says anything.
struct ConfigKey: Sendable {
    /// Path with dots, as in messages.
    let path: String
    let kind: ConfigKind
    /// Nil: null, which then is also allowed to be written.
    let standard: ConfigValue?

    init(_ path: String, _ kind: ConfigKind, _ standard: ConfigValue? = nil) {
        self.path = path
        self.kind = kind
        self.standard = standard
    }

    /// `limits.maximumConnections` is `BALEEN_LIMITS_MAXIMUM_CONNECTIONS`.
    var environmentName: String { Self.environmentName(path) }

    static func environmentName(_ path: String) -> String {
        var name = "BALEEN_"
        var wasSmall = false
        for byte in path.utf8 {
            let isCapital = (0x41...0x5a).contains(byte)
            if isCapital, wasSmall { name += "_" }
            wasSmall = !isCapital && byte != UInt8(ascii: ".") && byte != UInt8(ascii: "-")
            switch byte {
            case UInt8(ascii: "."), UInt8(ascii: "-"): name += "_"
            case 0x61...0x7a: name.unicodeScalars.append(Unicode.Scalar(byte & 0xdf))
            default: name.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
        return name
    }

    /// The value in the document; nil when it is of another kind.
    func value(_ tree: ConfigTree) -> ConfigValue? {
        if tree == .null { return standard == nil ? .null : nil }
        switch (kind, tree) {
        case (.text, .text(let text)): return .text(text)
        case (.boolean, .boolean(let value)): return .boolean(value)
        case (.integer(let range), .integer(let value)): return range.contains(value) ? .integer(value) : nil
        case (.size, .integer(let value)): return value >= 0 ? .integer(value) : nil
        case (.size, .text(let text)): return Self.scaled(text, Self.sizes).map { .integer($0) }
        case (.duration, .integer(let value)): return value >= 0 && value < 1 << 40 ? .duration(.seconds(value)) : nil
        case (.duration, .real(let value)):
            return value >= 0 && value < 1e9 ? .duration(.milliseconds(Int64(value * 1000))) : nil
        case (.duration, .text(let text)):
            return Self.scaled(text, Self.milliseconds).map { .duration(.milliseconds($0)) }
        case (.choice(let words), .text(let text)): return words.contains(text) ? .text(text) : nil
        case (.choice(let words), .integer(let value)): return words.contains("\(value)") ? .text("\(value)") : nil
        case (.texts, .list(let list)):
            let texts = list.compactMap { if case .text(let text) = $0 { text } else { nil } }
            return texts.count == list.count ? .texts(texts) : nil
        default: return nil
        }
    }

    /// The value in an environment variable, which is always text; an empty one is null where null is allowed.
    func value(environment text: String) -> ConfigValue? {
        if text.isEmpty, standard == nil { return .null }
        switch kind {
        case .text: return text.isEmpty ? nil : .text(text)
        case .boolean: return text == "true" ? .boolean(true) : text == "false" ? .boolean(false) : nil
        case .integer, .size, .duration:
            if let number = Int64(text) { return value(.integer(number)) }
            let isReal = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2e }
            if isReal, let number = Double(text) { return value(.real(number)) }
            return value(.text(text))
        case .choice: return value(.text(text))
        case .texts: return .texts(text.split(separator: ",").map(String.init))
        }
    }

    private static let sizes: [(String, Int64)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1),
    ]
    private static let milliseconds: [(String, Int64)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]

    private static func scaled(_ text: String, _ units: [(String, Int64)]) -> Int64? {
        for (unit, factor) in units where text.hasSuffix(unit) {
            let digits = text.dropLast(unit.count)
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(digits)
            else { continue }
            let (value, over) = number.multipliedReportingOverflow(by: factor)
            return over ? nil : value
        }
        return nil
    }
}
