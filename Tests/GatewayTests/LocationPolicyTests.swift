import Images
import Posix
import Testing
import Upstream

@testable import Gateway

/// Which addresses a client may name. No case needs a name server.
@Suite struct LocationPolicyTests {
    static let standard = LocationPolicy(schemes: ["http", "https", "pithos"], allowsPrivate: false)
    static let inside = LocationPolicy(schemes: ["http", "https", "pithos"], allowsPrivate: true)
    static let everyScheme = LocationPolicy(
        schemes: ["http", "https", "pithos", "file", "filesystem", "swift+config", "swift"], allowsPrivate: true)

    private func expectRefusal(
        _ url: String, by policy: LocationPolicy, at place: SourceLocation = #_sourceLocation
    ) async {
        let failure = await #expect(throws: Failure.self, sourceLocation: place) { try await policy.check(url) }
        #expect(failure?.kind == .badRequest, sourceLocation: place)
    }

    @Test(arguments: [
        "file:///etc/passwd", "FILE:///etc/passwd", "filesystem:///var/lib/glance/1", "swift+config://ref/c/o",
        "Swift+Config://ref/c/o",
    ])
    func `local files and store configurations are refused whatever is listed`(url: String) async {
        await expectRefusal(url, by: Self.everyScheme)
    }

    @Test(arguments: [
        "swift://u:k@h/c/o", "ftp://8.8.8.8/i", "gopher://8.8.8.8/", "rbd://a/b/c/d", "http+unix://%2Frun/x",
        "http:8.8.8.8", "http:/8.8.8.8/", "//8.8.8.8/i", "8.8.8.8", "://8.8.8.8", " http://8.8.8.8", "pithos:u/c/o",
        "pithos:/u/c/o", "",
    ])
    func `schemes that are not listed are refused, and so is what has none`(url: String) async {
        await expectRefusal(url, by: Self.inside)
    }

    @Test func `a listed scheme of a store passes`() async {
        await #expect(throws: Never.self) { try await Self.everyScheme.check("swift://u:k@h/c/o") }
    }

    @Test(arguments: [
        // Loopback, this host, private, link-local with the metadata service, carriers', multicast, broadcast.
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1",
        // One to four numbers, decimal, octal, hexadecimal.
        "2130706433", "0x7f000001", "0X7F000001", "017700000001", "127.1", "127.0.1", "0177.0.0.1", "0x7f.1",
        "0x7f.0x0.0x0.0x1", "00000177.0.0.1", "0", "0x0", "0x", "2852039166", "0xa9fea9fe", "169.254.43518",
        "0251.0376.0251.0376", "10.1", "012.1",
        // Too large, too many, no octal: never an address, never public.
        "4294967296", "256.1.1.1", "1.1.1.256", "1.2.3.4.5", "08.8.8.8", "99999999999999999999", "0x1ffffffff",
        // Version 6 and what hides in it.
        "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:10.0.0.1]",
        "[::127.0.0.1]", "[fe80::1]", "[fc00::1]", "[fd12:3456::1]", "[ff02::1]", "[64:ff9b::7f00:1]",
        "[64:ff9b::10.0.0.1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2001:db8::1]",
        // Names that need no look-up.
        "localhost", "LOCALHOST", "localhost.", "a.localhost", "printer.local", "api.internal", "intranet",
        "x.localdomain", "metadata.google.internal", "metadata",
        // A dot at the end.
        "127.0.0.1.", "10.0.0.1.", "2130706433.",
    ])
    func `addresses inside are refused in every spelling unless they are allowed`(host: String) async {
        for scheme in ["http", "https", "HTTP"] {
            for rest in ["", "/", "/i?x=1", ":80/i", "?x", "#x"] {
                await expectRefusal("\(scheme)://\(host)\(rest)", by: Self.standard)
            }
        }
        await #expect(throws: Never.self) { try await Self.inside.check("http://\(host)/i") }
    }

    @Test(arguments: [
        "8.8.8.8", "8.8.8.8.", "1.1.1.1:8080", "134744072", "0x08080808", "010.8.8.8", "172.15.0.1", "172.32.0.1",
        "100.128.0.1", "[2606:4700::1111]", "[2606:4700::1111]:443", "[::ffff:8.8.8.8]", "[64:ff9b::8.8.8.8]",
    ])
    func `public addresses pass`(host: String) async {
        await #expect(throws: Never.self) { try await Self.standard.check("http://\(host)/i?x=1#y") }
        await #expect(throws: Never.self) { try await Self.standard.check("https://\(host)") }
    }

    @Test(arguments: [
        "http://8.8.8.8@127.0.0.1/", "http://user:pass@8.8.8.8/i", "http://8.8.8.8:80@10.0.0.1/", "http://@8.8.8.8/",
        "http://8.8.8.8:/@", "http:///i", "http://", "http://:80/", "http://8.8.8.8:0/", "http://8.8.8.8:65536/",
        "http://8.8.8.8:+80/", "http://8.8.8.8:8a/", "http://8.8.8.8:80:80/", "http://[::1", "http://[::1]x/",
        "http://[8.8.8.8]/", "http://[2606:4700::1111%25eth0]/", "http://2606:4700::1111/", "http://a%2Eb.example/",
        "http://127%2e0.0.1/", "http://ⅼocalhost/", "http://１２７.0.0.1/", "http://127。0。0。1/", "http://.../",
    ])
    func `hosts with users, odd ports and odd letters are refused even inside`(url: String) async {
        guard url != "http://8.8.8.8:/@", url != "http://.../" else {
            return await expectRefusal(url, by: Self.standard)
        }
        await expectRefusal(url, by: Self.inside)
    }

    @Test(arguments: [
        "http://8.8.8.8/a\r\nX-Roles: admin", "http://8.8.8.8/a b", "http://8.8.8.8/\t", "http://8.8.8.8/\u{0}",
        "http://8.8.8.8/\u{7f}", "http://8.8.8.8\\@127.0.0.1/", "pithos://u/c/a\u{1}", "pithos://u/c/a\nb",
        "pithos://u/c/a%0Ab", "pithos://u/c/a%00", "pithos://u/c/%7F", "pithos://u/c/%1b%5B0m",
    ])
    func `control characters, blanks and backslashes are refused`(url: String) async {
        await expectRefusal(url, by: Self.inside)
    }

    @Test(arguments: [
        "pithos://u/c/..", "pithos://u/c/../o", "pithos://u/../o", "pithos://../c/o", "pithos://u/c/./o",
        "pithos://u/c/%2e%2e/o", "pithos://u/c/%2E%2E/o", "pithos://u/c/.%2e/o", "pithos://u/c/%2e/o",
        "pithos://u/c/..%2fo", "pithos://u/c/..%2F..%2Fetc", "pithos://u/c/a%2f..%2fb", "pithos://u/c/a%2F%2e%2e",
        "pithos://u/c/%2e%2e%2f%2e%2e%2fx", "pithos://u%2f../c/o", "PITHOS://u/c/../o",
    ])
    func `store paths that climb are refused in every encoding`(url: String) async {
        await expectRefusal(url, by: Self.inside)
    }

    @Test(arguments: [
        "pithos://u/c/o", "pithos://u@example.org/c/o", "pithos://u/c/a/b/c.diskdump", "pithos://u/c/...",
        "pithos://u/c/..a", "pithos://u/c/a..b", "pithos://u/c/a%20b", "pithos://u/c/a%2Fb", "pithos://u/c/%E2%98%83",
        "pithos://u/c/100%",
    ])
    func `plain store paths pass`(url: String) async {
        await #expect(throws: Never.self) { try await Self.standard.check(url) }
    }

    @Test func `a URL has at most 2048 bytes`() async {
        let url = "http://8.8.8.8/"
        let longest = url + String(repeating: "x", count: 2048 - url.utf8.count)
        await #expect(throws: Never.self) { try await Self.standard.check(longest) }
        await expectRefusal(longest + "x", by: Self.standard)
    }

    /// What a client is told may quote its URL; the log may not.
    @Test(arguments: ["swift://user:secret@h/c/o", "http://user:secret@8.8.8.8/", "http://127.0.0.1/?sig=secret"])
    func `the log hears nothing of a refused URL`(url: String) async throws {
        let failure = await #expect(throws: Failure.self) { try await Self.standard.check(url) }
        let cause = try #require(failure?.cause)
        #expect(!cause.contains("secret") && !cause.isEmpty)
    }

    @Test func `an operation is judged by where its data comes from`() async {
        var image = Image()
        image[.location] = .text("http://127.0.0.1/i")
        let refused: [Operation] = [
            .createImage(ImageCreation(image: image, source: .location)),
            .createImage(ImageCreation(image: Image(), source: .copyFrom("http://127.0.0.1/i"))),
            .updateImage(ImageUpdate(id: "1", image: image, source: .location)),
            .updateImage(ImageUpdate(id: "1", image: Image(), source: .copyFrom("file:///etc/passwd"))),
        ]
        for operation in refused {
            let failure = await #expect(throws: Failure.self) { try await Self.standard.check(operation) }
            #expect(failure?.kind == .badRequest)
        }
        // A location that is only shown back is not fetched.
        let taken: [Operation] = [
            .updateImage(ImageUpdate(id: "1", image: image)), .showImage(id: "1"),
            .createImage(ImageCreation(image: Image(), source: .body(length: 3))),
        ]
        for operation in taken {
            await #expect(throws: Never.self) { try await Self.standard.check(operation) }
        }
    }

    // MARK: Hosts and ports

    /// Names of the tests resolve to this, whatever the machine's resolver says.
    static let addresses: [String: [String]] = [
        "public.example.org": ["8.8.8.8", "2600::1"], "inside.example.org": ["10.0.0.5"],
        "half.example.org": ["8.8.8.8", "127.0.0.1"], "metadata.example.org": ["169.254.169.254"],
        "mapped.example.org": ["::ffff:10.0.0.5"], "example.org": ["8.8.4.4"], "notexample.org": ["8.8.4.4"],
        "store.internal": ["10.0.0.6"], "nothing.example.org": [],
    ]

    static func policy(
        hosts: [String] = [], ports: [UInt16] = [], private allowsPrivate: Bool = false
    ) throws -> LocationPolicy {
        var policy = LocationPolicy(schemes: ["http", "https", "pithos"], allowsPrivate: allowsPrivate)
        policy.hosts = try hosts.map { try #require(HostRule($0), "\($0)") }
        policy.ports = ports
        policy.lookUp = { name, port in addresses[name]?.compactMap { SocketAddress(literal: $0, port: port) } }
        return policy
    }

    @Test(arguments: [
        ("public.example.org", true), ("PUBLIC.example.ORG.", true), ("inside.example.org", false),
        ("half.example.org", false), ("metadata.example.org", false), ("mapped.example.org", false),
        ("nothing.example.org", false), ("unknown.example.org", false), ("store.internal", false),
    ])
    func `a name is allowed when every address of it is public`(host: String, isAllowed: Bool) async throws {
        let policy = try Self.policy()
        #expect(await Self.allows(policy, "http://\(host)/i") == isAllowed)
        #expect(await Self.approves(policy, "http://\(host)/i") == isAllowed)
    }

    @Test(arguments: [
        // A name listed in full may be inside.
        (["inside.example.org"], "inside.example.org", true), (["inside.example.org"], "INSIDE.example.org.", true),
        (["inside.example.org"], "public.example.org", false), (["inside.example.org"], "10.0.0.5", false),
        (["Store.Internal."], "store.internal", true), (["half.example.org"], "half.example.org", true),
        // A domain: names below it, public ones.
        (["*.example.org"], "public.example.org", true), (["*.example.org"], "example.org", false),
        (["*.example.org"], "notexample.org", false), (["*.example.org"], "inside.example.org", false),
        (["*.example.org"], "half.example.org", false), (["*.example.org", "10.0.0.0/8"], "inside.example.org", true),
        (["*.example.org", "127.0.0.1"], "half.example.org", true),
        // Addresses, in every spelling and behind every name.
        (["10.0.0.0/8"], "10.1.2.3", true), (["10.0.0.0/8"], "0x0a010203", true), (["10.0.0.0/8"], "11.0.0.1", false),
        (["10.0.0.0/8"], "8.8.8.8", false), (["10.0.0.0/8"], "[::ffff:10.0.0.1]", true),
        (["10.0.0.0/8"], "inside.example.org", true), (["10.0.0.0/8"], "public.example.org", false),
        (["10.0.0.0/8"], "half.example.org", false), (["fd00::/8"], "[fd00::1]", true),
        (["fd00::/8"], "[fe80::1]", false),
        (["127.0.0.1"], "2130706433", true), (["127.0.0.1"], "127.0.0.2", false),
    ])
    func `listed hosts are allowed and no others`(hosts: [String], host: String, isAllowed: Bool) async throws {
        let policy = try Self.policy(hosts: hosts)
        #expect(await Self.allows(policy, "http://\(host)/i") == isAllowed)
        #expect(await Self.approves(policy, "https://\(host)/i") == isAllowed)
    }

    @Test(
        arguments: [
            ([], [80, 443], "http://8.8.8.8/", true), ([], [80, 443], "https://8.8.8.8/", true),
            ([], [80, 443], "http://8.8.8.8:443/", true), ([], [80, 443], "http://8.8.8.8:8080/", false),
            ([], [80, 443], "https://8.8.8.8:22/", false), ([], [443], "http://8.8.8.8/", false),
            ([], [], "http://8.8.8.8:25/", true), (["8.8.8.8"], [80], "http://8.8.8.8:8080/", false),
            (["8.8.8.8:8080"], [80], "http://8.8.8.8:8080/", true), (["8.8.8.8:8080"], [80], "http://8.8.8.8/", false),
            (["8.8.8.8:8080", "8.8.4.4"], [80], "http://8.8.4.4:8080/", false),
            (["public.example.org:8080"], [80], "http://public.example.org:8080/", true),
            (["public.example.org:8080"], [80], "http://public.example.org:8081/", false),
            (["*.example.org:8080"], [80], "http://public.example.org:8080/", true),
            (["[fd00::1]:8080"], [80], "http://[fd00::1]:8080/", true),
            (["[fd00::1]:8080"], [80], "http://[fd00::1]/", false),
        ] as [([String], [UInt16], String, Bool)])
    func `ports are those listed, or the host's own`(
        hosts: [String], ports: [UInt16], url: String, isAllowed: Bool
    ) async throws {
        let policy = try Self.policy(hosts: hosts, ports: ports)
        #expect(await Self.allows(policy, url) == isAllowed)
        #expect(await Self.approves(policy, url) == isAllowed)
    }

    @Test(arguments: [
        "", "*", "*.", "*.*.org", "a*.org", "http://example.org", "example.org/x", "example.org:0", "example.org:x",
        "a b",
        "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/8:80", "0x7f.1", "127.1", "[::1]", "[::1]:0", "u@example.org",
        "*.10.0.0.1",
    ])
    func `what is no host cannot be listed`(text: String) {
        #expect(HostRule(text) == nil)
    }

    @Test func `what is fetched is pinned to the addresses that were judged`() async throws {
        let policy = try Self.policy()
        let target = try await policy.approve("HTTPS://PUBLIC.example.org.?q=\u{e9}#part")
        #expect(target.origin.description == "https://public.example.org")
        #expect(target.target == "/?q=%C3%A9" || target.target == "/?q=%c3%a9")
        #expect(
            target.addresses.map(\.host) == ["8.8.8.8", "2600::1"] && target.addresses.allSatisfy { $0.port == 443 })
        let number = try await policy.approve("http://0x08080808:8080/a%20b")
        #expect(number.origin.description == "http://8.8.8.8:8080" && number.target == "/a%20b")
        await #expect(throws: FetchRefusal.self, "nothing to fetch by http") {
            try await policy.approve("pithos://u/c/o")
        }
    }

    private static func allows(_ policy: LocationPolicy, _ url: String) async -> Bool {
        (try? await policy.check(url)) != nil
    }

    private static func approves(_ policy: LocationPolicy, _ url: String) async -> Bool {
        (try? await policy.approve(url)) != nil
    }
}
