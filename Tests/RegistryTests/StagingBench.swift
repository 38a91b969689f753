import Backends
import Bytes
import Glibc
import Images
import Registry
import Synchronization

/// An embedded registry that stands for one without staging, behind a backend that stages for it.
final class StagingBench {
    let bench: Bench
    let inner: GuardedRegistry
    let directory: String
    private(set) var spool: StagingSpool
    private(set) var backend: any Backend

    init(maxBytes: Int64 = 100, calls: DiskCalls = DiskCalls()) throws {
        bench = try Bench()
        inner = GuardedRegistry(bench.registry)
        directory = "\(bench.directory)/deep/staging"
        spool = try StagingSpool(directory: directory, maxBytes: maxBytes, workers: InlineWorkers(), calls: calls)
        backend = StagingBackend(inner, spool: spool).underContract()
    }

    /// What a kill and a new start do to the staging directory.
    func reopen(_ prepare: (String) -> Void = { _ in }) throws {
        spool.close()
        prepare(directory)
        spool = try StagingSpool(directory: directory, maxBytes: 100, workers: InlineWorkers())
        backend = StagingBackend(inner, spool: spool).underContract()
    }

    /// What is in the staging directory, but for the lock.
    var files: [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if ![".", "..", "lock"].contains(name) { names.append(name) }
        }
        return names
    }

    func perform(_ operation: Operation, _ caller: Caller = .alice, data: (any BodySource)? = nil) async throws(Failure)
        -> Outcome
    {
        try await backend.perform(
            BackendRequest(operation: operation, caller: caller, requestID: "req-test", data: data))
    }

    func kind(_ operation: Operation, _ caller: Caller = .alice, data: (any BodySource)? = nil) async -> Failure.Kind? {
        do throws(Failure) {
            _ = try await perform(operation, caller, data: data)
            return nil
        } catch {
            return error.kind
        }
    }

    func stage(_ id: String, _ text: String = "data", _ caller: Caller = .alice) async -> Failure.Kind? {
        await kind(.stageData(id: id, length: nil), caller, data: BytesBody(Array(text.utf8)))
    }

    func take(_ id: String, _ caller: Caller = .alice) async -> Failure.Kind? {
        await kind(.importImage(ImageImport(id: id, method: .staged)), caller)
    }

    func status(_ id: String) async throws -> ImageStatus? {
        guard case .image(let image) = try await perform(.showImage(id: id)) else { return nil }
        return image.status
    }

    func names(_ query: ImageQuery) async throws -> [String] {
        guard case .images(let source) = try await perform(.listImages(query)) else { return [] }
        var names: [String] = []
        while let image = try await source.next() {
            names.append("\(image.text(.name) ?? ""): \(image.text(.status) ?? "")")
        }
        return names
    }
}

/// A registry that never hears of staging, knows callers as a pass-through gateway does not, and can fail uploads.
final class GuardedRegistry: Backend {
    let registry: FileRegistry
    let failsUploads = Mutex(false)
    let staged = Mutex(0)

    init(_ registry: FileRegistry) { self.registry = registry }

    func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        var request = request
        switch request.operation {
        case .stageData, .importImage: staged.withLock { $0 += 1 }
        case .updateImage(let update) where update.source != .none && failsUploads.withLock { $0 }:
            _ = try? await request.data?.next()
            throw Failure(.badGateway, "The registry broke the connection")
        default: break
        }
        if let token = request.caller.token { request.caller = Caller(user: token) }
        return try await registry.perform(request)
    }

    func close() async { await registry.close() }
}
