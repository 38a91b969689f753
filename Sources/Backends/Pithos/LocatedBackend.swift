import Bytes
import Dialects
public import Images

/// Gives a registry that holds data itself the `pithos:` locations of Plankton: images are registered where their objects
/// are, as a reference to them or with a copy of their data, and references are read from the store (plankton §7.2,
/// mapping §3.6). Other locations, and everything else, are the registry's own.
///
/// It stands outside of what changes the caller's token: the store is asked with the one that the client sent.
public final class LocatedBackend: Backend {
    let backend: any Backend
    let objects: any PithosObjects
    let settings: Settings
    let registering = LocationClaims()
    let imports: ImportQueue

    /// What becomes of an image that is registered at a `pithos:` location.
    public enum Mode: String, Sendable, CaseIterable {
        /// The registry keeps the location; the data stay where they are.
        case reference
        /// The registry gets the data, and the location as a note of where they came from.
        case copy = "import"
        /// 400 to the client.
        case reject
    }

    public struct Settings: Sendable {
        public var mode: Mode
        /// Of `copy`: the client is answered before the data are there, with status `saving`.
        public var isBackground = false
        /// The image gets the object's UUID as its id, as in Plankton, where the registry lets ids be chosen.
        public var keepsObjectIDs = false
        /// The gateway's own token at the store, asked for at each use; nil: there is none, and only those who bring a
        /// token of the store's own identity system get at objects.
        public var serviceToken: @Sendable () -> String? = { nil }
        /// Copies in the background that are made at once, and that wait for their turn.
        public var maxImports = 4
        public var maxWaitingImports = 64
        /// Told of copies in the background that failed, and of what they left; holds no tokens.
        public var report: @Sendable (String) -> Void = { _ in }

        public init(mode: Mode) { self.mode = mode }
    }

    public init(_ backend: any Backend, objects: any PithosObjects, settings: Settings) {
        self.backend = backend
        self.objects = objects
        self.settings = settings
        imports = ImportQueue(maxRunning: settings.maxImports, maxWaiting: settings.maxWaitingImports)
    }

    public var capabilities: RegistryCapabilities {
        var capabilities = backend.capabilities
        if settings.mode != .reject { capabilities.hasLocationCalls = true }
        return capabilities
    }
    public var relays: String? { backend.relays }
    public var authority: String? { backend.authority }
    public var markPrefix: String? { backend.markPrefix }

    public func relay(_ message: RelayedMessage) async throws(Failure) -> RelayedReply {
        try await backend.relay(message)
    }

    /// A registry of the client's own dialect would show a reference as `queued`, and has no data of it to send, but would
    /// take some.
    public func translates(_ operation: Operation) -> Bool {
        switch operation {
        case .listImages, .showImage, .downloadImage, .updateImage:
            settings.mode == .reference || backend.translates(operation)
        default: backend.translates(operation)
        }
    }

    public func image(at location: String, for request: BackendRequest) async throws(Failure) -> Image? {
        try await backend.image(at: location, for: request)
    }

    public func close() async {
        await imports.close()
        await backend.close()
    }

    public func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        switch request.operation {
        case .describe: return .capabilities(capabilities)
        case .createImage(let creation) where creation.source == .location:
            guard let text = creation.image.text(.location), Self.isPithos(text) else { break }
            return .image(try await register(creation, at: try location(text), request))
        case .updateImage(let update) where update.source == .location:
            guard let text = update.image.text(.location), Self.isPithos(text) else { break }
            return .image(try await locate(update, at: try location(text), request))
        case .addLocation(let id, let text) where Self.isPithos(text):
            _ = try await locate(
                ImageUpdate(id: id, image: Image(), source: .location), at: try location(text), request)
            return .done
        case .downloadImage(let id, let range): return try await read(id, range, request)
        default: break
        }
        return try await backend.perform(request)
    }

    // MARK: Locations

    /// Also spellings of the scheme that are wrong: nobody else shall make something of them.
    private static func isPithos(_ location: String) -> Bool {
        ASCII.equalIgnoringCase(String(decoding: location.utf8.prefix(7), as: UTF8.self), "pithos:")
    }

    private func location(_ text: String) throws(Failure) -> PithosLocation {
        guard settings.mode != .reject else {
            throw Failure(.badRequest, "Images cannot be registered by their location here: '\(text)'")
        }
        do throws(PithosLocation.Fault) {
            return try PithosLocation(text)
        } catch {
            throw Failure(.badRequest, "Invalid location '\(text)'")
        }
    }

    // MARK: The registry

    /// Has the registry carry out an operation whose outcome is an image.
    func image(
        _ operation: Operation, _ request: BackendRequest, data: (any BodySource)? = nil
    ) async throws(Failure) -> Image {
        var asked = request
        asked.operation = operation
        asked.data = data
        guard case .image(let image) = try await backend.perform(asked) else {
            throw Failure(.internal, cause: "\(operation.name): something else than an image came")
        }
        return image
    }

    func done(_ operation: Operation, _ request: BackendRequest) async throws(Failure) {
        var asked = request
        asked.operation = operation
        asked.data = nil
        _ = try await backend.perform(asked)
    }
}
