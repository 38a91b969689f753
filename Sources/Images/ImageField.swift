public import Bytes

/// The fields of the canonical image (mapping §1), other than properties, tags and members.
///
/// The raw value is the canonical name; dialects map it to their spellings in their own tables.
public enum ImageField: String, CaseIterable, Sendable {
    case id
    case name
    case status
    case diskFormat = "disk_format"
    case containerFormat = "container_format"
    case size
    case virtualSize = "virtual_size"
    case checksum
    case osHashAlgo = "os_hash_algo"
    case osHashValue = "os_hash_value"
    case location
    case store
    case owner
    case visibility
    case isPublic = "is_public"
    case minRAM = "min_ram"
    case minDisk = "min_disk"
    case protected
    case hidden = "os_hidden"
    case createdAt = "created_at"
    case updatedAt = "updated_at"
    case deletedAt = "deleted_at"

    /// What values the field holds when it is neither absent nor null.
    public enum Kind: Sendable {
        case text, integer, boolean, time
    }

    public var kind: Kind {
        switch self {
        case .size, .virtualSize, .minRAM, .minDisk: .integer
        case .isPublic, .protected, .hidden: .boolean
        case .createdAt, .updatedAt, .deletedAt: .time
        default: .text
        }
    }

    /// Position in an image's storage.
    @inlinable var slot: Int {
        switch self {
        case .id: 0
        case .name: 1
        case .status: 2
        case .diskFormat: 3
        case .containerFormat: 4
        case .size: 5
        case .virtualSize: 6
        case .checksum: 7
        case .osHashAlgo: 8
        case .osHashValue: 9
        case .location: 10
        case .store: 11
        case .owner: 12
        case .visibility: 13
        case .isPublic: 14
        case .minRAM: 15
        case .minDisk: 16
        case .protected: 17
        case .hidden: 18
        case .createdAt: 19
        case .updatedAt: 20
        case .deletedAt: 21
        }
    }

    @usableFromInline static let slots = 22
}

/// What is said of one field. Absent (not said: leave alone), null (no value) and "" (empty text) are three things
/// (mapping §1).
public enum FieldValue: Sendable {
    case absent
    case null
    case text(String)
    case integer(Int64)
    case boolean(Bool)
    case time(Timestamp)

    @inlinable public var isAbsent: Bool { if case .absent = self { true } else { false } }
    /// The text, nil for everything else.
    @inlinable public var text: String? { if case .text(let value) = self { value } else { nil } }
    @inlinable public var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    @inlinable public var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
    @inlinable public var time: Timestamp? { if case .time(let value) = self { value } else { nil } }
}

extension FieldValue: Equatable {
    /// Texts compare byte by byte: Unicode equivalence would make two different names one.
    public static func == (left: FieldValue, right: FieldValue) -> Bool {
        switch (left, right) {
        case (.absent, .absent), (.null, .null): true
        case (.text(let a), .text(let b)): a.sameBytes(as: b)
        case (.integer(let a), .integer(let b)): a == b
        case (.boolean(let a), .boolean(let b)): a == b
        case (.time(let a), .time(let b)): a == b
        default: false
        }
    }
}

extension String {
    /// Equality of UTF-8 bytes; `==` would use canonical equivalence.
    @inlinable public func sameBytes(as other: String) -> Bool { ASCII.sameBytes(self, other) }

    /// Order by code point, which for UTF-8 is the order of bytes.
    @inlinable public func precedesByCodePoint(_ other: String) -> Bool {
        utf8.lexicographicallyPrecedes(other.utf8)
    }
}
