import Bytes
import Glibc
public import Images
import Synchronization

/// The embedded registry: a directory for each image, an index in memory.
///
///     DIRECTORY/lock                        held while a process uses the registry
///     DIRECTORY/images/KEY/metadata.json    one image; KEY is its id (`ImageKey`)
///     DIRECTORY/images/KEY/data             its data
///     DIRECTORY/images/KEY/staged           data that wait for an import
///     DIRECTORY/staging/TOKEN               an image that is being created, or data on its way to a queued one; one rename
///                                           makes it an image or its data
///     DIRECTORY/trash/TOKEN/                a deleted image on its way out
///
/// Every change is on the disk (file and directory) before it is acknowledged, and comes into being by one rename: what a
/// kill leaves behind is either the old or the new state, and rubbish that the next start sweeps away.
public final class FileRegistry: Backend {
    struct Index: Sendable {
        var records: [ImageKey: ImageRecord] = [:]
        /// Ids being created, and ids of damaged images.
        var reserved: Set<ImageKey> = []
        /// Locations being registered by dialects that have one image at a location.
        var registering: Set<String> = []
        /// Images whose data is on its way, with the upload's token: an image deleted and made anew is another one.
        var uploads: [ImageKey: String] = [:]
        var readOnly: String?
    }

    let settings: RegistrySettings
    let workers: any DiskWorkers
    let disk: Disk
    let index: Mutex<Index>
    /// Serialize changes of one image while they are on their way to the disk. Only workers wait for them.
    let stripes: [Stripe]
    let objects: ObjectStore?
    private let lock: OpenFile
    /// What was swept away or found damaged at start, for the log.
    public let findings: [String]

    final class Stripe: Sendable {
        let mutex = Mutex(())
    }

    /// Opens the registry, sweeps what an unclean end left, and reads all metadata. Blocks.
    ///
    /// - Throws: when the directory cannot be used, or another process uses it.
    public init(settings: RegistrySettings, workers: any DiskWorkers) throws(RegistryOpenError) {
        self.settings = settings
        self.workers = workers
        disk = Disk(calls: settings.calls)
        stripes = (0..<64).map { _ in Stripe() }
        lock = try Self.acquire(settings.directory, disk)
        objects = try settings.objects.map { folder throws(RegistryOpenError) in try ObjectStore(folder) }
        let (found, findings) = try StartUp(directory: settings.directory, disk: disk).run()
        index = Mutex(found)
        self.findings = findings
    }

    private static func acquire(_ directory: String, _ disk: Disk) throws(RegistryOpenError) -> OpenFile {
        do throws(DiskError) {
            try disk.makeDirectories(directory)
            for name in ["images", "staging", "trash"] { try disk.makeDirectory("\(directory)/\(name)") }
            try disk.synchronizeDirectory(directory)
            return try disk.lock(directory)
        } catch {
            throw RegistryOpenError(error, directory)
        }
    }

    /// Why no write is accepted any more; nil while all is well. Set by a failed fsync, ended by a restart only: after it
    /// nobody knows what the disk holds.
    public var readOnlyReason: String? { index.withLock { $0.readOnly } }

    /// How many images there are.
    public var count: Int { index.withLock { $0.records.count } }

    /// Takes no more writes and lets another process, or another registry of this one, have the directory.
    public func close() async {
        index.withLock { if $0.readOnly == nil { $0.readOnly = "it is closed" } }
        flock(lock.descriptor, LOCK_UN)
    }

    public func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        let caller = request.caller
        switch request.operation {
        case .listVersions: throw Failure(.notImplemented, "The registry has no versions of its own.")
        case .listImages(let query): return .images(try await list(query, caller))
        case .showImage(let id): return .image(try visible(id, caller).image)
        case .downloadImage(let id, let range): return try await download(id, range, caller)
        case .createImage(let creation): return .image(try await create(creation, caller, request.data))
        case .updateImage(let update): return .image(try await self.update(update, caller, request.data))
        case .deleteImage(let id): try await delete(id, caller)
        case .listMembers(let id): return .members(try members(id, caller))
        case .replaceMembers(let id, let members): try await replaceMembers(id, members, caller)
        case .addMember(let id, let member): return try await addMember(id, member, caller)
        case .removeMember(let id, let memberID, let absentIsDone):
            try await removeMember(id, memberID, absentIsDone: absentIsDone, caller)
        case .listSharedImages(let query): return .sharedImages(try await sharedImages(query, caller))
        case .showMember(let id, let member): return .member(try self.member(id, member, caller), imageID: id)
        case .setMemberStatus(let id, let member, let status):
            return .member(try await setMemberStatus(id, member, status, caller), imageID: id)
        case .deactivateImage(let id): try await setDeactivated(id, true, caller)
        case .reactivateImage(let id): try await setDeactivated(id, false, caller)
        case .addTag(let id, let tag): try await addTag(id, tag, caller)
        case .removeTag(let id, let tag): try await removeTag(id, tag, caller)
        case .stageData(let id, _): try await stage(id, caller, request.data)
        case .importImage(let request): try await importImage(request, caller)
        case .listLocations(let id): return .locations(try locations(id, caller))
        case .addLocation(let id, let url): try await addLocation(id, url, caller)
        case .deleteFromStore(let id, let store): try deleteFromStore(id, store, caller)
        case .describe: return .capabilities(capabilities)
        }
        return .done
    }

    /// The image if the caller may see it.
    func visible(_ id: String, _ caller: Caller) throws(Failure) -> ImageRecord {
        let key = ImageKey(id)
        guard let record = index.withLock({ $0.records[key] }) else { throw AccessRules.notFound(id) }
        try AccessRules.requireSight(caller, record.image)
        return record
    }
}

/// Why a registry could not be opened.
public enum RegistryOpenError: Error, Sendable, CustomStringConvertible {
    /// Another process holds the lock of this directory.
    case inUse(String)
    /// The `objects` folder is not there or no directory.
    case noObjects(String)
    case disk(DiskError)

    init(_ error: DiskError, _ directory: String) {
        self = error.isLocked ? .inUse(directory) : .disk(error)
    }

    public var description: String {
        switch self {
        case .inUse(let directory): "the registry directory \(directory) is in use by another process"
        case .noObjects(let folder): "the objects folder \(folder) is no directory that can be opened"
        case .disk(let error): "the registry directory cannot be used: \(error)"
        }
    }
}
