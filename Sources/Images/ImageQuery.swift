/// What a list asks for, in canonical terms.
public struct ImageQuery: Sendable {
    /// Detail entries, or brief ones: a backend may fetch less for the latter, never fewer images.
    public var isDetailed: Bool
    public var scope: Scope
    public var filters: [Filter]
    /// Empty: the backend's own order. Equal keys are ordered by `created_at`, then `id`, in the direction of the last key.
    public var sort: [Sort]
    /// Largest number of images in the answer; nil: all of them, however many pages the backend needs.
    public var limit: Int?
    /// Id of the last image of the page before; it is not in the answer.
    public var marker: String?

    public init(
        isDetailed: Bool, scope: Scope = .visible, filters: [Filter] = [], sort: [Sort] = [], limit: Int? = nil,
        marker: String? = nil
    ) {
        self.isDetailed = isDetailed
        self.scope = scope
        self.filters = filters
        self.sort = sort
        self.limit = limit
        self.marker = marker
    }

    /// Which images are looked at before filters apply.
    public enum Scope: Sendable, Equatable {
        /// Public, own and shared with the caller, whatever the member status (glance-v1 §4.1, plankton §7.1). An
        /// administrator sees the same as a normal user of that tenant.
        case visible
        /// Public images only (glance-2010 §2).
        case publicOnly
        /// An administrator's v1 `is_public=false`: all images that are not public, of every owner; for others `visible`.
        case notPublic
        /// An administrator's v1 `is_public=None`: everything; for others `visible`.
        case everything
        /// Image API v2 (image-v2 §9a): own, public, and shared images whose member status is the one named (nil: any); an
        /// administrator: those of every tenant. Images of visibility `community` that are not the caller's only with
        /// `.all` or `.only(.community)`.
        case reachable(VisibilityChoice, memberStatus: String?)
    }

    /// The parameter `visibility` of an Image API v2 list.
    public enum VisibilityChoice: Sendable, Equatable {
        /// Not said: everything but others' community images.
        case usual
        case all
        case only(Visibility)
    }

    public struct Sort: Sendable, Equatable {
        public var field: ImageField
        public var isAscending: Bool

        public init(_ field: ImageField, ascending: Bool) {
            self.field = field
            isAscending = ascending
        }
    }

    /// One condition; all of a query's filters must hold. Texts compare byte by byte.
    public enum Filter: Sendable, Equatable {
        /// The field's value is one of these. Never matches null.
        case oneOf(ImageField, [FieldValue])
        /// Inclusive lower bound of an integer field.
        case atLeast(ImageField, Int64)
        /// Inclusive upper bound of an integer field.
        case atMost(ImageField, Int64)
        /// `updated_at` is later than this; deleted images count as well where the registry keeps them.
        case changedSince(Timestamp)
        /// A custom property has exactly this value.
        case property(String, String)
        /// The image has this tag.
        case tag(String)
        /// A time compared with a moment, whole seconds (image-v2 §9a).
        case time(ImageField, Comparison, Timestamp)
        /// Deleted images (administrators only; registries that keep none answer with none).
        case deleted(Bool)
    }

    public enum Comparison: String, CaseIterable, Sendable {
        case greater = "gt"
        case greaterOrEqual = "gte"
        case less = "lt"
        case lessOrEqual = "lte"
        case equal = "eq"
        case notEqual = "neq"

        func holds(_ left: Int64, _ right: Int64) -> Bool {
            switch self {
            case .greater: left > right
            case .greaterOrEqual: left >= right
            case .less: left < right
            case .lessOrEqual: left <= right
            case .equal: left == right
            case .notEqual: left != right
            }
        }
    }
}

extension ImageQuery.Filter {
    /// Whether an image passes. The gateway applies this to every result whose backend may ignore filters.
    public func matches(_ image: Image) -> Bool {
        switch self {
        case .oneOf(.visibility, let values): values.contains(.text((image.knownVisibility).rawValue))
        case .oneOf(let field, let values):
            // What a registry does not say of a switch is off.
            values.contains(field.kind == .boolean && image[field].boolean == nil ? .boolean(false) : image[field])
        case .atLeast(let field, let bound): (image.integer(field) ?? 0) >= bound
        case .atMost(let field, let bound): (image.integer(field) ?? 0) <= bound
        case .changedSince(let time): image.time(.updatedAt).map { $0 > time } ?? false
        case .property(let name, let value): image.properties[name].map { $0?.sameBytes(as: value) ?? false } ?? false
        case .tag(let tag): image.tags?.contains { $0.sameBytes(as: tag) } ?? false
        case .time(let field, let comparison, let moment):
            image.time(field).map { comparison.holds($0.seconds, moment.seconds) } ?? false
        case .deleted(let wanted):
            (image.status == .deleted || image.status == .pendingDelete) == wanted
        }
    }
}

extension ImageQuery {
    public func matches(_ image: Image) -> Bool { filters.allSatisfy { $0.matches(image) } }

    /// Strict order of two images by the query's sort keys, then `created_at`, then `id` (glance-v1 §4.1).
    public func areInOrder(_ left: Image, _ right: Image) -> Bool {
        for key in sort {
            if let decided = Self.order(left[key.field], right[key.field]) { return decided == key.isAscending }
        }
        let ascending = sort.last?.isAscending ?? true
        for field in [ImageField.createdAt, .id] {
            if let decided = Self.order(left[field], right[field]) { return decided == ascending }
        }
        return false
    }

    /// What decides about an image's place: the values of the sort keys, then `created_at` and `id`.
    public func sortValues(of image: Image) -> [FieldValue] {
        sort.map { image[$0.field] } + [image[.createdAt], image[.id]]
    }

    /// The same order by the values that decide about it.
    public func areInOrder(_ left: [FieldValue], _ right: [FieldValue]) -> Bool {
        for (place, pair) in zip(left, right).enumerated() {
            guard let decided = Self.order(pair.0, pair.1) else { continue }
            return decided == (place < sort.count ? sort[place] : sort.last)?.isAscending ?? true
        }
        return false
    }

    /// True: left first; false: right first; nil: equal. Null and absent come before every value.
    private static func order(_ left: FieldValue, _ right: FieldValue) -> Bool? {
        switch (left, right) {
        case (.text(let a), .text(let b)): a.sameBytes(as: b) ? nil : a.precedesByCodePoint(b)
        case (.integer(let a), .integer(let b)): a == b ? nil : a < b
        case (.boolean(let a), .boolean(let b)): a == b ? nil : !a
        case (.time(let a), .time(let b)): a == b ? nil : a < b
        case (.null, .null), (.absent, .absent), (.null, .absent), (.absent, .null): nil
        case (.null, _), (.absent, _): true
        case (_, .null), (_, .absent): false
        default: nil
        }
    }
}
