import Posix
import Testing

@Suite struct AddressBlockTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
        ("10.0.0.0/8", "9.255.255.255", false),
        ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.6", false), ("192.0.2.7/32", "192.0.2.8", false),
        ("0.0.0.0/0", "8.8.8.8", true), ("0.0.0.0/0", "2600::1", false), ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ("10.0.0.0/8", "::10.1.2.3", false), ("fd00::/8", "fdff::1", true), ("fd00::/8", "fe00::1", false),
        ("fd00::/8", "10.0.0.1", false), ("2001:db8::/64", "2001:db8::ffff:0:0:1", true),
        ("2001:db8::/64", "2001:db8:0:1::", false), ("2001:db8::8000:0:0:0/65", "2001:db8::ffff:0:0:0", true),
        ("2001:db8::8000:0:0:0/65", "2001:db8::7fff:0:0:0", false), ("::1", "::1", true), ("::1", "::2", false),
        ("::/0", "fe80::1", true), ("::/0", "127.0.0.1", false),
    ])
    func `a block holds the addresses that begin as it does`(block: String, address: String, isIn: Bool) throws {
        let literal = try #require(SocketAddress(literal: address, port: 80))
        #expect(try #require(AddressBlock(block)).contains(literal) == isIn)
    }

    @Test(arguments: [
        "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10/8",
        "10.0.0.0/0008", "fd00::/129", "fd00::1/8", "[::1]", "[fd00::]/8", "example.org", "10.0.0.0:80", "0x0a.0.0.0/8",
        "10.0.0.0/８",
    ])
    func `sloppy blocks are none`(text: String) {
        #expect(AddressBlock(text) == nil)
    }

    /// Every special block of the table: its first and last addresses are inside, their neighbours outside mostly are not.
    @Test(arguments: [
        ("0.0.0.0", "0.255.255.255"), ("10.0.0.0", "10.255.255.255"), ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"), ("169.254.0.0", "169.254.255.255"), ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"), ("192.0.2.0", "192.0.2.255"), ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"), ("198.18.0.0", "198.19.255.255"), ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"), ("224.0.0.0", "255.255.255.255"), ("168.63.129.16", "168.63.129.16"),
        // Unspecified, v4-compatible, loopback, discard, local NAT64, protocol assignments with Teredo and ORCHID.
        ("::", "::1"), ("::127.0.0.1", "::8.8.8.8"), ("100::", "100::ffff"), ("64:ff9b:1::", "64:ff9b:1:ffff::"),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"), ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), ("3fff::", "3fff:fff:ffff::"), ("4000::", "5f00::1"),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ("fe80::", "febf::1"), ("fec0::1", "feff::1"),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        // What hides a v4 address: mapped, NAT64, 6to4, ISATAP.
        ("::ffff:0.0.0.0", "::ffff:255.255.255.255"), ("::ffff:169.254.169.254", "::ffff:192.168.0.1"),
        ("64:ff9b::7f00:1", "64:ff9b::169.254.169.254"), ("2002:7f00:1::", "2002:c0a8:1::1"),
        ("2600::5efe:10.0.0.1", "2600::200:5efe:127.0.0.1"),
    ])
    func `special addresses are not public`(first: String, last: String) throws {
        for text in [first, last] {
            #expect(try #require(SocketAddress(literal: text, port: 80)).isPublic == false, "\(text)")
        }
    }

    @Test(arguments: [
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
        "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.88.98.255",
        "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "203.0.114.0", "223.255.255.255",
        "168.63.129.15", "2000::1", "2001:200::1", "2600::1", "2a00::1", "3ffe::1", "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1", "2600::5efe:8.8.8.8",
    ])
    func `what lies beside them is`(text: String) throws {
        #expect(try #require(SocketAddress(literal: text, port: 80)).isPublic, "\(text)")
    }
}
