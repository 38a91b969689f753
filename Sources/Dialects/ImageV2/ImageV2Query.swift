import Bytes
public import Images

/// A list's query towards an Image API v2 registry (mapping §6.2): what the registry filters, and what the gateway must.
public struct ImageV2Query: Sendable {
    /// Which part of the images one walk goes through; several walks make one list.
    public enum Part: Sendable, Equatable {
        /// Everything the registry shows the caller.
        case visible
        case published
        case owned(String)
        /// Published by way of `community`.
        case publishedByMark
    }

    /// Parameters but limit, sort and marker, in a fixed order.
    public private(set) var parameters: [(String, String)] = []
    /// Conditions that the gateway applies to every image it gets.
    public private(set) var remaining: [ImageQuery.Filter] = []
    /// The filters cannot match anything here: the registry keeps no deleted images.
    public private(set) var matchesNothing = false
    private var wantsPublicOnly = false
    /// What a client of the same dialect asks for.
    private var reach: (visibility: String?, memberStatus: String)?
    private let properties: ImageV2Properties
    /// Sizes and checksums of images without data are marks that the registry's filters do not see; a whole list is
    /// filtered here, a page of v1 by the registry.
    private let filtersSizes: Bool

    public init(_ query: ImageQuery, properties: ImageV2Properties, knowsCaller: Bool, isAdministrator: Bool) {
        self.properties = properties
        filtersSizes = query.limit == nil
        switch query.scope {
        case .publicOnly: wantsPublicOnly = true
        case .notPublic where !knowsCaller || isAdministrator: remaining.append(.oneOf(.isPublic, [.boolean(false)]))
        case .notPublic, .visible, .everything: break
        case .reachable(let choice, let status): reach = (Self.visibility(choice), status ?? "all")
        }
        for filter in query.filters { translate(filter) }
    }

    /// The parameters of one walk, without marker.
    public func parameters(for part: Part, of query: ImageQuery, limit: Int) -> [(String, String)] {
        var pairs: [(String, String)] = []
        switch part {
        case .visible where wantsPublicOnly: pairs.append(("visibility", "public"))
        case .visible:
            pairs.append(("member_status", reach?.memberStatus ?? "all"))
            if let visibility = reach?.visibility { pairs.append(("visibility", visibility)) }
        case .published: pairs.append(("visibility", "public"))
        case .owned(let owner):
            pairs.append(("member_status", "all"))
            pairs.append(("owner", owner))
        case .publishedByMark:
            pairs.append(("visibility", "community"))
            if let marks = properties.marks { pairs.append((marks.name(.isPublic), "True")) }
        }
        pairs.append(("limit", String(limit)))
        for key in query.sort {
            pairs.append(("sort_key", key.field.rawValue))
            pairs.append(("sort_dir", key.isAscending ? "asc" : "desc"))
        }
        return pairs + parameters
    }

    private static func visibility(_ choice: ImageQuery.VisibilityChoice) -> String? {
        switch choice {
        case .usual: nil
        case .all: "all"
        case .only(let visibility): visibility.rawValue
        }
    }

    /// Only public images are wanted, so that those published by a mark must be walked as well.
    public var isPublicOnly: Bool { wantsPublicOnly }

    private mutating func translate(_ filter: ImageQuery.Filter) {
        switch filter {
        case .oneOf(let field, let values): translate(field, values, filter)
        case .atLeast(.size, let bound) where !filtersSizes && bound > 0:
            parameters.append(("size_min", String(bound)))
        // The registry leaves out images whose size it does not know; to all other dialects they have size 0.
        case .atLeast, .atMost: remaining.append(filter)
        case .changedSince(let time):
            // The registry counts whole seconds; `gt` of the second before a fraction finds a few too many.
            let bound = time.microseconds == 0 ? time : Timestamp(seconds: time.seconds - 1)
            parameters.append(("updated_at", "gt:" + bound.text(.zulu)))
            remaining.append(filter)
        case .property(let name, let value): translateProperty(name, value, filter)
        case .tag(let tag): parameters.append(("tag", tag))
        case .time(let field, let comparison, let moment):
            parameters.append((field.rawValue, "\(comparison.rawValue):\(moment.text(.zulu))"))
        case .deleted(let wanted): if wanted { matchesNothing = true }
        }
    }

    private mutating func translate(_ field: ImageField, _ values: [FieldValue], _ filter: ImageQuery.Filter) {
        let texts = values.compactMap(\.text)
        switch field {
        case .status: translateStatus(texts)
        case .diskFormat where texts.contains(where: ImageV2Formats.isForeign):
            // An image without a mark is shown to Plankton as the first of its formats (mapping §3.4).
            let first = ValueRules.planktonDiskFormats[0]
            let plain = texts.contains(first) ? values + [.text(ImageV2Formats.stand)] : values
            if values.count == 1 { parameters.append((field.rawValue, "eq:" + ImageV2Formats.stand)) }
            remaining.append(.oneOf(field, plain))
        case .name, .containerFormat, .diskFormat, .id:
            guard values.count == 1, let text = texts.first else { return remaining.append(filter) }
            parameters.append((field.rawValue, "eq:" + (field == .id ? ImageV2ID.remote(text) : text)))
        case .owner:
            guard values.count == 1, let text = texts.first else { return remaining.append(filter) }
            parameters.append(("owner", text))
        case .minRAM, .minDisk:
            guard values.count == 1, let number = values[0].integer else { return remaining.append(filter) }
            parameters.append((field.rawValue, String(number)))
        case .protected:
            guard values.count == 1, let truth = values[0].boolean else { return remaining.append(filter) }
            parameters.append(("protected", truth ? "true" : "false"))
        case .hidden where values == [.boolean(true)]:
            parameters.append(("os_hidden", "true"))
            remaining.append(filter)
        case .isPublic:
            if values == [.boolean(true)] { wantsPublicOnly = true } else { remaining.append(filter) }
        default: remaining.append(filter)
        }
    }

    /// Asked for is every state of the registry that can show as one of the words (mapping §3.1).
    private mutating func translateStatus(_ words: [String]) {
        var states: [String] = []
        for word in words {
            let group = word == ImageStatus.saving.rawValue ? ["saving", "uploading", "importing"] : [word]
            for state in group where !states.contains(state) { states.append(state) }
        }
        remaining.append(.oneOf(.status, states.map(FieldValue.text)))
        let hidden = [ImageStatus.active, .killed, .saving].map(\.rawValue)
        if states.contains(where: hidden.contains), !states.contains("queued") { states.append("queued") }
        guard !states.isEmpty, states.allSatisfy({ ImageStatus(rawValue: $0) != nil }) else { return }
        parameters.append(("status", states.count == 1 ? "eq:" + states[0] : "in:" + states.joined(separator: ",")))
    }

    private mutating func translateProperty(_ name: String, _ value: String, _ filter: ImageQuery.Filter) {
        guard !value.isEmpty, let stored = try? properties.encode(Property(name, value)), let text = stored.value.text,
            !Self.isMisread(stored.key)
        else { return remaining.append(filter) }
        parameters.append((stored.key, text))
    }

    /// Whether the registry would take a filter of this name for something else, or fail on it.
    private static func isMisread(_ key: String) -> Bool {
        let bytes = key.utf8
        return bytes.suffix(4).elementsEqual("_min".utf8) || bytes.suffix(4).elementsEqual("_max".utf8)
            || ImageV2Names.queryWords.contains(key)
    }
}
