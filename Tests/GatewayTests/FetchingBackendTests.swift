import Backends
import Bytes
import EventLoop
import FoundationEssentials
import Images
import Posix
import Registry
import Synchronization
import Testing
import Upstream

@testable import Gateway

/// Copies that the gateway fetches for a real embedded registry, from a real socket of a listed address.
@Suite struct FetchingBackendTests {
    @Test func `copy-from is answered at once and the data follow`() async throws {
        try await withBench { bench in
            bench.server.delay = .milliseconds(100)
            let image = try await bench.copy()
            #expect(image.status == .queued)
            #expect(try await bench.settled(image.id).status == .active)
            #expect(try await bench.data(of: image.id) == "image")
            #expect(bench.server.requests.count == 1 && bench.reports.isEmpty)
            let request = try #require(bench.server.requests.first)
            let names = request.split(separator: "\r\n").dropFirst().map { $0.prefix { $0 != ":" } }
            #expect(Set(names) == ["Host", "User-Agent", "Accept"] && !request.contains("secret"))
        }
    }

    @Test func `what cannot be fetched kills the image, and the log says why without the URL`() async throws {
        try await withBench { bench in
            let answers = [
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nimage",
                "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:\(bench.forbidden.port)/\r\nContent-Length: 0\r\n\r\n",
                "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
            ]
            for answer in answers {
                bench.server.answer = answer
                let image = try await bench.copy()
                #expect(try await bench.settled(image.id).status == .killed, "\(answer)")
                let report = try #require(bench.reports.last)
                #expect(report.hasPrefix("req-1: the copy for image \(image.id) failed: "))
                #expect(!report.contains("signature") && !report.contains("secret"))
            }
            #expect(bench.reports.count == answers.count && bench.forbidden.connections == 0)
        }
    }

    /// Judged well when the client asked, and bad when it comes to fetching.
    @Test func `a name that leads inside by then is not connected to`() async throws {
        try await withBench { bench in
            let image = try await bench.copy(from: "http://rebinding.invalid:\(bench.forbidden.port)/")
            #expect(try await bench.settled(image.id).status == .killed)
            #expect(bench.forbidden.connections == 0 && bench.server.connections == 0)
        }
    }

    @Test func `a demand on the data is kept`() async throws {
        try await withBench { bench in
            for (size, status) in [(Int64(5), ImageStatus.active), (6, .killed)] {
                var image = Bench.described()
                image[.size] = .integer(size)
                let made = try await bench.copy(image)
                #expect(try await bench.settled(made.id).status == status)
            }
        }
    }

    @Test func `a queued image is filled by copy-from and by web-download`() async throws {
        try await withBench { bench in
            for _ in 0..<2 {
                let id = try await bench.reserve()
                let copied = ImageUpdate(id: id, image: Image(), source: .copyFrom(bench.url))
                guard case .image(let image) = try await bench.perform(.updateImage(copied)) else { return }
                #expect(image.status == .queued)
                #expect(await bench.kind(.updateImage(copied)) == .badRequest, "it is on its way")
                #expect(try await bench.settled(id).status == .active)
                #expect(await bench.kind(.updateImage(copied)) == .badRequest)
                #expect(await bench.kind(bench.download(id)) == .conflict)
            }
            let id = try await bench.reserve()
            #expect(await bench.kind(bench.download(id)) == nil)
            #expect(try await bench.settled(id).status == .active)
            #expect(try await bench.data(of: id) == "image")
            #expect(bench.backend.capabilities.importMethods == ["glance-direct", "web-download"])
        }
    }

    @Test func `a failed web-download leaves the image queued, as servers do`() async throws {
        try await withBench { bench in
            bench.server.answer = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
            let id = try await bench.reserve()
            #expect(await bench.kind(bench.download(id)) == nil)
            while bench.reports.isEmpty { await WebServer.pause(bench.loop, .milliseconds(10)) }
            #expect(try await bench.show(id).status == .queued)
            #expect(bench.reports.first?.hasSuffix("the server answered 500") == true)
        }
    }

    @Test func `who may not change an image does not have it filled`() async throws {
        try await withBench { bench in
            var open = Bench.described()
            open[.visibility] = .text("public")
            let id = try await bench.reserve(open)
            let stranger = Caller(token: "x", user: "mallory", tenant: "mallory")
            let update = ImageUpdate(id: id, image: Image(), source: .copyFrom(bench.url))
            #expect(await bench.kind(.updateImage(update), by: stranger) == .forbidden)
            #expect(await bench.kind(bench.download(id), by: stranger) == .forbidden)
            #expect(await bench.kind(bench.download("no-such-image")) == .imageNotFound)
            #expect(bench.server.connections == 0)
        }
    }

    @Test func `an image without formats takes no copy`() async throws {
        try await withBench { bench in
            let creation = ImageCreation(image: Image(), source: .copyFrom(bench.url))
            #expect(await bench.kind(.createImage(creation)) == .badRequest)
            let id = try await bench.reserve(Image())
            #expect(await bench.kind(bench.download(id)) == .conflict)
            let update = ImageUpdate(id: id, image: Image(), source: .copyFrom(bench.url))
            #expect(await bench.kind(.updateImage(update)) == .badRequest)
            #expect(bench.server.connections == 0)
        }
    }

    @Test func `there are so many fetches and no more`() async throws {
        try await withBench(maxFetches: 1) { bench in
            bench.server.delay = .seconds(2)
            let first = try await bench.copy()
            #expect(await bench.kind(.createImage(bench.creation())) == .unavailable)
            #expect(try await bench.settled(first.id).status == .active)
            // The slot is given back when the fetch has ended, after failed ones, too.
            bench.server.delay = .zero
            bench.server.answer = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
            for _ in 0..<3 {
                await WebServer.pause(bench.loop, .milliseconds(50))
                let next = try await bench.copy()
                #expect(try await bench.settled(next.id).status == .killed)
            }
        }
    }

    @Test func `other data do not come between, and deleting ends the fetch`() async throws {
        try await withBench { bench in
            bench.server.delay = .seconds(3600)
            let image = try await bench.copy()
            let upload = ImageUpdate(id: image.id, image: Image(), source: .body(length: 1))
            #expect(await bench.kind(.updateImage(upload), data: BytesBody([1])) == .conflict)
            #expect(await bench.kind(.stageData(id: image.id, length: 1), data: BytesBody([1])) == .conflict)
            #expect(await bench.kind(.deleteImage(id: image.id)) == nil)
            while bench.reports.isEmpty { await WebServer.pause(bench.loop, .milliseconds(10)) }
            #expect(await bench.kind(.showImage(id: image.id)) == .imageNotFound)
            #expect(bench.reports.count == 1, "nothing is left to complain about")
        }
    }

    @Test func `closing ends what runs and leaves no image waiting`() async throws {
        try await withBench { bench in
            // Longer than anybody would wait for an end that does not come.
            bench.server.delay = .seconds(3600)
            let image = try await bench.copy()
            while bench.server.connections == 0 { await WebServer.pause(bench.loop, .milliseconds(5)) }
            await bench.backend.close()
            #expect(try await bench.show(image.id).status == .killed)
            #expect(await bench.kind(.createImage(bench.creation())) == .unavailable)
        }
    }

    @Test func `where nothing can be killed, an image made for the data goes with them`() async throws {
        try await withBench(kills: false) { bench in
            bench.server.answer = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
            let made = try await bench.copy()
            while await bench.kind(.showImage(id: made.id)) == nil {
                await WebServer.pause(bench.loop, .milliseconds(10))
            }
            let id = try await bench.reserve()
            _ = try await bench.perform(
                .updateImage(ImageUpdate(id: id, image: Image(), source: .copyFrom(bench.url))))
            while bench.reports.count < 2 { await WebServer.pause(bench.loop, .milliseconds(10)) }
            #expect(try await bench.show(id).status == .queued, "one that was there before stays")
        }
    }

    @Test(arguments: [
        ("/v2/images/ID/import", "{\"method\":{\"name\":\"web-download\",\"uri\":\"URL\"}}", 202, 0),
        ("/v2/images/ID/import?x", "{\"method\":{\"uri\":\"URL\",\"name\":\"web-d\\u006fwnload\"}}", 202, 0),
        ("/v2/images/ID/%69mport", "{\"method\":{\"name\":\"web-download\",\"uri\":\"URL\"}}", 202, 0),
        ("/v2/images/ID/import", "{\"method\":{\"name\":\"glance-direct\"}}", 204, 1),
        ("/v2/images/ID/members", "{\"member\":\"x\"}", 204, 1),
        (
            "/v2/images/ID/import",
            "{\"method\":{\"name\":\"glance-direct\",\"name\":\"web-download\",\"uri\":\"URL\"}}", 0, 0
        ),
        ("/v2/images/ID/import", "not json", 0, 0), ("/v2/images/ID/import", "", 0, 0),
        ("/v2/images/ID/import", "{\"method\":{\"name\":\"web-download\"}}", 0, 0),
    ])
    func `an import that crosses unread does not make the registry fetch`(
        target: String, document: String, status: Int, passed: Int
    ) async throws {
        try await withBench { bench in
            let id = try await bench.reserve()
            let relayed = try await bench.relay(
                target.replacing("ID", with: id), document.replacing("URL", with: bench.url))
            #expect(relayed == (status == 0 ? nil : status))
            #expect(bench.inner.relayed.withLock { $0 } == (passed == 0 ? [] : [document]))
            if status == 202 { #expect(try await bench.settled(id).status == .active) }
        }
    }

    private func withBench(
        maxFetches: Int = FetchingBackend.maxFetches, kills: Bool = true,
        _ body: @escaping @Sendable (Bench) async throws -> Void
    ) async throws {
        try await onLoop { loop in
            let bench = try Bench(loop, maxFetches: maxFetches, kills: kills)
            defer { bench.remove() }
            try await body(bench)
        }
    }
}

/// An embedded registry that also takes messages, behind a gateway that fetches from the test's own server alone.
private final class Bench: @unchecked Sendable {
    let loop: EventLoop
    let server: WebServer
    let forbidden: WebServer
    let backend: FetchingBackend
    let inner: RelayingRegistry
    private let folder: String
    private let log = Mutex<[String]>([])

    init(_ loop: EventLoop, maxFetches: Int, kills: Bool) throws {
        self.loop = loop
        folder = FileManager.default.temporaryDirectory.path + "/fetching-\(UUID().uuidString)"
        let registry = try FileRegistry(settings: RegistrySettings(directory: folder), workers: PoolWorkers())
        inner = RelayingRegistry(registry)
        server = try WebServer(loop, host: 0x7f00_0002)
        forbidden = try WebServer(loop, host: 0x7f00_0001)
        var policy = LocationPolicy(schemes: ["http"], allowsPrivate: false)
        policy.hosts = try [#require(HostRule("127.0.0.2"))]
        policy.lookUp = { _, port in [.v4(0x7f00_0001, port: port)] }
        var limits = GuardedFetch.Limits()
        limits.bytes = 1 << 20
        var kill: (@Sendable (String) async throws(Failure) -> Void)?
        if kills { kill = { id async throws(Failure) in try await registry.kill(id) } }
        let holder = Holder()
        backend = FetchingBackend(
            inner, fetch: GuardedFetch(policy: policy, limits: limits), maxFetches: maxFetches,
            kill: kill,
            report: { line in holder.bench?.log.withLock { $0.append(line) } })
        holder.bench = self
    }

    private final class Holder: @unchecked Sendable { weak var bench: Bench? }

    func remove() {
        server.stop()
        forbidden.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    var reports: [String] { log.withLock { $0 } }
    var url: String { "http://127.0.0.2:\(server.port)/image?signature=1" }

    static let owner = Caller(token: "secret", user: "alice", tenant: "alice")

    static func described() -> Image {
        var image = Image()
        image[.name] = .text("copy")
        image[.diskFormat] = .text("raw")
        image[.containerFormat] = .text("bare")
        return image
    }

    func creation(_ image: Image = described(), from url: String? = nil) -> ImageCreation {
        ImageCreation(image: image, source: .copyFrom(url ?? self.url), isActiveWhenEmpty: true)
    }

    func download(_ id: String) -> Operation { .importImage(ImageImport(id: id, method: .webDownload(uri: url))) }

    func perform(
        _ operation: Operation, by caller: Caller = owner, data: (any BodySource)? = nil
    ) async throws(Failure) -> Outcome {
        try await backend.perform(BackendRequest(operation: operation, caller: caller, requestID: "req-1", data: data))
    }

    /// The kind of an operation's failure; nil: it succeeds.
    func kind(
        _ operation: Operation, by caller: Caller = owner, data: (any BodySource)? = nil
    ) async -> Failure.Kind? {
        do throws(Failure) { _ = try await perform(operation, by: caller, data: data) } catch { return error.kind }
        return nil
    }

    func copy(_ image: Image = described(), from url: String? = nil) async throws -> Image {
        try await made(creation(image, from: url))
    }

    func reserve(_ image: Image = described()) async throws -> String {
        try await made(ImageCreation(image: image, source: .none)).id
    }

    private func made(_ creation: ImageCreation) async throws -> Image {
        guard case .image(let image) = try await perform(.createImage(creation)) else { throw Failure(.internal) }
        return image
    }

    func show(_ id: String) async throws -> Image {
        guard case .image(let image) = try await perform(.showImage(id: id)) else { throw Failure(.internal) }
        return image
    }

    /// The image once no data are on their way to it.
    func settled(_ id: String) async throws -> Image {
        for _ in 0..<500 {
            let image = try await show(id)
            if image.status != .queued, image.status != .saving { return image }
            await WebServer.pause(loop, .milliseconds(10))
        }
        return try await show(id)
    }

    func data(of id: String) async throws -> String {
        guard case .data(_, let body) = try await perform(.downloadImage(id: id)) else { throw Failure(.internal) }
        var bytes: [UInt8] = []
        while let piece = try await body.next() { bytes += piece }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The status that a client of the registry's own dialect gets; nil: it is refused.
    func relay(_ target: String, _ document: String) async throws -> Int? {
        let message = RelayedMessage(
            method: "POST", target: target, fields: [], caller: Self.owner, requestID: "req-1",
            body: BytesBody(Array(document.utf8)))
        do throws(Failure) { return try await backend.relay(message).status } catch { return nil }
    }
}

/// The embedded registry with a wire of its own, on which the documents of messages are noted.
private final class RelayingRegistry: Backend {
    private let registry: FileRegistry
    let relayed = Mutex<[String]>([])

    init(_ registry: FileRegistry) { self.registry = registry }

    var capabilities: RegistryCapabilities { registry.capabilities }
    var relays: String? { "image-v2" }

    func perform(_ request: BackendRequest) async throws(Failure) -> Outcome { try await registry.perform(request) }
    func close() async { await registry.close() }

    func relay(_ message: RelayedMessage) async throws(Failure) -> RelayedReply {
        var bytes: [UInt8] = []
        while let piece = try? await message.body?.next() { bytes += piece }
        relayed.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
        return RelayedReply(status: 204, fields: [], body: BytesBody([]))
    }
}
