/// Why a text is not the JSON we accept, with the place.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Reason: String, Sendable {
        case endOfInput = "ends too early"
        case unexpectedByte = "unexpected character"
        case trailingBytes = "something follows the value"
        case badNumber = "malformed number"
        case badEscape = "malformed escape sequence"
        case loneSurrogate = "unpaired surrogate escape"
        case controlCharacter = "control character in a string"
        case notUTF8 = "not UTF-8"
        case duplicateKey = "duplicate key"
        case tooDeep = "nested too deeply"
        case tooLarge = "too large"
        case tooManyValues = "too many values"
        case notAnObject = "not an object"
    }

    public let reason: Reason
    /// Offset of the byte at fault from the beginning of the text.
    public let position: Int

    public init(_ reason: Reason, at position: Int) {
        self.reason = reason
        self.position = position
    }

    public var description: String { "\(reason.rawValue) at byte \(position)" }
}

/// Bounds of one JSON text.
public struct JSONLimits: Sendable, Equatable {
    /// Arrays and objects inside one another. The reader recurses, so more than 512 is taken as 512.
    public var maxDepth: Int
    public var maxBytes: Int
    /// Values of every kind in the whole text.
    public var maxValues: Int

    public init(maxDepth: Int = 64, maxBytes: Int = 16 << 20, maxValues: Int = 1_000_000) {
        self.maxDepth = min(maxDepth, 512)
        self.maxBytes = maxBytes
        self.maxValues = maxValues
    }
}
