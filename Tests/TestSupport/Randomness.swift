/// Numbers that are the same for the same seed on every machine (SplitMix64).
package struct Randomness {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// 0 ..< count.
    package mutating func below(_ count: Int) -> Int { Int(truncatingIfNeeded: next() >> 1) % count }

    /// True once in so many times.
    package mutating func once(in count: Int) -> Bool { below(count) == 0 }

    package mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
}
