import Bytes
import HTTP
import Images

/// Lists (image-v2 §9a).
extension ImageV2 {
    static let defaultLimit = 25
    static let maxLimit = 1000

    static let sortKeys: [ImageField] = [
        .name, .status, .containerFormat, .diskFormat, .size, .id, .createdAt, .updatedAt,
    ]
    private static let directions = ["asc": true, "desc": false]
    /// Fields whose filters know `in:` and `eq:`.
    private static let listed: [ImageField] = [.name, .status, .id, .containerFormat, .diskFormat]
    private static let exactTexts: [ImageField] = [.owner, .checksum, .osHashValue]
    private static let switches: [ImageField] = [.protected, .hidden]
    private static let times: [ImageField] = [.createdAt, .updatedAt]
    private static let numbers: [ImageField] = [.size, .minRAM, .minDisk, .virtualSize]
    private static let memberStates = ["accepted", "pending", "rejected", "all"]

    func query(_ request: ClientRequest) throws(Failure) -> ImageQuery {
        let items: QueryItems
        do throws(QueryItems.Fault) { items = try QueryItems(request.query ?? "") } catch {
            throw Failure(.badRequest, "The query is not understood")
        }
        if items.last("changes-since") != nil {
            throw Failure(.badRequest, "The \"changes-since\" filter is no longer available on v2.")
        }
        var query = ImageQuery(isDetailed: true)
        query.limit = try Self.limit(items.last("limit"))
        query.marker = items.last("marker")
        query.sort = try Self.sort(items)
        query.scope = try Self.scope(items)
        var hidden = false
        for item in items.all {
            switch item.name {
            case "limit", "marker", "sort", "sort_key", "sort_dir", "visibility", "member_status", "deleted": continue
            case "tag": query.filters.append(.tag(item.value))
            case "os_hidden":
                hidden = try Self.isTrue(item.value, "os_hidden")
            default: query.filters.append(try Self.filter(item.name, item.value))
            }
        }
        query.filters.append(.oneOf(.hidden, [.boolean(hidden)]))
        return query
    }

    private static func limit(_ text: String?) throws(Failure) -> Int {
        guard let text else { return defaultLimit }
        guard let number = ASCII.signedDecimal(Array(text.utf8)) else {
            throw Failure(.badRequest, "limit param must be an integer")
        }
        guard number >= 0 else { throw Failure(.badRequest, "limit param must be positive") }
        return min(Int(clamping: number), maxLimit)
    }

    private static func sort(_ items: QueryItems) throws(Failure) -> [ImageQuery.Sort] {
        let keys = items.values("sort_key")
        let directions = items.values("sort_dir")
        guard let text = items.last("sort") else { return try sort(keys, directions) }
        guard keys.isEmpty, directions.isEmpty else {
            throw Failure(.badRequest, "Old and new sorting syntax cannot be combined")
        }
        var sort: [ImageQuery.Sort] = []
        for part in ASCII.split(text, UInt8(ascii: ",")) {
            let pieces = ASCII.split(part, UInt8(ascii: ":"))
            sort.append(
                ImageQuery.Sort(
                    try key(ASCII.trim(pieces.first ?? "")),
                    ascending: try pieces.count > 1 ? direction(ASCII.trim(pieces[1])) : false))
        }
        return sort
    }

    private static func sort(_ keys: [String], _ directions: [String]) throws(Failure) -> [ImageQuery.Sort] {
        var ascending: [Bool] = []
        for word in directions { ascending.append(try direction(word)) }
        guard !keys.isEmpty else { return [ImageQuery.Sort(.createdAt, ascending: ascending.first ?? false)] }
        guard directions.count < 2 || directions.count == keys.count else {
            throw Failure(.badRequest, "Number of sort dirs does not match the number of sort keys")
        }
        var sort: [ImageQuery.Sort] = []
        for (place, word) in keys.enumerated() {
            let direction = place < ascending.count ? ascending[place] : ascending.first ?? false
            sort.append(ImageQuery.Sort(try key(word), ascending: direction))
        }
        return sort
    }

    private static func key(_ word: String) throws(Failure) -> ImageField {
        guard let field = sortKeys.first(where: { $0.rawValue.sameBytes(as: word) }) else {
            let known = sortKeys.map(\.rawValue).joined(separator: ", ")
            throw Failure(.badRequest, "Invalid sort key: \(word). It must be one of the following: \(known).")
        }
        return field
    }

    private static func direction(_ word: String) throws(Failure) -> Bool {
        guard let isAscending = directions[word] else {
            throw Failure(.badRequest, "Invalid sort direction: \(word)")
        }
        return isAscending
    }

    private static func scope(_ items: QueryItems) throws(Failure) -> ImageQuery.Scope {
        let choice: ImageQuery.VisibilityChoice
        switch items.last("visibility") {
        case nil: choice = .usual
        case "all"?: choice = .all
        case let word?:
            guard let visibility = Visibility(rawValue: word) else {
                throw Failure(.badRequest, "Invalid visibility value: \(word)")
            }
            choice = .only(visibility)
        }
        let status = items.last("member_status") ?? "accepted"
        guard memberStates.contains(status) else { throw Failure(.badRequest, "Invalid status: \(status)") }
        return .reachable(choice, memberStatus: status.sameBytes(as: "all") ? nil : status)
    }

    // MARK: One filter

    private static func filter(_ name: String, _ value: String) throws(Failure) -> ImageQuery.Filter {
        if let field = ImageField(rawValue: name) {
            if listed.contains(field) { return .oneOf(field, try values(value).map(FieldValue.text)) }
            if exactTexts.contains(field) { return .oneOf(field, [.text(value)]) }
            if switches.contains(field) { return .oneOf(field, [.boolean(try isTrue(value, name))]) }
            if times.contains(field) { return try time(field, value) }
            if numbers.contains(field) {
                // A registry that knows the number compares text with it, which nothing matches.
                return .oneOf(field, [ASCII.decimal(value).map(FieldValue.integer) ?? .text(value)])
            }
        }
        for field in numbers {
            let isLeast = name.sameBytes(as: field.rawValue + "_min")
            guard isLeast || name.sameBytes(as: field.rawValue + "_max") else { continue }
            guard let bound = ASCII.signedDecimal(Array(value.utf8)) else {
                throw Failure(.badRequest, "Unable to filter on a range with a non-numeric value.")
            }
            return isLeast ? .atLeast(field, bound) : .atMost(field, bound)
        }
        return .property(name, value)
    }

    /// `in:a,"b,c"`, `eq:x` or the text itself, which may hold no colon.
    private static func values(_ text: String) throws(Failure) -> [String] {
        let bytes = Array(text.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return [text] }
        let word = String(decoding: bytes[..<colon], as: UTF8.self)
        let rest = String(decoding: bytes[(colon + 1)...], as: UTF8.self)
        switch word {
        case "eq": return [rest]
        case "in": return try list(rest)
        default: throw Failure(.badRequest, "Unable to filter by unknown operator '\(word)'.")
        }
    }

    /// Comma-separated, each item as it is or in quotes with `\` before a quote.
    private static func list(_ text: String) throws(Failure) -> [String] {
        var items: [String] = []
        var item: [UInt8] = []
        var isQuoted = false
        var isEscaped = false
        for byte in text.utf8 {
            if isEscaped {
                item.append(byte)
                isEscaped = false
            } else if isQuoted, byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == UInt8(ascii: ","), !isQuoted {
                items.append(String(decoding: item, as: UTF8.self))
                item = []
            } else {
                item.append(byte)
            }
        }
        guard !isQuoted else {
            throw Failure(.badRequest, "Invalid filter value \(text). The quote is not closed.")
        }
        return items + [String(decoding: item, as: UTF8.self)]
    }

    private static func time(_ field: ImageField, _ value: String) throws(Failure) -> ImageQuery.Filter {
        var comparison = ImageQuery.Comparison.equal
        var text = value
        for candidate in ImageQuery.Comparison.allCases where value.utf8.starts(with: (candidate.rawValue + ":").utf8) {
            comparison = candidate
            text = String(decoding: value.utf8.dropFirst(candidate.rawValue.utf8.count + 1), as: UTF8.self)
        }
        guard let moment = Timestamp(text) else {
            throw Failure(.badRequest, "Invalid time value '\(text)' for '\(field.rawValue)' filter.")
        }
        return .time(field, comparison, moment)
    }

    private static func isTrue(_ text: String, _ name: String) throws(Failure) -> Bool {
        // Only this switch knows the words of Python (image-v2 §9a).
        let word = name.sameBytes(as: "os_hidden") ? ASCII.lowercased(text) : text
        switch word {
        case "true": return true
        case "false": return false
        default:
            throw Failure(
                .badRequest, "Invalid value '\(text)' for '\(name)' filter. Valid values are 'true' or 'false'.")
        }
    }
}
