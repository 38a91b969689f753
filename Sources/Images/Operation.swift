/// What a request means, in canonical terms (mapping §1).
public enum Operation: Sendable {
    /// The versions document; answered by the gateway itself. The status is the dialect's (300 or 200).
    case listVersions(status: Int)
    case listImages(ImageQuery)
    case showImage(id: String)
    /// Data of an active image.
    case downloadImage(id: String)
    case createImage(ImageCreation)
    case updateImage(ImageUpdate)
    case deleteImage(id: String)
    case listMembers(id: String)
    case replaceMembers(id: String, members: [Member])
    /// Adds, or changes `canShare` of an existing member when it is not nil.
    case addMember(id: String, member: Member)
    case removeMember(id: String, memberID: String, absentIsDone: Bool)
    case listSharedImages(SharedImagesQuery)

    /// Name in logs, metrics and vectors (mapping §1).
    public var name: String {
        switch self {
        case .listVersions: "list_versions"
        case .listImages(let query): query.isDetailed ? "list_images_detail" : "list_images"
        case .showImage: "get_image_meta"
        case .downloadImage: "get_image_data"
        case .createImage: "create_image"
        case .updateImage: "update_image"
        case .deleteImage: "delete_image"
        case .listMembers: "list_members"
        case .replaceMembers: "replace_members"
        case .addMember: "add_member"
        case .removeMember: "remove_member"
        case .listSharedImages: "list_shared_images"
        }
    }

    /// The image that is addressed, for logs and for serializing updates of one image.
    public var imageID: String? {
        switch self {
        case .showImage(let id), .downloadImage(let id), .deleteImage(let id), .listMembers(let id),
            .replaceMembers(let id, _), .addMember(let id, _), .removeMember(let id, _, _):
            id
        case .updateImage(let update): update.id
        default: nil
        }
    }

    /// Where the request's data comes from; nil for operations that take none.
    public var source: DataSource? {
        switch self {
        case .createImage(let creation): creation.source
        case .updateImage(let update): update.source
        default: nil
        }
    }

    /// Whether the request's body is image data that the backend must pull.
    public var takesData: Bool { if case .body? = source { true } else { false } }
}

/// Where an image's data comes from.
public enum DataSource: Sendable, Equatable {
    case none
    /// The request's body; nil: the length is not known before the end (chunked).
    case body(length: Int64?)
    /// The data stays where the image's `location` field points.
    case location
    /// The registry fetches and stores a copy, in the background.
    case copyFrom(String)
}

public struct ImageCreation: Sendable {
    /// The fields said; `size` and `checksum` are demands that the data must meet when there is data (mapping §3.7), else
    /// announcements. `location` is set when the source is a location.
    public var image: Image
    public var source: DataSource
    /// Plankton: an image of the caller already registered at the location is replaced, members and all (plankton §2).
    public var replacesAtLocation: Bool
    /// Plankton `PUT /images`: not found unless an image is registered at the location.
    public var mustExist: Bool
    /// Plankton setting `planktonPostReplaces`: false keeps properties that a repeated registration does not name.
    public var purgesOnReplace: Bool
    /// v1: announced size 0 and no data mean an empty, active image (glance-v1 §5.2).
    public var isActiveWhenEmpty: Bool
    public init(
        image: Image, source: DataSource, replacesAtLocation: Bool = false, mustExist: Bool = false,
        purgesOnReplace: Bool = true, isActiveWhenEmpty: Bool = false
    ) {
        self.image = image
        self.source = source
        self.replacesAtLocation = replacesAtLocation
        self.mustExist = mustExist
        self.purgesOnReplace = purgesOnReplace
        self.isActiveWhenEmpty = isActiveWhenEmpty
    }
}

/// Which shared images are asked for; the dialects mean opposite things (mapping §5).
public enum SharedImagesQuery: Sendable, Equatable {
    /// v1: images shared *with* the member, as far as the caller owns them, is the member, or is an administrator.
    case sharedWith(String)
    /// Plankton: images owned *by* the member that the caller can see and that are not public.
    case ownedBy(String)

    public var memberID: String {
        switch self {
        case .sharedWith(let id), .ownedBy(let id): id
        }
    }
}
