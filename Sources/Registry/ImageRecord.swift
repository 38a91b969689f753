import Bytes
import Images

/// What the registry keeps of one image.
struct ImageRecord: Sendable {
    /// As shown; `members` and `tags` are never nil here. While data is on its way the status, `saving` or `uploading`, is
    /// kept in memory only: on the disk the image is `queued` until its data is whole.
    var image: Image
    var data: DataPlace

    var members: [Member] {
        get { image.members ?? [] }
        set { image.members = newValue }
    }

    /// The status on the disk.
    var lastingStatus: FieldValue {
        if data == .awaited { return .text(ImageStatus.saving.rawValue) }
        let isUnderWay = image.status == .saving || (image.status == .uploading && !data.isStaged)
        return isUnderWay ? .text(ImageStatus.queued.rawValue) : image[.status]
    }

    /// Whether both have the same data, which is more than the same id.
    func isSameData(as other: ImageRecord) -> Bool {
        data == other.data && image[.location] == other.image[.location]
    }
}

/// Where an image's data is.
enum DataPlace: Sendable, Equatable {
    case none
    /// The image is active and has no bytes (glance-v1 §5.2: size 0).
    case empty
    /// `data` beside the metadata.
    case file
    /// `staged` beside the metadata: whole, and waiting for an import (image-v2 §11).
    case staged(UploadReceipt)
    /// A file below the `objects` folder, with its size and time of change (ns) when it was last digested.
    case object(size: Int64, modified: Int64)
    /// In another store, at the image's location: whoever made the image knows how to read it there.
    case remote
    /// Nowhere yet: whoever made the image brings it from its location. The image is `saving`, on the disk as well.
    case awaited

    var isStaged: Bool { if case .staged = self { true } else { false } }
}

/// The directory name of an image: its id, every byte but letters, digits, `-` and `_` percent-coded. So `..` is harmless,
/// and since it is ASCII, comparing two as strings compares bytes.
struct ImageKey: Sendable, Hashable {
    /// Longest id in bytes; coded it still fits a file name.
    static let maxBytes = 80
    private static let kept = ByteSet.alphanumeric.union(ByteSet("-_"))
    let name: String

    init(_ id: String) {
        name = PercentCoding.encode(id, keeping: Self.kept)
    }

    static func isPossible(_ id: String) -> Bool {
        !id.isEmpty && id.utf8.count <= maxBytes && id.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}
