import Bytes
import Glibc
import Images
import Registry
import Synchronization

/// A registry in a directory of its own, and the words to talk to it.
final class Bench {
    let directory: String
    let objects: String
    private(set) var settings: RegistrySettings
    private(set) var registry: FileRegistry

    init(workers: any DiskWorkers = InlineWorkers(), _ configure: (inout RegistrySettings) -> Void = { _ in }) throws {
        var template = Array("/tmp/baleen-registry-XXXXXX".utf8CString)
        directory = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? ""
        }
        objects = "\(directory)/objects"
        mkdir(objects, 0o755)
        var settings = RegistrySettings(directory: "\(directory)/state", objects: objects)
        configure(&settings)
        self.settings = settings
        registry = try FileRegistry(settings: settings, workers: workers)
    }

    deinit { Self.remove(directory) }

    /// What a kill and a new start do: the old process's lock is gone, the disk stays as it is.
    func reopen(_ prepare: (String) -> Void = { _ in }) throws {
        // The lock belongs to the registry: it must be gone before the next one is made.
        let placeholder = try FileRegistry(
            settings: RegistrySettings(directory: "\(directory)/\(UUIDText.random())"), workers: InlineWorkers())
        registry = placeholder
        prepare("\(directory)/state")
        registry = try FileRegistry(settings: settings, workers: InlineWorkers())
    }

    static func remove(_ path: String) {
        if unlink(path) == 0 { return }
        guard let stream = opendir(path) else { return }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        closedir(stream)
        for name in names where name != "." && name != ".." { remove("\(path)/\(name)") }
        rmdir(path)
    }

    static func write(_ text: String, to path: String) {
        guard let file = fopen(path, "w") else { return }
        fputs(text, file)
        fclose(file)
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    func perform(_ operation: Operation, _ caller: Caller = .alice, data: (any BodySource)? = nil) async throws(Failure)
        -> Outcome
    {
        try await registry.underContract().perform(
            BackendRequest(operation: operation, caller: caller, requestID: "req-test", data: data))
    }

    @discardableResult
    func create(_ image: Image, _ source: DataSource = .none, _ caller: Caller = .alice, data: (any BodySource)? = nil)
        async throws(Failure) -> Image
    {
        try await self.image(.createImage(ImageCreation(image: image, source: source)), caller, data: data)
    }

    /// An active image with this text as data.
    @discardableResult
    func upload(_ text: String, _ image: Image, _ caller: Caller = .alice) async throws(Failure) -> Image {
        try await create(image, .body(length: Int64(text.utf8.count)), caller, data: BytesBody(Array(text.utf8)))
    }

    func image(_ operation: Operation, _ caller: Caller = .alice, data: (any BodySource)? = nil) async throws(Failure)
        -> Image
    {
        guard case .image(let image) = try await perform(operation, caller, data: data) else {
            throw Failure(.internal, "no image")
        }
        return image
    }

    func show(_ id: String, _ caller: Caller = .alice) async throws(Failure) -> Image {
        try await image(.showImage(id: id), caller)
    }

    func ids(_ query: ImageQuery = ImageQuery(isDetailed: true), _ caller: Caller = .alice) async throws(Failure)
        -> [String]
    {
        guard case .images(let source) = try await perform(.listImages(query), caller) else { return [] }
        var ids: [String] = []
        while let image = try await source.next() { ids.append(image.text(.name) ?? image.id) }
        return ids
    }

    func data(_ id: String, _ caller: Caller = .alice) async throws -> String {
        guard case .data(_, let body) = try await perform(.downloadImage(id: id), caller) else { return "" }
        var bytes: [UInt8] = []
        while let piece = try await body.next() { bytes += piece }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The kind and message of the failure of an operation, nil when it succeeds.
    func failure(_ operation: Operation, _ caller: Caller = .alice, data: (any BodySource)? = nil) async -> Failure? {
        do throws(Failure) {
            _ = try await perform(operation, caller, data: data)
            return nil
        } catch {
            return error
        }
    }

    func kind(_ operation: Operation, _ caller: Caller = .alice, data: (any BodySource)? = nil) async -> Failure.Kind? {
        await failure(operation, caller, data: data)?.kind
    }
}

extension Caller {
    static let alice = Caller(user: "alice")
    static let bob = Caller(user: "bob")
    static let carol = Caller(user: "carol")
    static let admin = Caller(user: "root", tenant: "ops", roles: ["Admin"])
    static let nobody = Caller()
}

extension Image {
    /// A description: raw and bare unless said otherwise.
    static func of(_ name: String, _ fields: [ImageField: FieldValue] = [:], _ properties: [String: String] = [:])
        -> Image
    {
        var image = Image()
        image[.name] = .text(name)
        image[.diskFormat] = .text("raw")
        image[.containerFormat] = .text("bare")
        for (field, value) in fields { image[field] = value }
        for (name, value) in properties { image.properties.set(name, value) }
        return image
    }
}

/// Gives some pieces, then fails.
final class BrokenBody: BodySource {
    private var pieces: [[UInt8]]
    private let error: BodyError
    private let before: (() async -> Void)?

    init(_ pieces: [[UInt8]], _ error: BodyError, before: (() async -> Void)? = nil) {
        self.pieces = pieces
        self.error = error
        self.before = before
    }

    var length: Int64? { nil }

    func next() async throws(BodyError) -> [UInt8]? {
        if !pieces.isEmpty { return pieces.removeFirst() }
        await before?()
        throw error
    }
}

/// Runs something between the pieces and the end.
final class SlowBody: BodySource {
    private var piece: [UInt8]?
    private let before: () async -> Void

    init(_ text: String, before: @escaping () async -> Void) {
        piece = Array(text.utf8)
        self.before = before
    }

    var length: Int64? { nil }

    func next() async throws(BodyError) -> [UInt8]? {
        guard let piece else {
            await before()
            return nil
        }
        self.piece = nil
        return piece
    }
}

/// Runs something once before a turn of the workers.
final class SteppedWorkers: DiskWorkers {
    private let next = Mutex<(turns: Int, work: @Sendable () async -> Void)?>(nil)

    /// `work` comes after so many more turns.
    func after(_ turns: Int, _ work: @escaping @Sendable () async -> Void) { next.withLock { $0 = (turns, work) } }

    func run<R: Sendable>(_ work: @escaping @Sendable () -> R) async -> R {
        let due = next.withLock { next -> (@Sendable () async -> Void)? in
            guard let (turns, work) = next else { return nil }
            next = turns > 0 ? (turns - 1, work) : nil
            return turns > 0 ? nil : work
        }
        await due?()
        return work()
    }
}
