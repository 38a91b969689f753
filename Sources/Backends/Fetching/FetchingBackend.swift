import Bytes
import EventLoop
public import Images
public import Upstream

/// Gives a registry copies of data elsewhere that the gateway itself fetches: `copy-from` of v1 (glance-v1 §5.2) and the
/// import `web-download` of the Image API v2 (image-v2 §11). Everything else is the registry's own.
///
/// The client is answered at once; the data are fetched in the background and uploaded as the client's own would be. When
/// that fails, the image is killed where the registry can say so, else removed if it was made for the data, else left
/// `queued`; so it is after every failed `web-download`.
public final class FetchingBackend: Backend {
    private let backend: any Backend
    private let fetch: GuardedFetch
    private let fetches: Fetches
    private let kill: (@Sendable (String) async throws(Failure) -> Void)?
    private let report: @Sendable (String) -> Void

    /// Fetches of one backend at one time; more are refused.
    public static let maxFetches = 64

    /// - Parameters:
    ///   - kill: shows a queued image as killed; nil: the registry cannot.
    ///   - report: told in a line, for the log, why a fetch came to nothing.
    public init(
        _ backend: any Backend, fetch: GuardedFetch, maxFetches: Int = FetchingBackend.maxFetches,
        kill: (@Sendable (String) async throws(Failure) -> Void)? = nil, report: @escaping @Sendable (String) -> Void
    ) {
        self.backend = backend
        self.fetch = fetch
        fetches = Fetches(limit: maxFetches)
        self.kill = kill
        self.report = report
    }

    public var capabilities: RegistryCapabilities {
        var capabilities = backend.capabilities
        if !capabilities.importMethods.contains(Self.method) { capabilities.importMethods.append(Self.method) }
        return capabilities
    }
    public var relays: String? { backend.relays }
    public var authority: String? { backend.authority }
    public var markPrefix: String? { backend.markPrefix }

    public func translates(_ operation: Operation) -> Bool { backend.translates(operation) }

    public func image(at location: String, for request: BackendRequest) async throws(Failure) -> Image? {
        try await backend.image(at: location, for: request)
    }

    static let method = "web-download"

    public func close() async {
        await fetches.close()
        await backend.close()
    }

    public func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        switch request.operation {
        case .describe: return .capabilities(capabilities)
        case .createImage(let creation):
            guard case .copyFrom(let url) = creation.source else { break }
            return try await create(creation, from: url, request)
        case .updateImage(let update):
            if case .copyFrom(let url) = update.source { return try await self.update(update, from: url, request) }
            if update.source != .none { try requireIdle(update.id) }
        case .importImage(let wanted):
            if case .webDownload(let url) = wanted.method { return try await importImage(wanted, from: url, request) }
            try requireIdle(wanted.id)
        case .stageData(let id, _), .addLocation(let id, _): try requireIdle(id)
        case .deleteImage(let id):
            let outcome = try await backend.perform(request)
            fetches.cancel(id)
            return outcome
        default: break
        }
        return try await backend.perform(request)
    }

    public func relay(_ message: RelayedMessage) async throws(Failure) -> RelayedReply {
        guard let asked = try await RelayedImport(message) else { return try await backend.relay(message) }
        guard let wanted = asked.download, case .webDownload(let url) = wanted.method else {
            return try await backend.relay(asked.message)
        }
        let request = BackendRequest(
            operation: .importImage(wanted), caller: message.caller, requestID: message.requestID)
        _ = try await importImage(wanted, from: url, request)
        return RelayedReply(status: 202, fields: [], body: BytesBody([]))
    }

    // MARK: What clients ask

    private func create(_ creation: ImageCreation, from url: String, _ request: BackendRequest)
        async throws(Failure) -> Outcome
    {
        try Self.requireFormats(creation.image, .badRequest)
        var plain = request
        var reserved = creation
        reserved.source = .none
        reserved.isActiveWhenEmpty = false
        plain.operation = .createImage(reserved)
        return try await begin(.creation, url, plain)
    }

    private func update(_ update: ImageUpdate, from url: String, _ request: BackendRequest)
        async throws(Failure) -> Outcome
    {
        var present = try await backend.image(update.id, for: request)
        try await backend.requireControl(of: present, request)
        guard present.status == .queued, !fetches.isRunning(update.id) else {
            throw Failure(.badRequest, "Attempted to update Location field for an image not in queued status.")
        }
        for field in [ImageField.diskFormat, .containerFormat] where !update.image[field].isAbsent {
            present[field] = update.image[field]
        }
        try Self.requireFormats(present, .badRequest)
        var plain = request
        var said = update
        said.source = .none
        plain.operation = .updateImage(said)
        return try await begin(.update, url, plain)
    }

    private func importImage(_ wanted: ImageImport, from url: String, _ request: BackendRequest)
        async throws(Failure) -> Outcome
    {
        let image = try await backend.image(wanted.id, for: request)
        try await backend.requireControl(of: image, request)
        if let store = wanted.stores.first {
            throw Failure(.conflict, "Store \(store) cannot be chosen for data that the gateway fetches.")
        }
        guard image.status == .queued, !fetches.isRunning(wanted.id) else {
            throw Failure(
                .conflict,
                "Image status transition from \(image.text(.status) ?? "") to importing is not allowed")
        }
        try Self.requireFormats(image, .conflict)
        try fetches.take()
        try start(Job(purpose: .importing, id: image.id, url: url, request: request))
        return .done
    }

    /// Does what comes before the data, then has them fetched.
    private func begin(_ purpose: Job.Purpose, _ url: String, _ request: BackendRequest)
        async throws(Failure) -> Outcome
    {
        try fetches.take()
        let outcome: Outcome
        do throws(Failure) { outcome = try await backend.perform(request) } catch {
            fetches.release()
            throw error
        }
        guard case .image(let image) = outcome else {
            fetches.release()
            throw Failure(.internal, cause: "an image was asked for, something else came")
        }
        try start(Job(purpose: purpose, id: image.id, url: url, request: request))
        return outcome
    }

    private static func requireFormats(_ image: Image, _ kind: Failure.Kind) throws(Failure) {
        for (field, name) in [(ImageField.diskFormat, "Disk"), (.containerFormat, "Container")]
        where image.text(field) == nil {
            throw Failure(kind, "\(name) format is not specified.")
        }
    }

    /// Data that come otherwise would meet those that are being fetched.
    private func requireIdle(_ id: String) throws(Failure) {
        guard !fetches.isRunning(id) else {
            throw Failure(.conflict, "Cannot upload to an unqueued image", isDetail: true)
        }
    }

    // MARK: The background

    private struct Job: Sendable {
        enum Purpose { case creation, update, importing }

        var purpose: Purpose
        var id: String
        var url: String
        var caller: Caller
        var requestID: String

        init(purpose: Purpose, id: String, url: String, request: BackendRequest) {
            self.purpose = purpose
            self.id = id
            self.url = url
            caller = request.caller
            requestID = request.requestID
        }

        func request(_ operation: Operation, _ data: (any BodySource)? = nil) -> BackendRequest {
            BackendRequest(operation: operation, caller: caller, requestID: requestID, data: data)
        }
    }

    /// Uses up the slot that was taken.
    private func start(_ job: Job) throws(Failure) {
        guard let loop = EventLoop.current else {
            fetches.release()
            throw Failure(.internal, cause: "a fetch can run on a loop only")
        }
        let hasBegun = fetches.start(job.id, on: loop) { [self] in
            guard let cause = await run(job) else { return }
            report("\(job.requestID): the copy for image \(job.id) failed: \(cause)")
            // Whoever ended the fetch does not keep its remains from being cleared away.
            await loop.spawn { [self] in await giveUp(job) }.value
        }
        guard hasBegun else {
            fetches.release()
            throw Failure(.conflict, "Data for this image are being fetched already.")
        }
    }

    /// Fetches and uploads; why that failed, in words for the log.
    private func run(_ job: Job) async -> String? {
        let body: FaultKeepingBody
        do throws(FetchError) { body = FaultKeepingBody(try await fetch.open(job.url)) } catch {
            return error.description
        }
        let upload = ImageUpdate(id: job.id, image: Image(), source: .body(length: body.length))
        do throws(Failure) {
            _ = try await backend.perform(job.request(.updateImage(upload), body))
            return nil
        } catch {
            return body.fault.map { "the data broke off: \($0)" } ?? error.cause ?? error.kind.rawValue
        }
    }

    /// Leaves no image behind that seems to wait for data.
    private func giveUp(_ job: Job) async {
        guard job.purpose != .importing else { return }
        do throws(Failure) {
            if let kill { return try await kill(job.id) }
            guard job.purpose == .creation else { return }
            let image = try await backend.image(job.id, for: job.request(.showImage(id: job.id)))
            guard image.status == .queued else { return }
            _ = try await backend.perform(job.request(.deleteImage(id: job.id)))
        } catch {
            if error.kind == .imageNotFound { return }
            report("\(job.requestID): image \(job.id) stays as it is: \(error.cause ?? error.kind.rawValue)")
        }
    }
}

/// Remembers why its source broke off: the registry's failure does not say.
private final class FaultKeepingBody: BodySource {
    private let source: any BodySource
    private(set) var fault: BodyError?

    init(_ source: any BodySource) { self.source = source }

    var length: Int64? { source.length }

    func next() async throws(BodyError) -> [UInt8]? {
        do throws(BodyError) { return try await source.next() } catch {
            fault = error
            throw error
        }
    }
}
