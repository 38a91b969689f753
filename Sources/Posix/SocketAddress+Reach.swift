extension SocketAddress {
    /// Whether packets to this address leave for the public internet: neither loopback, link-local, private,
    /// multicast, reserved nor a v6 wrapping of such a v4 address (IANA special-purpose registries, RFC 6890).
    /// Compare after resolving a name, and connect to the address that was compared.
    public var isPublic: Bool {
        switch self {
        case .v4(let bits, _): !Self.isSpecial(bits)
        case .v6(let high, let low, _, _): !Self.isSpecial(high, low)
        case .unix: false
        }
    }

    /// Whether only this machine reaches it: 127.0.0.0/8, `::1`, a path.
    public var isLoopback: Bool {
        switch self {
        case .v4(let bits, _): bits >> 24 == 127
        case .v6(let high, let low, _, _): high == 0 && low == 1
        case .unix: true
        }
    }

    /// Special v4 blocks: first address and prefix length.
    private static let blocks: [(UInt32, UInt32)] = [
        (0x0000_0000, 8), (0x0a00_0000, 8), (0x6440_0000, 10), (0x7f00_0000, 8), (0xa9fe_0000, 16),
        (0xac10_0000, 12), (0xc000_0000, 24), (0xc000_0200, 24), (0xc058_6300, 24), (0xc0a8_0000, 16),
        (0xc612_0000, 15), (0xc633_6400, 24), (0xcb00_7100, 24), (0xe000_0000, 3),
    ]

    private static func isSpecial(_ bits: UInt32) -> Bool {
        blocks.contains { first, length in bits >> (32 - length) == first >> (32 - length) }
    }

    private static func isSpecial(_ high: UInt64, _ low: UInt64) -> Bool {
        let lower = UInt32(truncatingIfNeeded: low)
        if high == 0 {
            // ::ffff:a.b.c.d is that v4 address; ::, ::1 and ::a.b.c.d are never public.
            return low >> 32 == 0xffff ? isSpecial(lower) : true
        }
        if high == 0x0064_ff9b_0000_0000, low >> 32 == 0 { return isSpecial(lower) }  // NAT64
        if high >> 48 == 0x2002 { return isSpecial(UInt32(truncatingIfNeeded: high >> 16)) }  // 6to4
        if high >> 32 == 0x2001_0db8 || high >> 32 == 0x2001_0000 { return true }  // documentation, Teredo
        return high >> 61 != 1  // only 2000::/3 is global unicast
    }
}
