import Bytes
import FoundationEssentials
import Identity
import Images
import Synchronization
import Testing

@testable import Gateway

/// The file of `identity.kind: "static"`.
@Suite struct StaticTokenFileTests {
    /// The entries of a file with this text, or its mistakes without the file's name.
    private func read(_ text: String) throws -> (tokens: [String], mistakes: [String]) {
        let file = FileManager.default.temporaryDirectory.appending(path: "tokens-\(UUID().uuidString).json5").path
        try Data(text.utf8).write(to: URL(filePath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        do throws(ConfigurationError) {
            return (
                try Configuration.staticTokens(of: file).map {
                    "\($0.sha256.hex.prefix(4)) \($0.user) \($0.tenant ?? "-") \($0.roles)"
                }, []
            )
        } catch {
            return ([], error.mistakes.map { $0.hasPrefix(file + ": ") ? String($0.dropFirst(file.count + 2)) : $0 })
        }
    }

    /// The digest of a token, as a file holds it.
    private static func sha256(_ token: String) -> String { TokenDigest.text(of: token) ?? "too short" }

    @Test func `an entry has a digest and a user, perhaps a tenant and roles`() throws {
        let read = try read(
            """
            { tokens: [
              { sha256: "ef797c8118f02dfb649607dd5d3f8c7623048c9c063d532cc95c5ed7a898a64f", user: "a" },
              { sha256: "\(Self.sha256("secret-2"))", user: "b", tenant: null, roles: [] },
              { sha256: "\(Self.sha256("secret-3").uppercased())", user: "c", tenant: "t", roles: ["x", "admin"] },  // last
            ] }
            """)
        #expect(read.mistakes == [])
        let digests = ["secret-2", "secret-3"].map { Self.sha256($0).prefix(4) }
        #expect(
            read.tokens == ["ef79 a - []", "\(digests[0]) b - []", "\(digests[1]) c t [\"x\", \"admin\"]"])
    }

    private static let digest = sha256("secret-1")

    @Test(arguments: [
        "5", "\"\(digest)\"", "{ user: \"a\" }", "{ sha256: \"\(digest)\" }", "{ sha256: \"\(digest)\", user: \"\" }",
        "{ sha256: \"secret-1\", user: \"a\" }", "{ sha256: \"\(digest)0\", user: \"a\" }",
        "{ sha256: \"x\(digest.dropFirst())\", user: \"a\" }", "{ sha256: 12345678, user: \"a\" }",
        "{ sha256: \"\(digest)\", user: \"a\", tenant: 5 }", "{ sha256: \"\(digest)\", user: \"a\", roles: \"admin\" }",
        "{ sha256: \"\(digest)\", user: \"a\", roles: [5] }", "{ sha256: \"\(digest)\", user: \"a\", role: [] }",
    ])
    func `a wrong entry is named by its place, never by its content`(entry: String) throws {
        let read = try read("{ tokens: [{ sha256: \"\(Self.sha256("secret-0"))\", user: \"z\" }, \(entry), \(entry)] }")
        #expect(read.mistakes.count == 2)
        for (index, mistake) in read.mistakes.enumerated() {
            #expect(mistake.hasPrefix("tokens[\(index + 1)]: must be { sha256: \"64 hex digits\", user: \"...\""))
            #expect(!mistake.contains("secret") && !mistake.contains(Self.digest))
        }
    }

    @Test(arguments: [
        "{ token: \"secret-1\", user: \"a\" }", "{ token: \"secret-1\", sha256: \"\(digest)\", user: \"a\" }",
    ])
    func `a token in clear is refused, with the way to hash it`(entry: String) throws {
        let mistake =
            "tokens[0]: holds a token in clear; put sha256: \"...\" in its place, which `baleen hash-token` makes of it"
        #expect(try read("{ tokens: [\(entry)] }").mistakes == [mistake])
    }

    @Test(arguments: ["1234567", "", "secret 1", "secret-1\n", "secret-\u{7f}1"])
    func `what is no token has no digest`(token: String) { #expect(TokenDigest.text(of: token) == nil) }

    @Test func `the gateway follows changes of the file and says so`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "tokens-\(UUID().uuidString).json5").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        func write(_ token: String) throws {
            try Data("{ tokens: [{ sha256: \"\(Self.sha256(token))\", user: \"\(token)\" }] }".utf8)
                .write(to: URL(filePath: file))
        }
        try write("secret-1")
        let lines = Mutex<[String]>([])
        let identity = try Configuration.watchedTokens(of: file) { line in lines.withLock { $0.append(line) } }
        #expect(try await identity.caller(for: "secret-1").user == "secret-1")
        try write("secret-2")
        let deadline = ContinuousClock.now + .seconds(30)
        var user: String?
        while user == nil, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(50))
            user = try? await identity.caller(for: "secret-2").user
        }
        #expect(user == "secret-2")
        await #expect(throws: Failure.self) { try await identity.caller(for: "secret-1") }
        #expect(lines.withLock { $0 } == ["\(file): read again, tokens: 1"])
    }

    @Test(arguments: ["[]", "{}", "{ tokens: {} }", "{ tokens: [] }", "{ token: [] }", "5"])
    func `a file without entries is a mistake`(text: String) throws {
        #expect(try read(text).mistakes == ["tokens: must be a list of { sha256, user, tenant, roles }"])
    }

    @Test func `a token stands for one user only`() throws {
        let read = try read(
            """
            { tokens: [{ sha256: "\(Self.digest)", user: "a" },
                       { sha256: "\(Self.digest.uppercased())", user: "b", roles: ["admin"] }] }
            """)
        #expect(read.mistakes == ["tokens[1]: has the same token as tokens[0]"])
    }

    @Test func `a file that is no JSON5 or not there is named`() throws {
        let mistakes = try read("{ tokens: [").mistakes
        #expect(mistakes.count == 1 && mistakes[0].hasPrefix("is not JSON5: "))
        let error = #expect(throws: ConfigurationError.self) { try Configuration.staticTokens(of: "/nowhere/t.json5") }
        #expect(error?.mistakes == ["/nowhere/t.json5: cannot be read; the identity's file names it"])
    }

    @Test(arguments: [
        "identity: { kind: \"static\", file: \"/nowhere/t.json5\" }",
        "identities: { some: { kind: \"static\", file: \"/nowhere/t.json5\" } }",
    ])
    func `a configuration is not loaded without the tokens it names`(members: String) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "baleen-\(UUID().uuidString).json5").path
        try Data("{ \(ConfigurationFixture.backends), \(members) }".utf8).write(to: URL(filePath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let error = #expect(throws: ConfigurationError.self) { try Configuration.load(file: file, environment: [:]) }
        #expect(error?.mistakes == ["/nowhere/t.json5: cannot be read; the identity's file names it"])
    }
}
