import Bytes
import Dialects
import Dispatch
import EventLoop
import HTTP
import Images
import Posix
import Server
import Synchronization
import Upstream

/// What the gateway would do with a request: the road from the mount to the calls of the backend's plan, told without
/// sending anything, or, live, while it is done.
public struct Explainer: Sendable {
    private let configuration: Configuration
    private let isLive: Bool

    /// - Parameter isLive: performs the request on the configured backend; else a registry of this process stands in for
    ///   it, holding just what the request needs.
    public init(_ configuration: Configuration, isLive: Bool) {
        self.configuration = configuration
        self.isLive = isLive
    }

    /// The whole explanation; blocks. Not from an event loop.
    public func explain(_ request: ExplainedRequest) throws(Service.StartError) -> String {
        let group: EventLoopGroup
        do throws(Errno) { group = try EventLoopGroup(loops: 1) } catch {
            throw Service.StartError(description: "the event loop cannot start: \(error)")
        }
        defer { group.stop() }
        let result = Mutex<Result<String, Service.StartError>?>(nil)
        let isDone = DispatchSemaphore(value: 0)
        group.next().spawn {
            let explained: Result<String, Service.StartError>
            do throws(Service.StartError) { explained = .success(try await explainOnLoop(request)) } catch {
                explained = .failure(error)
            }
            result.withLock { $0 = explained }
            isDone.signal()
        }
        isDone.wait()
        return try result.withLock { $0 }?.get() ?? ""
    }

    private func explainOnLoop(_ request: ExplainedRequest) async throws(Service.StartError) -> String {
        var text = ExplanationText()
        text.request(request)
        let mount = configuration.mount(of: String(request.head.path))
        guard let mount, let entry = configuration.backends.first(where: { $0.name == mount.backend }) else {
            text.line("mount", "none: nothing is mounted at \(request.head.path)")
            return text.text
        }
        let stage = try ExplainedBackend.Stage(configuration, entry, isLive: isLive)
        defer { stage.end() }
        let backend = ExplainedBackend(stage)
        let pipeline = try Service.pipeline(
            configuration, [(entry.name, backend)], metrics: Metrics([]), log: nil)
        let framing: BodyLength =
            request.isChunked ? .chunked : request.body.isEmpty ? .none : .length(Int64(request.body.count))
        let asked = ServerRequest(
            head: request.head, framing: framing, body: BytesBody(request.body), peer: RehearsalTransport.peer)
        let judged = pipeline.judged(asked)
        text.mount(mount, entry, judged)
        let response = await pipeline.handle(asked)
        text.operation(backend.operation, backend.message)
        text.plan(stage.exchanges, entry, isLive: isLive)
        if let operation = backend.operation {
            text.fields(of: operation, client: judged.dialect, backend: entry.dialect)
        }
        await text.answer(response, isLive: isLive)
        await backend.close()
        return text.text
    }
}

/// A backend that notes what it is asked before it does it.
final class ExplainedBackend: Backend {
    /// The backend that does the work, and what it sends.
    struct Stage: Sendable {
        let backend: any Backend
        let dialect: String
        fileprivate let rehearsal: Rehearsal?
        private let transport: RecordingTransport?

        init(
            _ configuration: Configuration, _ entry: Configuration.Backend, isLive: Bool
        ) throws(Service.StartError) {
            dialect = entry.dialect
            if isLive {
                let recorder = Mutex<RecordingTransport?>(nil)
                let factory = BackendFactory(configuration) { _, transport in
                    let recording = RecordingTransport(transport)
                    recorder.withLock { $0 = recording }
                    return recording
                }
                backend = try factory.make(entry).backend
                rehearsal = nil
                transport = recorder.withLock { $0 }
                return
            }
            let rehearsal = try Rehearsal()
            self.rehearsal = rehearsal
            guard !entry.isEmbedded else {
                backend = rehearsal.registry
                transport = nil
                return
            }
            let registry = RehearsalTransport(
                DialectFactory(configuration).dialect(entry.dialect), rehearsal.registry)
            let recording = RecordingTransport(registry)
            transport = recording
            backend = try BackendFactory(configuration) { _, _ in recording }.make(entry).backend
        }

        var exchanges: [RecordingTransport.Exchange]? { transport?.exchanges }

        /// Makes what the operation finds.
        fileprivate func prepare(_ operation: Images.Operation, for caller: Caller) async {
            // A remote registry sees whom its stand-in believes the token to be.
            let seen = transport == nil ? caller : RehearsalIdentity.caller
            await rehearsal?.prepare(for: operation, by: seen, dialect: dialect)
        }

        func end() { rehearsal?.remove() }
    }

    private let stage: Stage
    private let noted = Mutex<(operation: Images.Operation?, message: String?)>((nil, nil))

    init(_ stage: Stage) { self.stage = stage }

    var operation: Images.Operation? { noted.withLock { $0.operation } }
    /// The message that was relayed instead of an operation.
    var message: String? { noted.withLock { $0.message } }

    var capabilities: RegistryCapabilities { stage.backend.capabilities }
    var relays: String? { stage.backend.relays }
    var authority: String? { stage.backend.authority }
    var markPrefix: String? { stage.backend.markPrefix }

    func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        noted.withLock { $0.operation = request.operation }
        await stage.prepare(request.operation, for: request.caller)
        return try await stage.backend.perform(request)
    }

    func relay(_ message: RelayedMessage) async throws(Failure) -> RelayedReply {
        noted.withLock { $0.message = "\(message.method) \(message.target)" }
        if let id = Self.imageID(in: message.target) {
            let takesData = message.target.hasSuffix("/file") && message.method == "PUT"
            await stage.prepare(
                takesData ? .stageData(id: id, length: nil) : .showImage(id: id), for: message.caller)
        } else {
            await stage.prepare(.listImages(ImageQuery(isDetailed: true)), for: message.caller)
        }
        return try await stage.backend.relay(message)
    }

    /// The segment behind `/images/`.
    private static func imageID(in target: String) -> String? {
        let path = target.prefix { $0 != "?" }
        let parts = path.split(separator: "/")
        guard let place = parts.firstIndex(of: "images"), place + 1 < parts.count else { return nil }
        return String(parts[place + 1])
    }

    func close() async { await stage.backend.close() }
}
