import Backends
import Bytes
import Dialects
import EventLoop
import HTTP
import Identity
import Images
import Posix
import Registry
import Server
import Synchronization
import Upstream

/// The running gateway: loops, backends, listeners, built from one configuration.
public final class Service: Sendable {
    /// Why the gateway could not start; the text is for the operator.
    public struct StartError: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    private let configuration: Configuration
    private let group: EventLoopGroup
    private let backends: [(name: String, backend: any Backend)]
    private let server: Server
    private let admin: Server?
    private let metrics: Metrics
    private let log: AccessLog?
    private let state = ServiceState()
    /// What start-up found that an operator should know.
    public let findings: [String]

    /// Starts the loops and opens the backends; nothing listens yet. Blocks.
    public init(_ configuration: Configuration) throws(StartError) {
        self.configuration = configuration
        do throws(Errno) {
            group = try EventLoopGroup(loops: configuration.integer("loops").map { Int(clamping: $0) })
        } catch { throw StartError(description: "the event loops cannot start: \(error)") }
        let (backends, findings) = try BackendFactory(configuration).make()
        self.backends = backends
        self.findings = findings
        metrics = Metrics(group.loops)
        log =
            configuration.boolean("log.access") == false
            ? nil
            : AccessLog(
                format: configuration.text("log.format") == "json" ? .json : .text,
                limit: configuration.count("log.queue"))
        let pipeline = try Self.pipeline(configuration, backends, metrics: metrics, log: log)
        server = Server(group: group, handler: pipeline, limits: configuration.serverLimits)
        admin =
            configuration.text("admin.address") == nil
            ? nil : Server(group: group, handler: AdminHandler(metrics: metrics, state: state))
    }

    /// The way of every request before these backends; mounts of others are left out.
    static func pipeline(
        _ configuration: Configuration, _ backends: [(name: String, backend: any Backend)], metrics: Metrics,
        log: AccessLog?
    ) throws(StartError) -> Pipeline {
        var identities = IdentityFactory(configuration)
        let mounts = try mounts(configuration, backends, &identities)
        metrics.watch(identities.caches)
        return Pipeline(
            mounts: mounts,
            locations: LocationPolicy(configuration),
            publicURL: configuration.text("publicURL").map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 },
            metrics: metrics, log: log, unreadBodyBytes: configuration.integer("limits.unreadBody") ?? 0,
            imageBytes: configuration.integer("limits.imageSize") ?? 0, passes: configuration.passes)
    }

    private static func mounts(
        _ configuration: Configuration, _ backends: [(name: String, backend: any Backend)],
        _ identities: inout IdentityFactory
    ) throws(StartError) -> MountTable {
        let dialects = DialectFactory(configuration)
        var mounts: [Mount] = []
        for mount in configuration.mounts {
            guard let backend = backends.first(where: { $0.name == mount.backend }) else { continue }
            mounts.append(
                Mount(
                    prefix: mount.prefix, dialects: dialects.make(mount.dialect, fallback: mount.fallback),
                    backend: backend.backend, backendName: backend.name,
                    identity: try identities.provider(of: mount)))
        }
        return MountTable(mounts)
    }

    /// Listens on every configured address.
    ///
    /// - Returns: the addresses, with the ports that the kernel chose.
    /// - Throws: when an address is taken or not ours.
    func listen() async throws(StartError) -> (listen: [String], admin: String?) {
        var addresses: [String] = []
        for text in configuration.listen { addresses.append(try await Self.listen(server, text)) }
        var administration: String?
        if let admin, let text = configuration.text("admin.address") {
            administration = try await Self.listen(admin, text)
        }
        state.isReady = true
        return (addresses, administration)
    }

    private static func listen(_ server: Server, _ text: String) async throws(StartError) -> String {
        guard let address = SocketAddress(text) else { throw StartError(description: "\(text) is no address") }
        do throws(Errno) { return try await server.listen(on: address).description } catch {
            throw StartError(description: "cannot listen on \(text): \(error)")
        }
    }

    /// Stops accepting, lets requests finish for the configured time, closes the backends, writes the log out; then
    /// `done`, once, whatever a backend or a disk is waiting for by then.
    public func drain(done: @escaping @Sendable () -> Void) {
        state.isReady = false
        let limit = configuration.duration("timeouts.drain")
        let end = OnceOnly { [self] in
            log?.flush()
            done()
        }
        let loop = group.next()
        loop.execute {
            LoopTimer(loop) { end.run() }.arm(after: limit + Self.cutTime)
        }
        server.drain(hardLimit: limit) { [self] in
            group.next().spawn {
                for (_, backend) in self.backends { await backend.close() }
                end.run()
            }
        }
    }

    /// What requests that were cut may take to come to an end.
    private static let cutTime = Duration.seconds(2)

    /// Cuts what still runs: the second signal.
    public func cut() { server.cut() }

    /// Begins to listen; `done` runs once, on a loop, with the addresses or what stood in the way.
    public func start(
        _ done: @escaping @Sendable (Result<(listen: [String], admin: String?), any Error>) -> Void
    ) {
        group.next().spawn {
            do throws(StartError) { done(.success(try await self.listen())) } catch { done(.failure(error)) }
        }
    }
}

/// Runs its work at the first call and never again.
private final class OnceOnly: Sendable {
    private let work: @Sendable () -> Void
    private let hasRun = Atomic(false)

    init(_ work: @escaping @Sendable () -> Void) { self.work = work }

    func run() {
        if !hasRun.exchange(true, ordering: .acquiringAndReleasing) { work() }
    }
}

extension Configuration {
    /// For the operator: what is mounted where, a line each.
    public var summary: String {
        mounts.map { mount in
            let backend = backends.first { $0.name == mount.backend }
            let target = backend?.text("url") ?? backend?.text("directory") ?? ""
            let prefix = mount.prefix.isEmpty ? "/" : mount.prefix
            return "  \(prefix)  \(mount.dialect) -> \(mount.backend) (\(backend?.dialect ?? "?") \(target))"
        }.joined(separator: "\n")
    }
}
