/// Looks at eight bytes at a time for those that a JSON string treats specially.
enum JSONScan {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// Marks bytes that are zero, by their high bit; bytes above a zero may be marked falsely.
    @inline(__always) private static func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & highs }

    /// How many bytes from `start` on are printable ASCII but quotation mark and backslash.
    @inline(__always) static func plainCount(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        var place = start
        while place + 8 <= bytes.count {
            let word = UnsafeRawPointer(base + place).loadUnaligned(as: UInt64.self)
            let special =
                zeros(word ^ (ones &* 0x22)) | zeros(word ^ (ones &* 0x5C)) | zeros(word ^ (ones &* 0x7F))
                | (word &- ones &* 0x20) & ~word | word
            if special & highs != 0 { break }
            place += 8
        }
        while place < bytes.count {
            let byte = bytes[place]
            if byte &- 0x20 >= 0x5F || byte == 0x22 || byte == 0x5C { break }
            place += 1
        }
        return place - start
    }

    /// How many bytes from `start` on stand for themselves in a string: all but controls, quotation mark and backslash.
    @inline(__always) static func rawCount(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var place = start
        while true {
            place += plainCount(bytes, from: place)
            guard place < bytes.count, bytes[place] >= 0x7F else { return place - start }
            while place < bytes.count, bytes[place] >= 0x7F { place += 1 }
        }
    }
}
