public import Bytes
public import Images

/// The document that creates an image (image-v2 §5; mapping §3, §4).
public struct ImageV2Creation: Sendable {
    public enum Publication: Sendable {
        /// As the image says: `public` when it is to be.
        case asAsked
        /// By way of `community` and a mark, when the registry lets nobody else publish.
        case community
    }

    public var image: Image
    public var properties: ImageV2Properties
    /// The size is kept as a mark: no data comes with the request.
    public var announcesSize = false
    /// The same for the checksum.
    public var announcesChecksum = false
    /// Kept as a mark.
    public var location: String?
    /// The gateway brings the data from the location: a mark says so until they are there.
    public var isAwaiting = false
    /// Kept as a mark; nil: none, or the store goes with the upload.
    public var store: String?
    public var publication = Publication.asAsked
    /// Sends the owner, which the registry refuses for another tenant than the caller's.
    public var namesOwner = true

    public init(image: Image, properties: ImageV2Properties) {
        self.image = image
        self.properties = properties
    }

    public var asksForOwner: Bool { namesOwner && image.text(.owner) != nil }
    public var asksForPublic: Bool { publication == .asAsked && image.isPublic }

    /// - Throws: `badRequest` when something can only be kept by a mark and marks are off, or a name is too long.
    public func document() throws(Failure) -> JSONObject {
        var object = JSONObject()
        var marks: [JSONObject.Member] = []
        if let id = image.text(.id), !id.isEmpty {
            object.append("id", .string(ImageV2ID.remote(id)))
            if !UUIDText.isCanonical(id) { marks.append(try properties.mark(.id, id)) }
        }
        if let name = image.text(.name) { object.append("name", .string(name)) }
        if let format = image.text(.diskFormat) {
            let isForeign = ImageV2Formats.isForeign(format)
            object.append("disk_format", .string(isForeign ? ImageV2Formats.stand : format))
            if isForeign { marks.append(try properties.mark(.diskFormat, format)) }
        }
        if let format = image.text(.containerFormat) { object.append("container_format", .string(format)) }
        if let visibility = visibility { object.append("visibility", .string(visibility.rawValue)) }
        if publication == .community, image.isPublic { marks.append(try properties.mark(.isPublic, "True")) }
        if namesOwner, let owner = image.text(.owner) { object.append("owner", .string(owner)) }
        if let size = image.integer(.minRAM) { object.append("min_ram", .integer(size)) }
        if let size = image.integer(.minDisk) { object.append("min_disk", .integer(size)) }
        if let isProtected = image.boolean(.protected) { object.append("protected", .boolean(isProtected)) }
        if let isHidden = image.boolean(.hidden) { object.append("os_hidden", .boolean(isHidden)) }
        if let tags = image.tags { object.append("tags", .array(tags.map(JSONValue.string))) }
        if let location { marks.append(try properties.mark(.location, location)) }
        if isAwaiting { marks.append(try properties.mark(.status, ImageStatus.saving.rawValue)) }
        if let store { marks.append(try properties.mark(.store, store)) }
        if announcesSize, let size = image.integer(.size), size > 0 {
            marks.append(try properties.mark(.size, String(size)))
        }
        if announcesChecksum, let checksum = image.text(.checksum), !checksum.isEmpty {
            marks.append(try properties.mark(.checksum, checksum))
        }
        for mark in marks { object.append(mark.key, mark.value) }
        for property in image.properties.list {
            let stored = try properties.encode(property)
            guard object[stored.key] == nil else {
                throw Failure(.badRequest, "Two properties have the name '\(stored.key)'")
            }
            object.append(stored.key, stored.value)
        }
        return object
    }

    /// Nothing is said about an image that is not to be public: the registry's default is the same.
    private var visibility: Visibility? {
        if image.isPublic { return publication == .community ? .community : .public }
        return image.visibility == .public ? nil : image.visibility
    }
}

/// Disk formats that only Plankton knows (mapping §3.4).
public enum ImageV2Formats {
    /// What stands for them: a registry that checks contents takes anything as raw.
    static let stand = "raw"

    public static func isForeign(_ format: String) -> Bool { ValueRules.planktonDiskFormats.contains(format) }
}
