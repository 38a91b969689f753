/// Neighbouring addresses, as written in access rules: `10.0.0.0/8`, `fd00::/8`, or one address alone.
public struct AddressBlock: Sendable, Hashable {
    private enum Family: Hashable { case v4, v6 }

    private let family: Family
    /// The first address; v4 in the lower four bytes of `low`.
    private let high: UInt64
    private let low: UInt64
    /// Bits that all addresses of the block have in common.
    private let length: Int

    /// Nil unless it is an address in its usual notation, with a prefix length that leaves no bit of it over.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, first.first != UInt8(ascii: "["),
            let address = SocketAddress(literal: String(Substring(first)), port: 0)
        else { return nil }
        var length: Int?
        if parts.count == 2 {
            let digits = parts[1]
            guard (1...3).contains(digits.count), digits.allSatisfy({ $0 &- 0x30 < 10 }),
                let number = Int(String(Substring(digits)))
            else { return nil }
            length = number
        }
        self.init(address, length: length)
    }

    /// The block that an address begins; nil length: that address alone.
    init?(_ address: SocketAddress, length: Int? = nil) {
        switch address {
        case .v4(let bits, _):
            (family, high, low, self.length) = (.v4, 0, UInt64(bits), length ?? 32)
            guard self.length <= 32, low & ~Self.mask(self.length, of: 32) == 0 else { return nil }
        case .v6(let upper, let lower, _, _):
            (family, high, low, self.length) = (.v6, upper, lower, length ?? 128)
            guard self.length <= 128, high & ~Self.mask(min(self.length, 64), of: 64) == 0,
                low & ~Self.mask(max(0, self.length - 64), of: 64) == 0
            else { return nil }
        case .unix: return nil
        }
    }

    /// Whether the address is one of the block; `::ffff:a.b.c.d` is the v4 address in it.
    public func contains(_ address: SocketAddress) -> Bool {
        switch (family, address) {
        case (.v4, .v4(let bits, _)): contains(0, UInt64(bits))
        case (.v4, .v6(0, let lower, _, _)) where lower >> 32 == 0xffff: contains(0, lower & 0xffff_ffff)
        case (.v6, .v6(let upper, let lower, _, _)): contains(upper, lower)
        default: false
        }
    }

    private func contains(_ upper: UInt64, _ lower: UInt64) -> Bool {
        guard family == .v6 else { return (lower ^ low) & Self.mask(length, of: 32) == 0 }
        return (upper ^ high) & Self.mask(min(length, 64), of: 64) == 0
            && (lower ^ low) & Self.mask(max(0, length - 64), of: 64) == 0
    }

    /// The upper `count` of the lower `width` bits.
    private static func mask(_ count: Int, of width: Int) -> UInt64 {
        guard count > 0 else { return 0 }
        let all: UInt64 = width == 64 ? .max : 1 << UInt64(width) - 1
        return count >= width ? all : all & ~(1 << UInt64(width - count) - 1)
    }
}
