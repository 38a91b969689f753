import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import Gateway

/// The file of `pithos.tokenFile`.
@Suite(.timeLimit(.minutes(10))) struct WatchedSecretTests {
    /// A path for one test.
    private static func path() -> String {
        FileManager.default.temporaryDirectory.appending(path: "secret-\(UUID().uuidString)").path
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        try Data(bytes).write(to: URL(filePath: path), options: .atomic)
    }

    @Test(arguments: ["token", "token\n", "token\r\n\n"])
    func `the line ends behind a secret are none of it`(text: String) throws {
        let path = Self.path()
        defer { unlink(path) }
        try Self.write(Array(text.utf8), to: path)
        #expect(WatchedSecret(path, report: { _ in })?.current == "token")
    }

    @Test(arguments: [[], Array("\n".utf8), Array("two words".utf8), [0x74, 0, 0x74], [0xff], Array("é".utf8)])
    func `what no header can carry is no secret`(bytes: [UInt8]) throws {
        let path = Self.path()
        defer { unlink(path) }
        try Self.write(bytes, to: path)
        #expect(WatchedSecret(path, report: { _ in }) == nil)
    }

    @Test func `a pipe is no secret, and nobody waits for what may come out of it`() {
        let path = Self.path()
        defer { unlink(path) }
        #expect(mkfifo(path, 0o600) == 0)
        #expect(WatchedSecret(path, report: { _ in }) == nil)
    }

    @Test func `a secret that is written anew counts, one that is gone stays in force and is told once`() async throws {
        let path = Self.path()
        defer { unlink(path) }
        let lines = Mutex<[String]>([])
        try Self.write(Array("first".utf8), to: path)
        let watched = WatchedSecret(path) { line in lines.withLock { $0.append(line) } }
        let secret = try #require(watched)
        try Self.write(Array("second-token".utf8), to: path)
        while secret.current != "second-token" { try await Task.sleep(for: .milliseconds(20)) }
        unlink(path)
        while lines.withLock({ $0.isEmpty }) {
            #expect(secret.current == "second-token")
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(lines.withLock { $0 } == ["\(path): cannot be read, or is empty; what it held before stays in force"])
    }
}
