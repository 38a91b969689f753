public import Bytes

/// What came of an operation that succeeded.
public enum Outcome {
    /// The image after show, create, update.
    case image(Image)
    /// An image and its data. `length` of the body is the data's own, never the metadata's (reliability: length from the
    /// wrong source).
    case data(Image, any BodySource)
    /// A list, pulled one image at a time.
    case images(any ImageSource)
    case members(MemberList)
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

    public init(_ members: [Member], owner: String? = nil, isPublic: Bool? = nil) {
        self.members = members
        self.owner = owner
        self.isPublic = isPublic
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
