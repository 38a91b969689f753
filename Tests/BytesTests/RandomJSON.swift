import Bytes

/// A small generator with a seed, so that a failing property can be repeated.
struct Xorshift: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

enum RandomJSON {
    static let letters: [Unicode.Scalar] = [
        "a", "Z", "0", " ", "\"", "\\", "/", "\n", "\r", "\t", "\u{0}", "\u{1F}", "\u{7F}", "é", "\u{301}", "\u{2028}",
        "😀", "\u{FFFF}",
        "{", "]", ",", ":",
    ]

    static func text(_ generator: inout Xorshift) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...12, using: &generator) {
            text.append(letters.randomElement(using: &generator) ?? "a")
        }
        return String(text)
    }

    static func value(_ generator: inout Xorshift, depth: Int = 4) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &generator) {
        case 0: return .null
        case 1: return .boolean(Bool.random(using: &generator))
        case 2:
            return .number(
                ["0", "-1", "1.0", "1e400", "12345678901234567890", "0.1E-7"].randomElement(using: &generator) ?? "0")
        case 3, 4: return .string(text(&generator))
        case 5:
            return .array(
                (0..<Int.random(in: 0...5, using: &generator)).map { _ in value(&generator, depth: depth - 1) })
        default: return .object(object(&generator, depth: depth - 1))
        }
    }

    static func object(_ generator: inout Xorshift, depth: Int) -> JSONObject {
        var object = JSONObject()
        for _ in 0..<Int.random(in: 0...30, using: &generator) where Bool.random(using: &generator) {
            object[text(&generator)] = value(&generator, depth: depth)
        }
        return object
    }
}
