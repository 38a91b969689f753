import Bytes
import Dialects
import EventLoop
import FoundationEssentials
import Images
import Registry

/// A registry in a temporary folder that holds just what one operation needs to go well: the image it names, in the state
/// it expects, owned by the caller.
final class Rehearsal: Sendable {
    let registry: FileRegistry
    private let folder: String

    /// Data of the images, and of the files that locations name.
    static let data = Array("rehearsal\n".utf8)
    /// Largest file made for a location that asserts its size, in bytes; larger ones are not there.
    private static let maxFile: Int64 = 64 << 20

    init() throws(Service.StartError) {
        let base = FileManager.default.temporaryDirectory.path
        folder = base + "/baleen-explain-" + UUID().uuidString
        do {
            try FileManager.default.createDirectory(atPath: folder + "/objects", withIntermediateDirectories: true)
        } catch {
            throw Service.StartError(description: "no temporary folder: \(error)")
        }
        let settings = RegistrySettings(directory: folder + "/registry", objects: folder + "/objects")
        do throws(RegistryOpenError) {
            registry = try FileRegistry(settings: settings, workers: PoolWorkers())
        } catch {
            throw Service.StartError(description: "\(error)")
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// Makes what the operation works on.
    ///
    /// - Parameters:
    ///   - caller: who will be seen asking, and owns what is made.
    ///   - dialect: of the registry that is stood in for: some take UUIDs only.
    func prepare(for operation: Images.Operation, by caller: Caller, dialect: String) async {
        if case .createImage(let creation) = operation {
            return file(at: creation.image.text(.location), size: creation.image.integer(.size))
        }
        guard let id = operation.imageID else {
            if case .listImages = operation {
                await make(id: "11111111-1111-4111-8111-111111111111", for: operation, by: caller)
            }
            return
        }
        await make(
            id: Self.takesUUIDsOnly.contains(dialect) ? ImageV2ID.remote(id) : id, original: id, for: operation,
            by: caller)
    }

    private static let takesUUIDsOnly = ["image-v2", "glance-v1"]

    /// The file that a `pithos:` location names.
    private func file(at location: String?, size: Int64?) {
        guard let location, location.hasPrefix("pithos://") else { return }
        let path = folder + "/objects/" + location.dropFirst("pithos://".count)
        let parts = path.split(separator: "/")
        guard parts.count > 2, !parts.contains(".."), (size ?? 0) <= Self.maxFile else { return }
        let parent = "/" + parts.dropLast().joined(separator: "/")
        try? FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        let bytes = size.map { Data(count: Int(clamping: $0)) } ?? Data(Self.data)
        _ = FileManager.default.createFile(atPath: path, contents: bytes)
    }

    private func make(
        id: String, original: String? = nil, for operation: Images.Operation, by caller: Caller
    ) async {
        var image = Image()
        image[.id] = .text(id)
        image[.name] = .text("rehearsal")
        image[.diskFormat] = .text("raw")
        image[.containerFormat] = .text("bare")
        image[.visibility] = .text("shared")
        if let original, !original.sameBytes(as: id) { image.properties.set("gw_id", original) }
        if case .updateImage(let update) = operation {
            for name in update.required { image.properties.set(name, "present") }
        }
        if case .removeTag(_, let tag) = operation { image.tags = [tag] }
        let isReserved = Self.wantsQueued(operation)
        let source: DataSource = isReserved ? .none : .body(length: Int64(Self.data.count))
        // Only a member answers for itself: the image is somebody else's then.
        let owner = if case .setMemberStatus = operation { Self.somebody } else { caller }
        await perform(
            .createImage(ImageCreation(image: image, source: source)), by: owner,
            data: isReserved ? nil : BytesBody(Self.data))
        switch operation {
        case .removeMember(_, let member, _), .showMember(_, let member):
            await perform(.addMember(id: id, member: Member(id: member)), by: owner)
        case .setMemberStatus:
            let member = Member(id: caller.owner ?? "")
            await perform(.addMember(id: id, member: member), by: owner)
        default: break
        }
    }

    private static let somebody = Caller(user: "somebody", tenant: "somebody", roles: ["member"])

    private static func wantsQueued(_ operation: Images.Operation) -> Bool {
        switch operation {
        case .updateImage(let update): update.source != .none
        case .stageData, .importImage, .addLocation: true
        default: false
        }
    }

    private func perform(_ operation: Images.Operation, by caller: Caller, data: (any BodySource)? = nil) async {
        _ = try? await registry.perform(
            BackendRequest(operation: operation, caller: caller, requestID: "req-rehearsal", data: data))
    }
}
