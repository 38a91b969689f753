import Bytes
import EventLoop
import Glibc
import Images
import Posix
import Synchronization
import Testing

@testable import Identity

/// A token file that changes while the gateway runs.
@Suite struct WatchedTokensTests {
    /// A file whose text names the users, and whose loader refuses the text `wrong`.
    final class Fixture: Sendable {
        let path: String
        let time = HandClock()
        let loads = Atomic(0)
        let lines = Mutex<[String]>([])

        init() { path = "/tmp/baleen-watched-\(getpid())-\(UInt64.random(in: 0 ... .max))" }

        deinit { unlink(path) }

        struct Wrong: Error {}

        func write(_ text: String) {
            // As careful operators do; the inode changes with it.
            let fresh = path + ".new"
            let descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            _ = Array(text.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            close(descriptor)
            rename(fresh, path)
        }

        func load() throws -> [StaticIdentity.Entry] {
            loads.add(1, ordering: .relaxed)
            let descriptor = open(path, O_RDONLY)
            guard descriptor >= 0 else { throw Wrong() }
            defer { close(descriptor) }
            var buffer = [UInt8](repeating: 0, count: 100)
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
            guard text != "wrong" else { throw Wrong() }
            return try text.split(separator: " ").map { user in
                .init(sha256: try SHA256Digest(of: "token-of-\(user)"), user: String(user), tenant: nil, roles: [])
            }
        }

        func watched() throws -> StaticIdentity {
            StaticIdentity(
                try WatchedTokens(
                    file: path, now: time.clock.now, load: { [unowned self] in try load() },
                    report: { [unowned self] line in lines.withLock { $0.append(line) } }))
        }

        /// Whether the users are known, after time has passed.
        func known(_ identity: StaticIdentity, _ users: String..., after seconds: Double = 1) async -> [Bool] {
            time.advance(seconds)
            var known: [Bool] = []
            for user in users { known.append((try? await identity.caller(for: "token-of-\(user)")) != nil) }
            return known
        }
    }

    @Test func `a changed file counts a second later`() async throws {
        let fixture = Fixture()
        fixture.write("alice")
        let identity = try fixture.watched()
        try await onLoop { _ in
            fixture.write("bob")
            #expect(await fixture.known(identity, "alice", "bob", after: 0.9) == [true, false])
            #expect(await fixture.known(identity, "alice", "bob", after: 0.1) == [false, true])
        }
        #expect(fixture.lines.withLock { $0 } == ["\(fixture.path): read again, tokens: 1"])
    }

    @Test func `an unchanged file is not read again`() async throws {
        let fixture = Fixture()
        fixture.write("alice")
        let identity = try fixture.watched()
        try await onLoop { _ in
            for _ in 0..<5 { #expect(await fixture.known(identity, "alice") == [true]) }
        }
        #expect(fixture.loads.load(ordering: .relaxed) == 1 && fixture.lines.withLock { $0.isEmpty })
    }

    @Test func `a file that became wrong or is gone changes nothing and is reported once`() async throws {
        let fixture = Fixture()
        fixture.write("alice")
        let identity = try fixture.watched()
        try await onLoop { _ in
            fixture.write("wrong")
            for _ in 0..<3 { #expect(await fixture.known(identity, "alice") == [true]) }
            unlink(fixture.path)
            for _ in 0..<3 { #expect(await fixture.known(identity, "alice") == [true]) }
            fixture.write("alice bob")
            #expect(await fixture.known(identity, "alice", "bob") == [true, true])
        }
        let kept = "\(fixture.path): the tokens known before stay in force: Wrong()"
        #expect(fixture.lines.withLock { $0 } == [kept, kept, "\(fixture.path): read again, tokens: 2"])
    }

    @Test func `a file that is wrong at the start is an error`() {
        let fixture = Fixture()
        #expect(throws: Fixture.Wrong.self) { try fixture.watched() }
    }

    @Test func `a digest is the one that other tools make`() throws {
        let digest = try SHA256Digest(of: "12345678")
        #expect(digest.hex == "ef797c8118f02dfb649607dd5d3f8c7623048c9c063d532cc95c5ed7a898a64f")
        #expect(SHA256Digest(hex: digest.hex.uppercased()) == digest)
        #expect(try SHA256Digest(of: "").hex.hasPrefix("e3b0c44298fc1c149afbf4c8996fb924"))
        for place in [0, 20, 40, 63] {
            var digits = Array(digest.hex)
            digits[place] = digits[place] == "0" ? "1" : "0"
            #expect(SHA256Digest(hex: String(digits)) != digest)
        }
        for wrong in ["", String(digest.hex.dropLast()), digest.hex + "0", "g" + digest.hex.dropFirst()] {
            #expect(SHA256Digest(hex: wrong) == nil)
        }
    }
}
