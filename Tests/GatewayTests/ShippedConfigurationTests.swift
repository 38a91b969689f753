import FoundationEssentials
import Testing

@testable import Gateway

/// The files of `config/` are right, and `baleen.json5` shows every key with its default.
@Suite struct ShippedConfigurationTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "config")

    private static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json5") }
    }

    private static func load(_ name: String) throws -> Configuration {
        try Configuration.load(file: folder.appending(path: name).path, environment: [:])
    }

    @Test func `every configuration loads without a mistake`() throws {
        let names = try Self.names().filter { !$0.contains(".example.") }
        #expect(names.count >= 5 && names.contains("baleen.json5"))
        for name in names {
            #expect(throws: Never.self, "\(name)") { try Self.load(name) }
        }
    }

    @Test func `every file of tokens can be read`() throws {
        for name in try Self.names() where name.hasPrefix("tokens") {
            let file = Self.folder.appending(path: name).path
            #expect(try Configuration.staticTokens(of: file).count == 2)
        }
    }

    @Test func `the values shown are the defaults`() throws {
        let shown = try Self.load("baleen.json5")
        for key in ConfigSchema.keys where key.path != "admin.address" {
            #expect(shown.values[key.path] == key.standard ?? .null, "\(key.path)")
        }
        #expect(shown.mounts == Configuration.standardMounts)
        #expect(shown.listen == Configuration(origin: "").listen)
    }

    @Test func `every key is shown`() throws {
        let text = try String(contentsOf: Self.folder.appending(path: "baleen.json5"), encoding: .utf8)
        let tree = try ConfigTree.parse(text)
        for key in ConfigSchema.keys {
            var place: ConfigTree? = tree
            for name in key.path.split(separator: ".") {
                guard case .object(let members)? = place else {
                    place = nil
                    break
                }
                place = members[String(name)]
            }
            #expect(place != nil, "\(key.path)")
        }
        for key in ConfigSchema.backends.flatMap(\.keys) {
            // pithos.url may be written as pithos: { url: ... }.
            let names = key.path.split(separator: ".").map(String.init)
            let isShown =
                text.contains(key.path) || names.allSatisfy { text.contains("\($0):") || text.contains("\($0),") }
            #expect(isShown, "\(key.path)")
        }
    }

    @Test func `comments, trailing commas, single quotes and bare keys are JSON5`() throws {
        let configuration = try Configuration.read(
            """
            // A line.
            {
              /* A block,
                 of two lines. */
              'backends': { main: { dialect: 'embedded', "directory": "d", }, },
              limits: { connections: +5, requestLine: 0x400, },  // 1 KiB
              timeouts: { drain: .5, bodyIdle: 2., },
              locations: { schemes: ["http",], },
            }
            """, origin: "a.json5", environment: [:])
        #expect(configuration.integer("limits.connections") == 5)
        #expect(configuration.integer("limits.requestLine") == 1024)
        #expect(configuration.duration("timeouts.drain") == .milliseconds(500))
        #expect(configuration.duration("timeouts.bodyIdle") == .seconds(2))
        #expect(configuration.texts("locations.schemes") == ["http"])
        #expect(configuration.backends.first?.text("directory") == "d")
    }
}
