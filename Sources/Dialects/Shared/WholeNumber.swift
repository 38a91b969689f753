import Bytes

/// Integers as the Python servers of these dialects read them.
enum WholeNumber {
    /// As Python's `int()`: a sign and blanks around are allowed. Numbers beyond 64 bits become the outermost ones; nil
    /// for any other text.
    static func read(_ text: String) -> Int64? {
        let isBlank = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
        var digits = Array(text.utf8)[...].drop(while: isBlank)
        while let last = digits.last, isBlank(last) { digits.removeLast() }
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
        guard !digits.isEmpty, digits.allSatisfy(ByteSet.digits.contains) else { return nil }
        let magnitude = ASCII.decimal(digits) ?? .max
        return isNegative ? -magnitude : magnitude
    }
}
