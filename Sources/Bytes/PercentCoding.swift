/// Percent coding (RFC 3986 §2.1), decoded once and only once by whoever calls.
public enum PercentCoding {
    /// Lenient decoding: a `%` without two hex digits behind it stays as it is.
    ///
    /// - Parameter plusIsBlank: form coding, where `+` stands for a blank.
    public static func decode(_ bytes: some Collection<UInt8>, plusIsBlank: Bool = false) -> [UInt8] {
        decode(bytes, plusIsBlank: plusIsBlank, strict: false) ?? []
    }

    /// Nil when a `%` is not followed by two hex digits.
    public static func decodeStrict(_ bytes: some Collection<UInt8>, plusIsBlank: Bool = false) -> [UInt8]? {
        decode(bytes, plusIsBlank: plusIsBlank, strict: true)
    }

    private static func decode(_ bytes: some Collection<UInt8>, plusIsBlank: Bool, strict: Bool) -> [UInt8]? {
        let input = Array(bytes)
        guard input.contains(UInt8(ascii: "%")) || (plusIsBlank && input.contains(UInt8(ascii: "+"))) else {
            return input
        }
        var output: [UInt8] = []
        output.reserveCapacity(input.count)
        var at = 0
        while at < input.count {
            let byte = input[at]
            at += 1
            if byte == UInt8(ascii: "%") {
                if at + 1 < input.count, let high = Hex.value(of: input[at]), let low = Hex.value(of: input[at + 1]) {
                    output.append(high << 4 | low)
                    at += 2
                    continue
                }
                if strict { return nil }
            }
            output.append(plusIsBlank && byte == UInt8(ascii: "+") ? 0x20 : byte)
        }
        return output
    }

    /// Upper-case escapes for every byte of the UTF-8 form that is not kept. `%` itself is coded unless kept.
    public static func encode(_ text: String, keeping kept: ByteSet = .unreserved) -> String {
        text.utf8.allSatisfy(kept.contains) ? text : encode(text.utf8, keeping: kept)
    }

    /// The same for any bytes; `kept` should hold ASCII only.
    public static func encode(_ bytes: some Sequence<UInt8>, keeping kept: ByteSet = .unreserved) -> String {
        var output: [UInt8] = []
        for byte in bytes {
            if kept.contains(byte) {
                output.append(byte)
            } else {
                output.append(UInt8(ascii: "%"))
                output.append(Hex.upper(byte >> 4))
                output.append(Hex.upper(byte & 15))
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
