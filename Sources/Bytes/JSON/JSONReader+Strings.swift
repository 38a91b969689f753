extension JSONParser {
    /// The string whose opening quotation mark is at hand.
    mutating func string() throws(JSONError) -> String {
        at += 1
        let start = at
        at += JSONScan.plainCount(bytes, from: at)
        if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
            at += 1
            // ASCII only: the library's validating initializer would cost as much as all the rest.
            return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<at - 1]), as: UTF8.self)
        }
        at += JSONScan.rawCount(bytes, from: at)
        guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { return try escapedString(from: start) }
        at += 1
        let piece = UnsafeBufferPointer(rebasing: bytes[start..<at - 1])
        guard let text = String(validating: piece, as: UTF8.self) else { throw JSONError(.notUTF8, at: base + start) }
        return text
    }

    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var decoded = Array(bytes[start..<at])
        while at < bytes.count {
            let byte = bytes[at]
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                guard let text = String(validating: decoded, as: UTF8.self) else {
                    throw JSONError(.notUTF8, at: base + start)
                }
                return text
            case UInt8(ascii: "\\"): try escape(into: &decoded)
            case 0..<0x20: throw error(.controlCharacter)
            default:
                let stop = at + JSONScan.rawCount(bytes, from: at)
                decoded.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[at..<stop]))
                at = stop
            }
        }
        throw error(.endOfInput)
    }

    private mutating func escape(into decoded: inout [UInt8]) throws(JSONError) {
        let start = at
        at += 1
        guard at < bytes.count else { throw error(.endOfInput) }
        let letter = bytes[at]
        at += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(letter)
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0C)
        case UInt8(ascii: "n"): decoded.append(0x0A)
        case UInt8(ascii: "r"): decoded.append(0x0D)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexUnit()
            if code & 0xFC00 == 0xD800 {
                guard at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u") else {
                    throw JSONError(.loneSurrogate, at: base + start)
                }
                at += 2
                let low = try hexUnit()
                guard low & 0xFC00 == 0xDC00 else { throw JSONError(.loneSurrogate, at: base + start) }
                code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
            }
            guard let scalar = Unicode.Scalar(code) else { throw JSONError(.loneSurrogate, at: base + start) }
            decoded.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default: throw JSONError(.badEscape, at: base + start)
        }
    }

    private mutating func hexUnit() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard at < bytes.count else { throw error(.endOfInput) }
            guard let digit = Hex.value(of: bytes[at]) else { throw error(.badEscape) }
            code = code << 4 | UInt32(digit)
            at += 1
        }
        return code
    }
}
