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

    /// Blocks that no packet for the public internet goes to (IANA special-purpose registries), with the one public address
    /// that is a cloud's own host all the same.
    private static let blocks = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/3", "168.63.129.16",
        // Protocol assignments with Teredo, documentation; beyond 2000::/3 there is nothing public.
        "2001::/23", "2001:db8::/32", "3fff::/20", "::/3", "4000::/2", "8000::/1",
    ].compactMap { AddressBlock($0) }

    private static func isSpecial(_ bits: UInt32) -> Bool {
        let address = SocketAddress.v4(bits, port: 0)
        return blocks.contains { $0.contains(address) }
    }

    private static func isSpecial(_ high: UInt64, _ low: UInt64) -> Bool {
        let lower = UInt32(truncatingIfNeeded: low)
        // ::ffff:a.b.c.d is that v4 address; ::, ::1 and ::a.b.c.d are never public.
        if high == 0, low >> 32 == 0xffff { return isSpecial(lower) }
        if high == 0x0064_ff9b_0000_0000, low >> 32 == 0 { return isSpecial(lower) }  // NAT64
        if high >> 48 == 0x2002 { return isSpecial(UInt32(truncatingIfNeeded: high >> 16)) }  // 6to4
        if low >> 32 & 0xfdff_ffff == 0x0000_5efe, isSpecial(lower) { return true }  // ISATAP
        let address = SocketAddress.v6(high, low, port: 0, scope: 0)
        return blocks.contains { $0.contains(address) }
    }
}
