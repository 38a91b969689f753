public import Images

/// What becomes of a field of the canonical image in a registry of some dialect (mapping §1, §3, §9): the table that
/// plans, the compatibility page and the round-trip tests all go by.
public enum FieldClass: Sendable, Equatable {
    /// Held under a name of its own, with the same values.
    case native
    /// Held in other words, from which the same value comes back.
    case translated
    /// Held in a custom property.
    case mark(Mark)
    /// Made by the registry; what a client says of it is a demand, an echo, or refused, never stored.
    case made
    /// Refused when a client asks for it.
    case refused
    /// Comes back otherwise, or not at all: the numbered difference says how.
    case lossy(Difference)

    public var mark: Mark? { if case .mark(let mark) = self { mark } else { nil } }
}

/// How the registries of one dialect hold the canonical fields.
public struct HeldFields: Sendable {
    /// The dialect's name in configuration.
    public let dialect: String
    private let classes: [ImageField: FieldClass]
    public let tags: FieldClass
    public let members: FieldClass
    public let memberStatus: FieldClass
    public let canShare: FieldClass
    /// Fields some of whose values come back otherwise.
    public let exceptions: [ImageField: Difference]

    public subscript(field: ImageField) -> FieldClass { classes[field] ?? .native }

    /// Made by every registry.
    private static let made: [ImageField: FieldClass] = [
        .id: .native, .status: .made, .createdAt: .made, .updatedAt: .made, .deletedAt: .made, .osHashAlgo: .made,
        .osHashValue: .made, .virtualSize: .made, .size: .made, .checksum: .made,
    ]

    private init(
        _ dialect: String, _ differing: [ImageField: FieldClass], tags: FieldClass = .mark(.tags),
        members: FieldClass = .native, memberStatus: FieldClass = .lossy(.memberStatus), canShare: FieldClass = .native,
        exceptions: [ImageField: Difference] = [:]
    ) {
        self.dialect = dialect
        classes = Self.made.merging(differing) { $1 }
        self.tags = tags
        self.members = members
        self.memberStatus = memberStatus
        self.canShare = canShare
        self.exceptions = exceptions
    }

    /// Mapping §3, §6.1.
    public static let imageV2 = HeldFields(
        "image-v2",
        [
            .id: .mark(.id), .deletedAt: .lossy(.deletedImages), .location: .mark(.location), .store: .mark(.store),
            .isPublic: .translated, .diskFormat: .mark(.diskFormat), .createdAt: .lossy(.wholeSeconds),
            .updatedAt: .lossy(.wholeSeconds),
        ], tags: .native, memberStatus: .native, canShare: .mark(.canShare), exceptions: [.owner: .owners])

    /// Mapping §6.3.
    public static let glanceV1 = HeldFields(
        "glance-v1",
        [
            .id: .mark(.id), .visibility: .mark(.visibility), .hidden: .mark(.hidden), .location: .mark(.location),
            .diskFormat: .mark(.diskFormat), .containerFormat: .mark(.containerFormat),
            .osHashAlgo: .lossy(.noSecureHash), .osHashValue: .lossy(.noSecureHash), .store: .mark(.store),
        ],
        exceptions: [
            .name: .emptyName, .containerFormat: .completedFormats, .diskFormat: .completedFormats,
            .location: .locationHidden, .owner: .owners,
        ])

    /// Mapping §6.4.
    public static let plankton = HeldFields(
        "plankton",
        [
            .id: .refused, .visibility: .mark(.visibility), .hidden: .mark(.hidden), .minRAM: .mark(.minRAM),
            .minDisk: .mark(.minDisk), .protected: .mark(.protected), .diskFormat: .mark(.diskFormat),
            .containerFormat: .mark(.containerFormat), .checksum: .lossy(.checksumWithheld), .owner: .lossy(.owners),
            .osHashAlgo: .lossy(.noSecureHash), .osHashValue: .lossy(.noSecureHash), .store: .refused,
        ], canShare: .mark(.canShare), exceptions: [.diskFormat: .plainDump])

    /// Mapping §6.5.
    public static let glance2010 = HeldFields(
        "glance-2010",
        [
            .visibility: .mark(.visibility), .hidden: .mark(.hidden), .minRAM: .mark(.minRAM),
            .minDisk: .mark(.minDisk), .protected: .mark(.protected), .diskFormat: .mark(.diskFormat),
            .containerFormat: .mark(.containerFormat), .checksum: .mark(.checksum), .location: .mark(.location),
            .owner: .lossy(.noOwners), .osHashAlgo: .lossy(.noSecureHash), .osHashValue: .lossy(.noSecureHash),
        ], members: .refused, memberStatus: .refused, canShare: .refused,
        exceptions: [.name: .emptyName, .location: .locationHidden])

    public static let embedded = HeldFields(
        "embedded", [:], tags: .native, memberStatus: .native)

    /// In the order of the compatibility page.
    public static let all = [glance2010, glanceV1, plankton, imageV2, embedded]
}
