/// The canonical image (mapping §1): what every dialect is decoded to and rendered from.
///
/// The same type says what a client wants (`create`, `update`: fields not said are absent) and what a registry answers.
public struct Image: Sendable, Equatable {
    @usableFromInline var values: [FieldValue]
    /// Custom properties, without marks.
    public var properties: Properties
    /// Nil: not said. A set on v2 backends; order as the source had it.
    public var tags: [String]?
    /// Nil: not said.
    public var members: [Member]?

    public init() {
        values = Array(repeating: .absent, count: ImageField.slots)
        properties = Properties()
    }

    @inlinable public subscript(field: ImageField) -> FieldValue {
        get { values[field.slot] }
        set { values[field.slot] = newValue }
    }

    /// Text of a field; nil when absent or null.
    @inlinable public func text(_ field: ImageField) -> String? { self[field].text }
    @inlinable public func integer(_ field: ImageField) -> Int64? { self[field].integer }
    @inlinable public func boolean(_ field: ImageField) -> Bool? { self[field].boolean }
    @inlinable public func time(_ field: ImageField) -> Timestamp? { self[field].time }

    /// The id; "" on an image that a client describes without one.
    public var id: String { text(.id) ?? "" }
    /// Nil when absent or a word that is no canonical status.
    public var status: ImageStatus? { text(.status).flatMap(ImageStatus.init(rawValue:)) }
    public var visibility: Visibility? { text(.visibility).flatMap(Visibility.init(rawValue:)) }
    /// `is_public`, else by visibility, else false.
    public var isPublic: Bool { boolean(.isPublic) ?? (visibility == .public) }

    /// The visibility said, else what `is_public` means in those words (mapping §3.2).
    public var knownVisibility: Visibility { visibility ?? (isPublic ? .public : .shared) }

    /// The fields that are said, in the order of `ImageField`.
    public var statedFields: [ImageField] { ImageField.allCases.filter { !self[$0].isAbsent } }
}

/// Somebody an image is shared with (mapping §1, §3.9).
public struct Member: Sendable, Equatable {
    public var id: String
    /// Nil in a request: leave as it is, false for a new one.
    public var canShare: Bool?
    /// `pending`, `accepted`, `rejected`; nil when the source has none.
    public var status: String?
    /// Nil when the source has no times of members.
    public var createdAt: Timestamp?
    public var updatedAt: Timestamp?

    public init(
        id: String, canShare: Bool? = nil, status: String? = nil, createdAt: Timestamp? = nil,
        updatedAt: Timestamp? = nil
    ) {
        self.id = id
        self.canShare = canShare
        self.status = status
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// One line of a shared-images answer.
public struct SharedImage: Sendable, Equatable {
    public var imageID: String
    public var canShare: Bool

    public init(imageID: String, canShare: Bool) {
        self.imageID = imageID
        self.canShare = canShare
    }
}
