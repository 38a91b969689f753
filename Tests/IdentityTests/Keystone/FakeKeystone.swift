import Bytes
import EventLoop
import Glibc
import HTTP
import Images
import Synchronization
import Upstream

@testable import Identity

/// A Keystone that answers as a test tells it to and remembers what it was asked.
final class FakeKeystone: Transport {
    struct Request: Sendable {
        var method: String
        var target: String
        var token: String?
        var subject: String?
        var contentType: String?
        var body: String

        var line: String { "\(method) \(target)" }
    }

    struct Answer: Sendable {
        var status: Int
        var token: String?
        var body = ""

        /// v3's answer to a password or credential.
        static func granted(_ token: String, life: Int64 = 3600, roles: [String] = ["service"]) -> Answer {
            Answer(status: 201, token: token, body: FakeKeystone.document(life: life, roles: roles))
        }

        static func status(_ status: Int, _ body: String = "") -> Answer { Answer(status: status, body: body) }
    }

    private let seen = Mutex<[Request]>([])
    private let respond: @Sendable (Request, _ count: Int) async throws(TransportError) -> Answer

    /// - Parameter respond: gets the request and how many of its method came before.
    init(_ respond: @escaping @Sendable (Request, Int) async throws(TransportError) -> Answer) {
        self.respond = respond
    }

    var requests: [Request] { seen.withLock { $0 } }
    var lines: [String] { requests.map(\.line) }

    func send(_ call: UpstreamCall) async throws(TransportError) -> UpstreamReply {
        var body: [UInt8] = []
        do throws(BodyError) {
            while let piece = try await call.body?.next() { body += piece }
        } catch {
            throw .clientBody(error)
        }
        let request = Request(
            method: call.method, target: call.target, token: call.fields["x-auth-token"],
            subject: call.fields["x-subject-token"], contentType: call.fields["content-type"],
            body: String(decoding: body, as: UTF8.self))
        let count = seen.withLock { seen in
            seen.append(request)
            return seen.count { $0.method == request.method } - 1
        }
        let answer = try await respond(request, count)
        var fields = Fields([("Content-Type", "application/json")])
        if let token = answer.token { fields.append("X-Subject-Token", token) }
        return UpstreamReply(status: answer.status, fields: fields, body: ReplyBytes(Array(answer.body.utf8)))
    }

    /// When the tests take place: 2026-01-01T00:00:00Z.
    static let now = Timestamp(seconds: 1_767_225_600)

    static func document(
        life: Int64 = 3600, roles: [String] = ["member"],
        scope: String = #""project":{"id":"p1","name":"demo","domain":{"id":"default","name":"Default"}},"#
    ) -> String {
        let end = Timestamp(seconds: now.seconds + life).text(.micro) + "Z"
        let list = roles.map { #"{"id":"r-\#($0)","name":"\#($0)"}"# }.joined(separator: ",")
        return #"{"token":{"methods":["password"],"user":{"id":"u1","name":"alice"},\#(scope)"#
            + #""roles":[\#(list)],"expires_at":"\#(end)","issued_at":"2026-01-01T00:00:00.000000Z"}}"#
    }
}

private final class ReplyBytes: ReplyBody {
    private var rest: [UInt8]?
    let length: Int64?

    init(_ bytes: [UInt8]) {
        rest = bytes.isEmpty ? nil : bytes
        length = Int64(bytes.count)
    }

    func next() async throws(BodyError) -> [UInt8]? {
        defer { rest = nil }
        return rest
    }

    func cancel() {}
}

/// A clock that tests set, in seconds after ``FakeKeystone/now``.
final class FakeClock: Sendable {
    private let passed = Mutex<Int64>(0)

    func set(_ seconds: Int64) { passed.withLock { $0 = seconds } }

    @Sendable func time() -> Timestamp { Timestamp(seconds: FakeKeystone.now.seconds + passed.withLock { $0 }) }
}

/// A file of one test, gone with this object.
final class TemporarySecret: Sendable {
    let path: String

    init(_ content: String) throws {
        var name = Array("/tmp/baleen-secret-XXXXXX\0".utf8CString)
        let descriptor = mkstemp(&name)
        struct NoFile: Error {}
        guard descriptor >= 0 else { throw NoFile() }
        close(descriptor)
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        write(Array(content.utf8))
    }

    deinit { unlink(path) }

    func write(_ bytes: [UInt8]) {
        guard let file = fopen(path, "w") else { return }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
}

enum KeystoneFixture {
    /// Runs the body as a task of a fresh loop.
    static func onLoop<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let group = try EventLoopGroup(loops: 1)
        defer { group.stop() }
        return try await run(on: group.next(), body)
    }

    static func run<Result: Sendable>(
        on loop: EventLoop, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let result: Swift.Result<Result, any Error> = await loop.spawn {
            do { return .success(try await body()) } catch { return .failure(error) }
        }.value
        return try result.get()
    }

    static func password(_ secret: TemporarySecret) -> KeystoneCredential {
        KeystoneCredential(
            .password(KeystoneUser(name: "baleen", domain: "Default"), project: "service", projectDomain: "Default"),
            secretFile: secret.path)
    }

    /// The fault that a body throws; nil: it threw none.
    static func fault(_ body: () async throws -> Void) async -> IdentityFault? {
        do {
            try await body()
            return nil
        } catch {
            return error as? IdentityFault
        }
    }
}

extension IdentityFault {
    var text: String {
        switch self {
        case .rejected(let text), .unavailable(let text): text
        }
    }

    var isRejection: Bool { if case .rejected = self { true } else { false } }
}
