import FoundationEssentials
import Identity
import Testing

@testable import Gateway

/// The file of `identity.kind: "static"`.
@Suite struct StaticTokenFileTests {
    /// The entries of a file with this text, or its mistakes without the file's name.
    private func read(_ text: String) throws -> (tokens: [String], mistakes: [String]) {
        let file = FileManager.default.temporaryDirectory.appending(path: "tokens-\(UUID().uuidString).json5").path
        try Data(text.utf8).write(to: URL(filePath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let configuration = try ConfigurationFixture.read("identity: { kind: \"static\", file: \"\(file)\" }")
        do throws(ConfigurationError) {
            return (
                try configuration.staticTokens().map { "\($0.token) \($0.user) \($0.tenant ?? "-") \($0.roles)" }, []
            )
        } catch {
            return ([], error.mistakes.map { $0.hasPrefix(file + ": ") ? String($0.dropFirst(file.count + 2)) : $0 })
        }
    }

    @Test func `an entry has a token and a user, perhaps a tenant and roles`() throws {
        let read = try read(
            """
            { tokens: [
              { token: "12345678", user: "a" },
              { token: "secret-2", user: "b", tenant: null, roles: [] },
              { token: "secret-3", user: "c", tenant: "t", roles: ["x", "admin"] },  // the last
            ] }
            """)
        #expect(read.mistakes == [])
        #expect(read.tokens == ["12345678 a - []", "secret-2 b - []", "secret-3 c t [\"x\", \"admin\"]"])
    }

    @Test(arguments: [
        "5", "\"secret-1\"", "{ user: \"a\" }", "{ token: \"secret-1\" }", "{ token: \"1234567\", user: \"a\" }",
        "{ token: \"secret-1\", user: \"\" }", "{ token: 12345678, user: \"a\" }",
        "{ token: \"secret-1\", user: \"a\", tenant: 5 }", "{ token: \"secret-1\", user: \"a\", roles: \"admin\" }",
        "{ token: \"secret-1\", user: \"a\", roles: [5] }", "{ token: \"secret-1\", user: \"a\", role: [] }",
    ])
    func `a wrong entry is named by its place, never by its token`(entry: String) throws {
        let read = try read("{ tokens: [{ token: \"secret-0\", user: \"z\" }, \(entry), \(entry)] }")
        #expect(read.mistakes.count == 2)
        for (index, mistake) in read.mistakes.enumerated() {
            #expect(mistake.hasPrefix("tokens[\(index + 1)]: must be { token: \"...\", user: \"...\""))
            #expect(!mistake.contains("secret") && !mistake.contains("1234567"))
        }
    }

    @Test(arguments: ["[]", "{}", "{ tokens: {} }", "{ tokens: [] }", "{ token: [] }", "5"])
    func `a file without entries is a mistake`(text: String) throws {
        #expect(try read(text).mistakes == ["tokens: must be a list of { token, user, tenant, roles }"])
    }

    @Test func `a token stands for one user only`() throws {
        let read = try read(
            "{ tokens: [{ token: \"secret-1\", user: \"a\" }, { token: \"secret-1\", user: \"b\", roles: [\"admin\"] }] }"
        )
        #expect(read.mistakes == ["tokens[1]: has the same token as tokens[0]"])
    }

    @Test func `a file that is no JSON5 or not there is named`() throws {
        let mistakes = try read("{ tokens: [").mistakes
        #expect(mistakes.count == 1 && mistakes[0].hasPrefix("is not JSON5: "))
        let absent = try ConfigurationFixture.read("identity: { kind: \"static\", file: \"/nowhere/t.json5\" }")
        let error = #expect(throws: ConfigurationError.self) { try absent.staticTokens() }
        #expect(error?.mistakes == ["/nowhere/t.json5: cannot be read; identity.file names it"])
    }

    @Test func `a configuration is not loaded without the tokens it names`() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "baleen-\(UUID().uuidString).json5").path
        let text = "{ \(ConfigurationFixture.backends), identity: { kind: \"static\", file: \"/nowhere/t.json5\" } }"
        try Data(text.utf8).write(to: URL(filePath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let error = #expect(throws: ConfigurationError.self) { try Configuration.load(file: file, environment: [:]) }
        #expect(error?.mistakes == ["/nowhere/t.json5: cannot be read; identity.file names it"])
    }

    @Test func `without a file there are no tokens`() throws {
        #expect(try ConfigurationFixture.read("").staticTokens().isEmpty)
    }
}
