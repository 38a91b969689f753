import Bytes
public import Images

extension GlanceV1 {
    /// A list's query towards a registry of this dialect (mapping §6.3, glance-v1 §4.1): what it filters and sorts, and what
    /// the gateway must.
    ///
    /// All conditions are checked again on the result: marks change values, and old releases ignore parameters.
    public struct ListCall: Sendable {
        /// Parameters but limit and marker, in a fixed order.
        public private(set) var parameters: [(String, String)] = []
        /// Conditions on every image, those of the query's scope among them.
        public private(set) var filters: [ImageQuery.Filter]
        /// How the answer is sorted; empty: in no order that the query wants.
        public private(set) var order: [ImageQuery.Sort] = []
        /// The registry may be given the query's limit: it drops whatever the gateway would.
        public private(set) var isExact = true
        /// The registry may be given the query's marker: its order is the query's.
        public let takesMarker: Bool
        /// Conditions that need to know the caller.
        private var ownership: Ownership?

        private struct Ownership: Sendable {
            var owner: String
            var hidesShared = false
            var hidesCommunity = false
        }

        /// - Parameter caller: whose tenant tells own images from others, where it is known.
        public init(_ query: ImageQuery, caller: Caller) {
            filters = query.filters
            takesMarker = query.sort.count <= 1 && query.sort.allSatisfy { Self.sortable.contains($0.field) }
            if let first = query.sort.first, Self.sortable.contains(first.field) {
                order = [first]
                parameters.append(("sort_key", first.field.rawValue))
                parameters.append(("sort_dir", first.isAscending ? "asc" : "desc"))
            }
            take(query.scope, caller)
            for filter in query.filters { translate(filter) }
        }

        /// Whether the query's scope leaves an image, as far as filters do not say.
        public func reaches(_ image: Image) -> Bool {
            guard let ownership, !image.isPublic else { return true }
            if let owner = image.text(.owner), owner.sameBytes(as: ownership.owner) { return true }
            if image.knownVisibility == .community { return !ownership.hidesCommunity }
            return !ownership.hidesShared
        }

        /// Keys by which the registry's order is the canonical one; marks change the others, and a size that is not known
        /// is none (mapping §3.9).
        private static let sortable: [ImageField] = [.name, .createdAt, .updatedAt]

        private mutating func take(_ scope: ImageQuery.Scope, _ caller: Caller) {
            switch scope {
            case .visible: break
            case .publicOnly:
                parameters.append(("is_public", "True"))
                require(.oneOf(.isPublic, [.boolean(true)]))
            case .notPublic: parameters.append(("is_public", "False"))
            case .everything: parameters.append(("is_public", "None"))
            case .reachable(let choice, let memberStatus):
                parameters.append(("is_public", "None"))
                if case .only(let visibility) = choice {
                    require(.oneOf(.visibility, [.text(visibility.rawValue)]))
                }
                guard let owner = caller.owner else { break }
                var ownership = Ownership(owner: owner)
                // All members have accepted (mapping §3.9).
                ownership.hidesShared = !caller.isAdministrator && !["accepted", "all", nil].contains(memberStatus)
                ownership.hidesCommunity = choice == .usual
                isExact = false
                self.ownership = ownership
            }
        }

        /// A condition of the gateway's.
        private mutating func require(_ filter: ImageQuery.Filter) {
            filters.append(filter)
            isExact = false
        }

        private mutating func translate(_ filter: ImageQuery.Filter) {
            switch filter {
            case .oneOf(let field, let values) where values.count == 1: translate(field, values[0])
            case .atLeast(.size, let bound) where bound >= 0: parameters.append(("size_min", String(bound)))
            case .atMost(.size, let bound) where bound >= 0: parameters.append(("size_max", String(bound)))
            case .changedSince(let time):
                // Whole seconds, so that every release understands: a few too many are found.
                parameters.append(("changes-since", time.wholeSeconds.text(.zulu)))
                isExact = isExact && time.microseconds == 0
            case .deleted(true): parameters.append(("deleted", "True"))
            case .property(let name, let value): translateProperty(name, value)
            case .oneOf, .atLeast, .atMost, .tag, .time, .deleted(false): isExact = false
            }
        }

        private mutating func translate(_ field: ImageField, _ value: FieldValue) {
            switch (field, value) {
            case (.name, .text(let text)) where Self.isSafe(text): parameters.append(("name", text))
            case (.containerFormat, .text(let text)) where Self.isSafe(text) && !Self.mayBeMarked(container: text):
                parameters.append((field.rawValue, text))
            case (.diskFormat, .text(let text)) where Self.isSafe(text):
                let stand = GlanceV1StandIn.diskFormat(text)
                parameters.append((field.rawValue, stand))
                isExact = isExact && stand != "raw"
            case (.minRAM, .integer(let number)), (.minDisk, .integer(let number)):
                parameters.append((field.rawValue, String(number)))
            case (.protected, .boolean(let flag)): parameters.append((field.rawValue, flag ? "True" : "False"))
            // A reference is active and the registry has it as queued (mapping §3.1).
            case (.status, .text(let word)) where Self.plainStates.contains(word):
                parameters.append((field.rawValue, word))
            default: isExact = false
            }
        }

        private static let plainStates = ["saving", "killed", "deleted", "pending_delete", "deactivated"]

        /// A colon makes releases from 12 fail, anything but ASCII several others (glance-v1 §10); an empty text matches
        /// nothing.
        private static func isSafe(_ text: String) -> Bool {
            !text.isEmpty && !FieldMarks.isFragile(text)
                && text.utf8.allSatisfy { $0 < 0x80 && $0 != UInt8(ascii: ":") }
        }

        /// Formats for which another may stand.
        private static func mayBeMarked(container: String) -> Bool {
            container == "bare" || ValueRules.amazonFormats.contains(container)
                || !["ovf", "ova", "docker"].contains(container)
        }

        /// Only what is certainly stored under its own name.
        private mutating func translateProperty(_ name: String, _ value: String) {
            let marks = FieldMarks(Marks(prefix: Self.anyPrefix), .glanceV1)
            guard value.utf8.allSatisfy({ $0 < 0x80 }), let stored = try? marks.escaped(Property(name, value)),
                stored.name.sameBytes(as: name)
            else {
                isExact = false
                return
            }
            parameters.append((GlanceV1.propertyPrefix + name, value))
        }

        /// No name begins so: which prefix marks have does not matter for names that are plain.
        private static let anyPrefix = "\u{0}"
    }
}
