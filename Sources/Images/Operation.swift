/// What a request means, in canonical terms (mapping §1).
public enum Operation: Sendable {
    /// The versions document; answered by the gateway itself. The status is the dialect's (300 or 200).
    case listVersions(status: Int)
    case listImages(ImageQuery)
    case showImage(id: String)
    /// Data of an active image; a range of it where the dialect knows ranges (image-v2 §10).
    case downloadImage(id: String, range: DataRange? = nil)
    case createImage(ImageCreation)
    case updateImage(ImageUpdate)
    case deleteImage(id: String)
    case listMembers(id: String)
    case replaceMembers(id: String, members: [Member])
    /// Adds, or changes `canShare` of an existing member when it is not nil.
    ///
    /// A member whose `status` is said (`pending`) comes from the Image API v2, where nobody is added twice and only
    /// `shared` images take members (image-v2 §7, §13); a backend that knows these rules then keeps them and answers with
    /// the member. v1 and Plankton say none.
    case addMember(id: String, member: Member)
    case removeMember(id: String, memberID: String, absentIsDone: Bool)
    case listSharedImages(SharedImagesQuery)

    // What only the Image API v2 has (image-v2 §7).

    case showMember(id: String, memberID: String)
    /// `pending`, `accepted`, `rejected`: set by the member itself or an administrator (image-v2 §13).
    case setMemberStatus(id: String, memberID: String, status: String)
    case deactivateImage(id: String)
    case reactivateImage(id: String)
    case addTag(id: String, tag: String)
    case removeTag(id: String, tag: String)
    /// Data that wait for an import (image-v2 §8); nil: the length is not known before the end.
    case stageData(id: String, length: Int64?)
    case importImage(ImageImport)
    case listLocations(id: String)
    case addLocation(id: String, url: String)
    case deleteFromStore(id: String, store: String)
    /// What the registry can do: stores, import methods, schemas; answered from `Backend.capabilities`.
    case describe(Description)

    /// Which description is asked for.
    public enum Description: Sendable, Equatable {
        case stores(isDetailed: Bool)
        case importMethods
        /// `image`, `images`, `member`, `members`.
        case schema(String)
    }

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
        case .showMember: "show_member"
        case .setMemberStatus: "set_member_status"
        case .deactivateImage: "deactivate_image"
        case .reactivateImage: "reactivate_image"
        case .addTag: "add_tag"
        case .removeTag: "remove_tag"
        case .stageData: "stage_data"
        case .importImage: "import_image"
        case .listLocations: "list_locations"
        case .addLocation: "add_location"
        case .deleteFromStore: "delete_from_store"
        case .describe(.stores): "get_stores"
        case .describe(.importMethods): "get_import_info"
        case .describe(.schema): "get_schema"
        }
    }

    /// The image that is addressed, for logs and for serializing updates of one image.
    public var imageID: String? {
        switch self {
        case .showImage(let id), .downloadImage(let id, _), .deleteImage(let id), .listMembers(let id),
            .replaceMembers(let id, _), .addMember(let id, _), .removeMember(let id, _, _), .showMember(let id, _),
            .setMemberStatus(let id, _, _), .deactivateImage(let id), .reactivateImage(let id), .addTag(let id, _),
            .removeTag(let id, _), .stageData(let id, _), .listLocations(let id), .addLocation(let id, _),
            .deleteFromStore(let id, _):
            id
        case .updateImage(let update): update.id
        case .importImage(let request): request.id
        case .listVersions, .listImages, .createImage, .listSharedImages, .describe: nil
        }
    }

    /// Where the request's data comes from; nil for operations that take none.
    public var source: DataSource? {
        switch self {
        case .createImage(let creation): creation.source
        case .updateImage(let update): update.source
        case .stageData(_, let length): .body(length: length)
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
    /// What the gateway found at the image's `pithos:` location with the rights of who registers it. Then a backend asks
    /// nobody about the location: with `source` `.location` it keeps the location as a reference, active with this size and
    /// hash; with `.body` the data are the object's own, and the location is kept beside them; with `.none` the same data
    /// come later, by an update that says `verified` too: until then the image is `saving`, whoever asks.
    public var verified: VerifiedObject?

    public init(
        image: Image, source: DataSource, replacesAtLocation: Bool = false, mustExist: Bool = false,
        purgesOnReplace: Bool = true, isActiveWhenEmpty: Bool = false, verified: VerifiedObject? = nil
    ) {
        self.verified = verified
        self.image = image
        self.source = source
        self.replacesAtLocation = replacesAtLocation
        self.mustExist = mustExist
        self.purgesOnReplace = purgesOnReplace
        self.isActiveWhenEmpty = isActiveWhenEmpty
    }
}

/// An object of a Pithos+ store as its own answer describes it (astakos-pithos §2.1).
public struct VerifiedObject: Sendable, Equatable {
    /// Bytes.
    public var size: Int64
    /// Top hash of the block map, hex digits in small letters (astakos-pithos §2.4): Plankton's `checksum`, no MD5.
    public var hash: String
    /// Plankton's image id.
    public var uuid: String

    public init(size: Int64, hash: String, uuid: String) {
        self.size = size
        self.hash = hash
        self.uuid = uuid
    }
}

/// An import of the Image API v2 (image-v2 §11).
public struct ImageImport: Sendable, Equatable {
    public enum Method: Sendable, Equatable {
        /// The data staged before become the image's.
        case staged
        /// The registry fetches a copy.
        case webDownload(uri: String)
        /// Copies data that one store has into others.
        case copyImage
        /// Known to some registry, not to the canonical model (`glance-download`, plugins).
        case other(String)
    }

    public var id: String
    public var method: Method
    /// Stores asked for; empty: the default one.
    public var stores: [String]
    public var allStores: Bool
    public var allStoresMustSucceed: Bool

    public init(
        id: String, method: Method, stores: [String] = [], allStores: Bool = false, allStoresMustSucceed: Bool = true
    ) {
        self.id = id
        self.method = method
        self.stores = stores
        self.allStores = allStores
        self.allStoresMustSucceed = allStoresMustSucceed
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
