import Backends
import Bytes
import Dialects
import FoundationEssentials
import Images
import Registry
import Synchronization

/// The embedded registry with the locations of a store in memory.
final class LocatedBench {
    let directory: String
    let store = FakeStore()
    let reports = Reports()
    private(set) var registry: FileRegistry
    private(set) var located: LocatedBackend
    private var settings: LocatedBackend.Settings

    final class Reports: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    init(
        _ mode: LocatedBackend.Mode, _ configure: (inout LocatedBackend.Settings) -> Void = { _ in }
    ) throws {
        directory = "/tmp/baleen-located-\(UUIDText.random())"
        registry = try FileRegistry(settings: RegistrySettings(directory: directory), workers: InlineWorkers())
        settings = LocatedBackend.Settings(mode: mode)
        settings.keepsObjectIDs = true
        let reports = reports
        settings.report = { reports.add($0) }
        configure(&settings)
        located = LocatedBackend(registry, objects: store, settings: settings)
        store.keep("0123456789")
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// What a stop and a new start do, perhaps with another mode.
    func reopen(_ mode: LocatedBackend.Mode? = nil) async throws {
        await registry.close()
        registry = try FileRegistry(settings: RegistrySettings(directory: directory), workers: InlineWorkers())
        if let mode { settings.mode = mode }
        located = LocatedBackend(registry, objects: store, settings: settings)
    }

    static func request(_ operation: Operation, _ caller: Caller, data: (any BodySource)? = nil) -> BackendRequest {
        BackendRequest(operation: operation, caller: caller, requestID: "req-test", data: data)
    }

    func perform(
        _ operation: Operation, _ caller: Caller = .alice, data: (any BodySource)? = nil
    ) async throws(Failure) -> Outcome {
        try await located.underContract().perform(Self.request(operation, caller, data: data))
    }

    func image(_ operation: Operation, _ caller: Caller = .alice) async throws(Failure) -> Image {
        guard case .image(let image) = try await perform(operation, caller) else { throw Failure(.internal) }
        return image
    }

    func show(_ id: String, _ caller: Caller = .alice) async throws(Failure) -> Image {
        try await image(.showImage(id: id), caller)
    }

    func failure(_ operation: Operation, _ caller: Caller = .alice) async -> Failure? {
        do throws(Failure) {
            _ = try await perform(operation, caller)
            return nil
        } catch {
            return error
        }
    }

    /// The data, and of a part where it stands.
    func data(_ id: String, _ range: String? = nil, _ caller: Caller = .alice) async throws -> String {
        let body: any BodySource
        var place = ""
        switch try await perform(.downloadImage(id: id, range: range.map { DataRange($0) }), caller) {
        case .data(_, let source): body = source
        case .part(let image, let source, let range):
            body = source
            place = "\(range.lowerBound)-\(range.upperBound)/\(image.integer(.size) ?? -1) "
        default: return "?"
        }
        var bytes: [UInt8] = []
        while let piece = try await body.next() { bytes += piece }
        return place + String(decoding: bytes, as: UTF8.self)
    }

    /// Whether nothing of a refused creation is on the disk.
    var isEmpty: Bool {
        registry.count == 0
            && ["images", "staging", "trash"].allSatisfy {
                (try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/\($0)").isEmpty) ?? false
            }
    }

    /// A registration as Plankton's clients make it.
    static func registration(
        _ fields: [ImageField: FieldValue] = [:], _ properties: [String: String] = [:], mustExist: Bool = false
    ) -> Operation {
        var image = Image()
        let said: [ImageField: FieldValue] = [
            .name: .text("n"), .location: .text("pithos://alice/c/o"), .store: .text("pithos"),
            .diskFormat: .text("diskdump"), .containerFormat: .text("bare"), .isPublic: .boolean(false),
        ]
        for (field, value) in said { image[field] = value }
        for (field, value) in fields { image[field] = value }
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) { image.properties.set(name, value) }
        return .createImage(
            ImageCreation(image: image, source: .location, replacesAtLocation: true, mustExist: mustExist))
    }

    /// As a client of the Image API v1 says it.
    static func creation(_ fields: [ImageField: FieldValue] = [:]) -> Operation {
        var image = Image()
        image[.name] = .text("n")
        image[.location] = .text("pithos://alice/c/o")
        image[.diskFormat] = .text("raw")
        image[.containerFormat] = .text("bare")
        for (field, value) in fields { image[field] = value }
        return .createImage(ImageCreation(image: image, source: .location))
    }
}

extension Caller {
    /// Known to the store's own identity system.
    static let alice = Caller(token: "alice-token", user: "alice", system: .astakos)
    static let bob = Caller(token: "bob-token", user: "bob", system: .astakos)
    /// The same person by another system.
    static let keystoneAlice = Caller(token: "k", user: "alice", system: .keystone)
    static let keystoneBob = Caller(token: "k", user: "bob", system: .keystone)
}
