import Bytes
public import Images
public import Registry

/// Gives a registry without staging the calls `stage` and `import glance-direct` of the Image API v2: data wait on the
/// gateway's disk and go to the registry with the import (image-v2 §17). Everything else is the registry's own.
public final class StagingBackend: Backend {
    private let backend: any Backend
    private let spool: StagingSpool

    /// - Parameter spool: where data wait; nobody else may use it.
    public init(_ backend: any Backend, spool: StagingSpool) {
        self.backend = backend
        self.spool = spool
    }

    public var capabilities: RegistryCapabilities {
        var capabilities = backend.capabilities
        if !capabilities.importMethods.contains(Self.method) { capabilities.importMethods.insert(Self.method, at: 0) }
        return capabilities
    }
    public var relays: String? { backend.relays }
    public var authority: String? { backend.authority }
    public var markPrefix: String? { backend.markPrefix }

    public func translates(_ operation: Operation) -> Bool { backend.translates(operation) }

    private static let method = "glance-direct"

    public func relay(_ message: RelayedMessage) async throws(Failure) -> RelayedReply {
        try await backend.relay(message)
    }

    public func image(at location: String, for request: BackendRequest) async throws(Failure) -> Image? {
        try await backend.image(at: location, for: request)
    }

    public func close() async {
        await backend.close()
        spool.close()
    }

    public func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        switch request.operation {
        case .describe: return .capabilities(capabilities)
        case .listImages(let query): return try await list(query, request)
        case .stageData(let id, _): return try await stage(id, request)
        case .importImage(let wanted): return try await importImage(wanted, request)
        case .addLocation(let id, _):
            try await requireNothingStaged(id, request)
            return try await backend.perform(request)
        case .updateImage(let update) where update.source != .none: return try await fill(update.id, request)
        case .deleteImage(let id):
            let key = try await staged(id, request)?.key
            let outcome = try await backend.perform(request)
            if let key { await spool.remove(key) }
            return outcome
        default:
            let outcome = try await backend.perform(request)
            guard case .image(let image) = outcome else { return outcome }
            return .image(try shown(image))
        }
    }

    // MARK: Staging

    private func stage(_ id: String, _ request: BackendRequest) async throws(Failure) -> Outcome {
        guard let data = request.data else { throw Failure(.internal, cause: "data announced and not given") }
        let image = try await backend.image(id, for: request)
        try await backend.requireControl(of: image, request)
        let key = try Self.key(image)
        guard image.status == .queued else { throw Self.transition(of: try shown(image), to: .uploading) }
        let taken = Failure(.conflict, "Image status transition from uploading to uploading is not allowed")
        try await spool.receive(data, as: key, orElse: taken) { () async throws(Failure) in
            // It may have been deleted or filled by others while the data came.
            let after: Image
            do throws(Failure) {
                after = try await backend.image(id, for: request)
            } catch {
                guard error.kind == .imageNotFound else { throw error }
                throw Failure(.imageGone, "Image \(id) was deleted while its data was staged.")
            }
            guard try Self.key(after) == key else {
                throw Failure(.imageGone, "Image \(id) was deleted while its data was staged.")
            }
            guard after.status == .queued else { throw Self.transition(of: after, to: .uploading) }
        }
        return .done
    }

    private func importImage(_ wanted: ImageImport, _ request: BackendRequest) async throws(Failure) -> Outcome {
        guard wanted.method == .staged else {
            try await requireNothingStaged(wanted.id, request)
            return try await backend.perform(request)
        }
        let image = try await backend.image(wanted.id, for: request)
        try await backend.requireControl(of: image, request)
        if let store = wanted.stores.first {
            throw Failure(.conflict, "Store \(store) is not known: there is one store, without a name.")
        }
        let key = try Self.key(image)
        let absent = Self.transition(of: try shown(image), to: .importing)
        guard image.status == .queued else {
            // Filled otherwise: nobody will ask for what waits.
            if image.status == .active { await spool.remove(key) }
            throw absent
        }
        for (field, name) in [(ImageField.diskFormat, "Disk"), (.containerFormat, "Container")]
        where image.text(field) == nil { throw Failure(.conflict, "\(name) format is not specified.") }
        try await spool.send(key, orElse: absent) { data async throws(Failure) in
            var upload = request
            upload.operation = .updateImage(
                ImageUpdate(id: wanted.id, image: Image(), source: .body(length: data.length)))
            upload.data = data
            _ = try await backend.perform(upload)
        }
        return .done
    }

    /// Data that come to the image otherwise make staged ones useless.
    private func fill(_ id: String, _ request: BackendRequest) async throws(Failure) -> Outcome {
        guard let (image, key) = try await staged(id, request) else { return try await backend.perform(request) }
        guard spool.phase(of: key) == .waiting else { throw Self.transition(of: try shown(image), to: .saving) }
        let outcome = try await backend.perform(request)
        await spool.remove(key)
        return outcome
    }

    private func requireNothingStaged(_ id: String, _ request: BackendRequest) async throws(Failure) {
        guard let (image, _) = try await staged(id, request) else { return }
        throw Self.transition(of: try shown(image), to: .importing)
    }

    /// The image and the key of what is staged for it; nil: nothing is.
    private func staged(_ id: String, _ request: BackendRequest) async throws(Failure) -> (image: Image, key: String)? {
        guard !spool.isEmpty else { return nil }
        let image = try await backend.image(id, for: request)
        let key = try Self.key(image)
        return spool.phase(of: key) == nil ? nil : (image, key)
    }

    /// An image made anew under an old id is another one.
    private static func key(_ image: Image) throws(Failure) -> String {
        try StagingSpool.key([image.id, image.time(.createdAt).map { "\($0.seconds)" } ?? ""])
    }

    private static func transition(of image: Image, to status: ImageStatus) -> Failure {
        Failure(
            .conflict, "Image status transition from \(image.text(.status) ?? "") to \(status.rawValue) is not allowed")
    }

    // MARK: What clients see

    /// The image with the status that staging gives it.
    private func shown(_ image: Image) throws(Failure) -> Image {
        guard image.status == .queued || image.status == .saving, !spool.isEmpty,
            let phase = spool.phase(of: try Self.key(image))
        else { return image }
        var image = image
        let status = phase == .leaving ? ImageStatus.importing : .uploading
        image[.status] = .text(status.rawValue)
        return image
    }

    /// A list that is sorted by status shows the registry's, in whose order it is.
    private func list(_ query: ImageQuery, _ request: BackendRequest) async throws(Failure) -> Outcome {
        guard !spool.isEmpty, !query.sort.contains(where: { $0.field == .status }) else {
            return try await backend.perform(request)
        }
        var asked = request
        var wider = query
        var chosen: [ImageQuery.Filter] = []
        wider.filters.removeAll {
            guard case .oneOf(.status, let words) = $0, words.contains(where: Self.isAffected) else { return false }
            chosen.append($0)
            return true
        }
        if !chosen.isEmpty {
            wider.limit = nil
            wider.isDetailed = true
        }
        asked.operation = .listImages(wider)
        guard case .images(let images) = try await backend.perform(asked) else {
            throw Failure(.internal, cause: "a list was asked for, something else came")
        }
        return .images(
            StagedImages(images, limit: chosen.isEmpty ? nil : query.limit) { [self] image throws(Failure) in
                let image = try shown(image)
                return chosen.allSatisfy { $0.matches(image) } ? image : nil
            })
    }

    private static func isAffected(_ word: FieldValue) -> Bool {
        [ImageStatus.queued, .saving, .uploading, .importing].contains { word == .text($0.rawValue) }
    }
}

/// A list whose images are changed or left out on the way.
private final class StagedImages: ImageSource {
    private let source: any ImageSource
    private var rest: Int?
    private let look: (Image) throws(Failure) -> Image?

    /// - Parameters:
    ///   - limit: how many images there are at most; nil: the source knows.
    ///   - look: the image as it is shown; nil: not at all.
    init(_ source: any ImageSource, limit: Int?, _ look: @escaping (Image) throws(Failure) -> Image?) {
        self.source = source
        rest = limit
        self.look = look
    }

    func next() async throws(Failure) -> Image? {
        if rest == 0 { return nil }
        while let image = try await source.next() {
            guard let image = try look(image) else { continue }
            rest? -= 1
            return image
        }
        return nil
    }
}
