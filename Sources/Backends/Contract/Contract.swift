import Bytes
import Dialects
import Images

/// A promise of the canonical model that a backend did not keep.
public struct ContractBreach: Error, Sendable, Equatable, CustomStringConvertible {
    /// Name of the operation (`Operation.name`).
    public let operation: String
    /// What was promised, and what came instead: fields and numbers, no values of properties.
    public let promise: String

    public var description: String { "\(operation): \(promise)" }
}

/// What a backend promises for each operation: the kinds of its outcome and of its failures.
enum Contract {
    /// The kinds of outcome there are.
    enum Kind: String {
        case image, data, part, images, members, member, locations, capabilities, relayed, sharedImages, done

        init(_ outcome: Outcome) {
            self =
                switch outcome {
                case .image: .image
                case .data: .data
                case .part: .part
                case .images: .images
                case .members: .members
                case .member: .member
                case .locations: .locations
                case .capabilities: .capabilities
                case .relayed: .relayed
                case .sharedImages: .sharedImages
                case .done: .done
                }
        }
    }

    private struct Row {
        var outcomes: [Kind]
        /// Beside those that every operation may end in.
        var failures: [Failure.Kind]
    }

    /// Whoever asks may be refused, and whatever is asked may find nobody to answer.
    private static let always: Set<Failure.Kind> = [
        .unauthorized, .tokenRejected, .forbidden, .methodNotAllowed, .notImplemented, .clientDisconnected, .badGateway,
        .unavailable, .gatewayTimeout, .internal,
    ]
    private static let data: [Failure.Kind] = [
        .badRequest, .conflict, .imageGone, .storeReadOnly, .tooLarge, .unsupportedMedia, .clientTimedOut,
    ]
    private static let location: [Failure.Kind] = [.locationMissing, .locationNotFound]
    private static let members: [Failure.Kind] = [.badRequest, .imageNotFound, .membershipForbidden]
    private static let memberChanges = members + [.memberNotFound, .conflict, .tooLarge, .storeReadOnly]
    private static let changes: [Failure.Kind] = [.badRequest, .imageNotFound, .conflict, .tooLarge, .storeReadOnly]

    private static func row(of operation: Operation) -> Row {
        switch operation {
        case .listVersions: Row(outcomes: [], failures: [])
        case .listImages: Row(outcomes: [.images], failures: [.badRequest])
        case .showImage: Row(outcomes: [.image], failures: [.badRequest, .imageNotFound])
        case .downloadImage(_, nil):
            Row(outcomes: [.data], failures: [.badRequest, .imageNotFound, .noData, .deactivated])
        case .downloadImage:
            Row(
                outcomes: [.data, .part],
                failures: [.badRequest, .imageNotFound, .noData, .deactivated, .rangeNotSatisfiable])
        case .createImage(let creation):
            Row(
                outcomes: [.image],
                failures: data + location
                    + (creation.mustExist || creation.replacesAtLocation ? [.imageNotFound] : []))
        case .updateImage: Row(outcomes: [.image], failures: data + location + [.imageNotFound])
        case .deleteImage, .deactivateImage, .reactivateImage, .addTag, .removeTag:
            Row(outcomes: [.done], failures: changes)
        case .listMembers: Row(outcomes: [.members], failures: members)
        case .showMember: Row(outcomes: [.member], failures: members + [.memberNotFound])
        case .addMember, .setMemberStatus: Row(outcomes: [.done, .member], failures: memberChanges)
        case .replaceMembers, .removeMember: Row(outcomes: [.done], failures: memberChanges)
        case .listSharedImages: Row(outcomes: [.sharedImages], failures: members + [.tooLarge])
        case .stageData, .importImage, .addLocation, .deleteFromStore:
            Row(outcomes: [.done], failures: data + location + [.imageNotFound, .noData])
        case .listLocations: Row(outcomes: [.locations], failures: [.badRequest, .imageNotFound])
        case .describe: Row(outcomes: [.capabilities], failures: [])
        }
    }

    /// What is wrong with the kind of an outcome; nil: nothing.
    static func complaint(_ outcome: Outcome, of operation: Operation, relays: Bool) -> String? {
        let kind = Kind(outcome)
        let allowed = row(of: operation).outcomes
        if allowed.contains(kind) || (kind == .relayed && relays) { return nil }
        return "an outcome of kind \(kind.rawValue), expected \(allowed.map(\.rawValue).joined(separator: " or "))"
    }

    /// What is wrong with a failure; nil: nothing.
    static func complaint(_ failure: Failure, of operation: Operation) -> String? {
        guard !always.contains(failure.kind), !row(of: operation).failures.contains(failure.kind) else { return nil }
        return "a failure of kind \(failure.kind.rawValue), which it cannot have; \(failure.cause ?? "no cause")"
    }

    // MARK: Images

    /// What is wrong with any image that clients are shown; nil: nothing.
    static func complaint(_ image: Image, id: String? = nil) -> String? {
        guard !image.id.isEmpty else { return "an image without id" }
        if let id, !isNamed(image, id) { return "asked for image \(id), was given \(image.id)" }
        if let word = image.text(.status), image.status == nil { return "status \(word) is none of the canonical ones" }
        if let word = image.text(.visibility), image.visibility == nil { return "visibility \(word) is none" }
        for field in [ImageField.size, .virtualSize, .minRAM, .minDisk]
        where image.integer(field).map({ $0 < 0 }) ?? false {
            return "\(field.rawValue) is negative"
        }
        if let isPublic = image.boolean(.isPublic), let visibility = image.visibility, visibility != .community,
            isPublic != (visibility == .public)
        {
            return "is_public \(isPublic) and visibility \(visibility.rawValue)"
        }
        return nil
    }

    /// A registry that takes UUIDs only knows the image of another id by one that stands for it (mapping §3.5); Plankton
    /// servers take a UUID in capitals and without hyphens (plankton §7.4).
    private static func isNamed(_ image: Image, _ id: String) -> Bool {
        image.id.sameBytes(as: id) || ImageV2ID.remote(image.id).sameBytes(as: id)
            || UUIDText.isLike(id) && digits(image.id).sameBytes(as: digits(id))
    }

    private static func digits(_ id: String) -> String {
        String(decoding: id.utf8.filter(ByteSet.hexDigits.contains).map(ASCII.lower), as: UTF8.self)
    }
}
