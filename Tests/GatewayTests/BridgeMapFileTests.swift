import FoundationEssentials
import Identity
import Testing

@testable import Gateway

/// The file of `identity.bridge.file`.
@Suite struct BridgeMapFileTests {
    /// The map in a file with this text, or its mistakes without the file's name.
    private func read(_ text: String, _ more: String = "") throws -> (map: BridgeMap?, mistakes: [String]) {
        let file = FileManager.default.temporaryDirectory.appending(path: "bridge-\(UUID().uuidString).json5").path
        try Data(text.utf8).write(to: URL(filePath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let configuration = try ConfigurationFixture.read(
            """
            identity: { kind: "astakos", url: "http://a:1",
              bridge: { url: "http://k:5000/v3", file: "\(file)", \(more) } }
            """)
        do throws(ConfigurationError) {
            return (try configuration.bridgeMap(of: configuration.standardIdentity), [])
        } catch {
            return (nil, error.mistakes.map { $0.hasPrefix(file + ": ") ? String($0.dropFirst(file.count + 2)) : $0 })
        }
    }

    @Test func `users and tenants have projects, and projects what opens them`() throws {
        let read = try read(
            """
            { users: { "6f1b": "physics" }, tenants: { acme: "acme" },
              projects: { physics: { applicationCredential: "id", secretFile: "/s" }, acme: { trust: "t" } } }
            """, "template: \"synnefo-{user}\", user: \"baleen\", passwordFile: \"/p\"")
        #expect(read.mistakes == [])
        #expect(
            read.map
                == BridgeMap(
                    users: ["6f1b": "physics"], tenants: ["acme": "acme"],
                    projects: [
                        "physics": .applicationCredential(id: "id", secretFile: "/s"), "acme": .trust(id: "t"),
                    ], template: BridgeTemplate("synnefo-{user}")))
    }

    private static let opened = "{ q: { applicationCredential: \"i\", secretFile: \"s\" } }"

    struct Wrong: Sendable, CustomTestStringConvertible {
        let text: String
        let mistakes: [String]
        var more = ""
        var testDescription: String { text }
    }

    @Test(arguments: [
        Wrong(text: "5", mistakes: ["must be an object with users, tenants and projects"]),
        Wrong(text: "{}", mistakes: ["projects: must be an object of projects and what opens them"]),
        Wrong(text: "{ projects: {} }", mistakes: ["projects: must be an object of projects and what opens them"]),
        Wrong(
            text: "{ users: { a: \"p\" }, user: {}, projects: \(opened) }",
            mistakes: [
                "user: there is no such key; there are users, tenants and projects",
                "users.a: there is no \"p\" in projects",
            ]),
        Wrong(
            text: "{ projects: { q: { applicationCredential: \"i\" }, r: { trust: \"t\", secretFile: \"s\" } } }",
            mistakes: ["q", "r"].map {
                "projects.\($0): must be { applicationCredential: \"ID\", secretFile: \"PATH\" } or { trust: \"ID\" }"
            }),
        Wrong(
            text: "{ projects: { q: { trust: \"t\" } } }",
            mistakes: ["projects.q: a trust needs identity.bridge.user, who uses it"]),
        Wrong(
            text: "{ users: [], tenants: { a: 5 }, projects: \(opened) }",
            mistakes: ["users: a list is not an object of names and projects", "tenants: 5 is not a project's name"]),
        Wrong(
            text: "{ projects: \(opened) }",
            mistakes: [
                "a.json5: identity.bridge.template: \"{user}-{tenant}\" is not a name with one {user} or {tenant} in it"
            ], more: "template: \"{user}-{tenant}\""),
    ])
    func `a mistake names its place and what would be right`(_ wrong: Wrong) throws {
        #expect(try read(wrong.text, wrong.more).mistakes == wrong.mistakes)
    }

    @Test func `the example can be read`() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "config/bridge.example.json5").path
        let configuration = try ConfigurationFixture.read(
            """
            identity: { kind: "static", file: "t",
              bridge: { url: "http://k:5000/v3", file: "\(file)", user: "u", passwordFile: "p" } }
            """)
        #expect(try configuration.bridgeMap(of: configuration.standardIdentity).projects.count == 2)
    }
}
