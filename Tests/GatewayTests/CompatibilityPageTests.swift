import Dialects
import FoundationEssentials
import Testing

@testable import Gateway

/// `docs/compatibility.md` is what the tables say, and every numbered difference has its test.
@Suite struct CompatibilityPageTests {
    private static let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test func `the page in docs is fresh; baleen compatibility prints it anew`() throws {
        let page = try Data(contentsOf: Self.top.appending(path: "docs/compatibility.md"))
        #expect(page.elementsEqual((CompatibilityPage.text() + "\n").utf8))
    }

    /// The names of all tests of a difference, in every Swift file of the tests.
    private static func names() throws -> [String] {
        let folder = top.appending(path: "Tests")
        var names: [String] = []
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) where path.hasSuffix(".swift") {
            let source = String(decoding: try Data(contentsOf: folder.appending(path: path)), as: UTF8.self)
            for part in source.split(separator: "func " + "`difference ").dropFirst() {
                names.append("difference " + part.prefix { $0 != "`" })
            }
        }
        return names
    }

    @Test func `every numbered difference has one test of its number and name`() throws {
        let expected = Difference.allCases.map(CompatibilityPage.testName)
        #expect(try Self.names().sorted() == expected.sorted())
    }
}
