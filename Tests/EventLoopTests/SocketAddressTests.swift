import EventLoop
import Posix
import Testing

@Suite struct SocketAddressTests {
    @Test(arguments: ["127.0.0.1:9292", "0.0.0.0:0", "[::1]:80", "[fe80::1:2]:65535", "unix:/run/a.socket"])
    func `addresses print as they were written`(text: String) {
        #expect(SocketAddress(text)?.description == text)
    }

    @Test(arguments: [
        "", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3:80", "01.2.3.4:1", "::1:80", "[1.2.3.4]:80",
        "host:80", "1.2.3.4:+8", "unix:", "1.2.3.4 :80", "[::1%1]:80",
    ])
    func `sloppy addresses are refused`(text: String) {
        #expect(SocketAddress(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1", false), ("10.1.2.3", false), ("172.16.0.1", false), ("172.32.0.1", true), ("192.168.1.1", false),
        ("169.254.169.254", false), ("8.8.8.8", true), ("0.0.0.0", false), ("224.0.0.1", false), ("100.64.0.1", false),
        ("::1", false), ("::", false), ("::ffff:127.0.0.1", false), ("::ffff:8.8.8.8", true), ("fe80::1", false),
        ("fd00::1", false), ("2600::1", true), ("64:ff9b::10.0.0.1", false), ("2002:7f00:1::", false),
    ])
    func `only global addresses are public`(text: String, isPublic: Bool) {
        #expect(SocketAddress(literal: text, port: 80)?.isPublic == isPublic)
    }

    @Test func `names are looked up off the loop and literals not at all`() async throws {
        let found = try await Resolver.resolve("localhost", port: 80, within: .seconds(10))
        #expect(found.contains { !$0.isPublic })
        #expect(try await Resolver.resolve("::1", port: 1, within: .seconds(10)) == [.v6(0, 1, port: 1, scope: 0)])
        await #expect(throws: NameLookup.Failure.self) {
            try await Resolver.resolve("no such host.invalid", port: 1, within: .seconds(10))
        }
    }
}
