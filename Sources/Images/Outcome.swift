public import Bytes

/// What came of an operation that succeeded.
public enum Outcome {
    /// The image after show, create, update.
    case image(Image)
    /// An image and its data. `length` of the body is the data's own, never the metadata's (reliability: length from the
    /// wrong source).
    case data(Image, any BodySource)
    /// A range of an image's data: its half-open offsets in the whole, whose size is the image's.
    case part(Image, any BodySource, range: Range<Int64>)
    /// A list, pulled one image at a time.
    case images(any ImageSource)
    case members(MemberList)
    /// One member of the image with this id, after it was added, changed or asked for (image-v2 §13).
    case member(Member, imageID: String)
    case locations([ImageLocation])
    /// The answer to `Operation.describe`.
    case capabilities(RegistryCapabilities)
    /// The answer of a registry that speaks the client's dialect, as it came (`Backend.relays`).
    case relayed(RelayedReply)
    case sharedImages([SharedImage])
    /// Done, with nothing to show: delete, member changes.
    case done
}

/// The members of one image.
public struct MemberList: Sendable {
    public var members: [Member]
    /// Who owns the image; nil when the backend does not say. Plankton clients are not shown the owner as a member.
    public var owner: String?
    /// Whether the image is public; nil when the backend does not say. Plankton clients are told of no members then.
    public var isPublic: Bool?
    /// Who may see the image; nil when the backend does not say. Image API v2 clients are refused the members of images that
    /// are not `shared` (image-v2 §13).
    public var visibility: Visibility?
    /// When the image was made: stands for the members' times where the backend has none (image-v2 §17).
    public var imageCreatedAt: Timestamp?

    public init(
        _ members: [Member], owner: String? = nil, isPublic: Bool? = nil, visibility: Visibility? = nil,
        imageCreatedAt: Timestamp? = nil
    ) {
        self.members = members
        self.owner = owner
        self.isPublic = isPublic
        self.visibility = visibility
        self.imageCreatedAt = imageCreatedAt
    }
}

/// A place that holds an image's data (image-v2 §12).
public struct ImageLocation: Sendable, Equatable {
    public var url: String
    /// Id of the store it belongs to; nil when the backend does not say.
    public var store: String?

    public init(url: String, store: String? = nil) {
        self.url = url
        self.store = store
    }
}

/// A list that is pulled: images come one at a time, pages are fetched as they are needed, nothing holds the whole list.
public protocol ImageSource: AnyObject {
    /// The next image, nil at the end. After nil or an error no further call is allowed.
    func next() async throws(Failure) -> Image?
}

/// Images already in memory.
public final class ImageArray: ImageSource {
    private var rest: ArraySlice<Image>

    public init(_ images: [Image]) { rest = images[...] }

    public func next() async throws(Failure) -> Image? { rest.popFirst() }
}
