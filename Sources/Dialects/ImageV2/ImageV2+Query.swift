import Bytes
import Images

// MARK: - Lists (image-v2 §9a)

extension ImageV2 {
    static let defaultLimit = 25
    static let maxLimit = 1000

    func query(_ request: ClientRequest) throws(Failure) -> ImageQuery {
        var items = try Self.items(request)
        let limit = Self.take("limit", from: &items)
        let marker = Self.take("marker", from: &items)
        let memberStatus = Self.take("member_status", from: &items) ?? "accepted"
        var filters: [ImageQuery.Filter] = []
        while let tag = Self.take("tag", from: &items) { filters.append(.tag(ASCII.trim(tag))) }
        let sort = try Self.sort(&items)
        guard memberStatus.sameBytes(as: "all") || Self.memberStates.contains(memberStatus) else {
            throw Failure(.badRequest, "Invalid status: \(memberStatus)")
        }
        let choice = try Self.visibility(items)
        var query = ImageQuery(isDetailed: true, sort: sort)
        query.scope = .reachable(choice, memberStatus: memberStatus.sameBytes(as: "all") ? nil : memberStatus)
        query.limit = try limit.map { text throws(Failure) in try Self.limit(text) } ?? Self.defaultLimit
        if let marker {
            guard PathSegments.isImageID(marker) else {
                throw Failure(.badRequest, "No image found with ID \(marker)")
            }
            query.marker = marker
        }
        query.filters = filters + (try Self.filters(items))
        return query
    }

    static func items(_ request: ClientRequest) throws(Failure) -> [(name: String, value: String)] {
        do throws(QueryItems.Fault) {
            return try QueryItems(request.query ?? "").all.map { ($0.name, $0.value) }
        } catch {
            switch error {
            case .tooLong, .tooMany: throw Failure(.badRequest, GlanceMessage.queryTooLong)
            case .notUTF8: throw Failure(.badRequest, GlanceMessage.notUTF8)
            case .controlCharacter: throw Failure(.badRequest, GlanceMessage.queryControl)
            }
        }
    }

    /// The first value of a parameter, which is taken away: a spare one turns into a filter.
    private static func take(_ name: String, from items: inout [(name: String, value: String)]) -> String? {
        guard let place = items.firstIndex(where: { $0.name.sameBytes(as: name) }) else { return nil }
        return items.remove(at: place).value
    }

    private static func limit(_ text: String) throws(Failure) -> Int {
        guard let number = WholeNumber.read(text) else { throw Failure(.badRequest, GlanceMessage.limitNotInteger) }
        guard number >= 0 else { throw Failure(.badRequest, GlanceMessage.limitNegative) }
        return number < maxLimit ? Int(number) : maxLimit
    }

    private static func visibility(
        _ items: [(name: String, value: String)]
    ) throws(Failure) -> ImageQuery.VisibilityChoice {
        guard let word = items.last(where: { $0.name.sameBytes(as: "visibility") })?.value, !word.isEmpty else {
            return .usual
        }
        if word.sameBytes(as: "all") { return .all }
        guard let found = Visibility(rawValue: word) else {
            throw Failure(.badRequest, "Invalid visibility value: \(word)")
        }
        return .only(found)
    }
}

// MARK: - Order

extension ImageV2 {
    static let sortKeys: [ImageField] = [
        .name, .status, .containerFormat, .diskFormat, .size, .id, .createdAt, .updatedAt,
    ]

    private static func sort(_ items: inout [(name: String, value: String)]) throws(Failure) -> [ImageQuery.Sort] {
        var keys: [ImageField] = []
        var directions: [Bool] = []
        if let text = take("sort", from: &items) {
            guard !items.contains(where: { $0.name == "sort_key" || $0.name == "sort_dir" }) else {
                throw Failure(.badRequest, "Old and new sorting syntax cannot be combined")
            }
            for part in ASCII.split(ASCII.trim(text), UInt8(ascii: ",")) {
                let halves = part.utf8.split(
                    separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false
                ).map { String(decoding: $0, as: UTF8.self) }
                keys.append(try sortKey(ASCII.trim(halves[0])))
                let word = halves.count == 2 && !halves[1].isEmpty ? ASCII.trim(halves[1]) : "desc"
                directions.append(try isAscending(word))
            }
        } else {
            while let key = take("sort_key", from: &items) { keys.append(try sortKey(ASCII.trim(key))) }
            while let word = take("sort_dir", from: &items) { directions.append(try isAscending(ASCII.trim(word))) }
            guard directions.count <= 1 || directions.count == keys.count else {
                throw Failure(.badRequest, "Number of sort dirs does not match the number of sort keys")
            }
        }
        if keys.isEmpty { keys = [.createdAt] }
        return keys.enumerated().map { place, key in
            ImageQuery.Sort(
                key, ascending: place < directions.count ? directions[place] : directions.last ?? false)
        }
    }

    private static func sortKey(_ word: String) throws(Failure) -> ImageField {
        guard let key = sortKeys.first(where: { $0.rawValue.sameBytes(as: word) }) else {
            let list = sortKeys.map(\.rawValue).joined(separator: ", ")
            throw Failure(.badRequest, "Invalid sort key: \(word). It must be one of the following: \(list).")
        }
        return key
    }

    private static func isAscending(_ word: String) throws(Failure) -> Bool {
        guard word.sameBytes(as: "asc") || word.sameBytes(as: "desc") else {
            throw Failure(.badRequest, "Invalid sort direction: \(word)")
        }
        return word.sameBytes(as: "asc")
    }
}

// MARK: - Filters

extension ImageV2 {
    /// Of equal names the last counts.
    private static func filters(
        _ items: [(name: String, value: String)]
    ) throws(Failure) -> [ImageQuery.Filter] {
        var places: [[UInt8]: Int] = [:]
        var filters: [ImageQuery.Filter] = []
        var hidden = false
        for item in items {
            if item.name.sameBytes(as: "os_hidden") {
                hidden = try flag(ASCII.lowercased(item.value), of: item.name)
                continue
            }
            guard let filter = try filter(item.name, item.value) else { continue }
            if let place = places[Array(item.name.utf8)] {
                filters[place] = filter
            } else {
                places[Array(item.name.utf8)] = filters.count
                filters.append(filter)
            }
        }
        // Hidden images are in no list that does not ask for them.
        filters.append(.oneOf(.hidden, [.boolean(hidden)]))
        return filters
    }

    /// - Returns: nil for a parameter that filters nothing.
    private static func filter(_ name: String, _ value: String) throws(Failure) -> ImageQuery.Filter? {
        switch name {
        case "visibility", "deleted": return nil
        case "changes-since":
            if value.isEmpty { return nil }
            throw Failure(.badRequest, "The \"changes-since\" filter is no longer available on v2.")
        case "name", "id", "status", "container_format", "disk_format":
            guard let field = ImageField(rawValue: name) else { return nil }
            return .oneOf(field, try words(value).map { .text($0) })
        case "owner", "checksum", "os_hash_algo", "os_hash_value":
            return ImageField(rawValue: name).map { .oneOf($0, [.text(value)]) }
        case "size", "virtual_size", "min_ram", "min_disk":
            return ImageField(rawValue: name).map { .oneOf($0, WholeNumber.read(value).map { [.integer($0)] } ?? []) }
        case "protected": return .oneOf(.protected, [.boolean(try flag(value, of: name))])
        case "created_at", "updated_at": return try time(name, value)
        default: return try range(name, value) ?? .property(name, value)
        }
    }

    private static func flag(_ word: String, of name: String) throws(Failure) -> Bool {
        guard word.sameBytes(as: "true") || word.sameBytes(as: "false") else {
            throw Failure(
                .badRequest, "Invalid value '\(word)' for '\(name)' filter. Valid values are 'true' or 'false'.")
        }
        return word.sameBytes(as: "true")
    }

    /// `size_min`, `min_ram_max` and so on. Servers fail on other names with these ends (image-v2 §9a).
    private static func range(_ name: String, _ value: String) throws(Failure) -> ImageQuery.Filter? {
        let bytes = name.utf8
        let isLower = bytes.suffix(4).elementsEqual("_min".utf8)
        guard isLower || bytes.suffix(4).elementsEqual("_max".utf8) else { return nil }
        guard let bound = WholeNumber.read(value) else {
            throw Failure(.badRequest, "Unable to filter on a range with a non-numeric value.")
        }
        let key = String(decoding: bytes.dropLast(4), as: UTF8.self)
        guard let field = ImageField(rawValue: key), field.kind == .integer else {
            throw Failure(.badRequest, "Unable to filter on a range of '\(key)'.")
        }
        return isLower ? .atLeast(field, bound) : .atMost(field, bound)
    }

    private static func time(_ name: String, _ value: String) throws(Failure) -> ImageQuery.Filter {
        let field: ImageField = name.sameBytes(as: "created_at") ? .createdAt : .updatedAt
        if let moment = Timestamp(value) { return .time(field, .equal, moment) }
        let (word, rest) = halves(value) ?? ("", value)
        guard let moment = Timestamp(rest) else {
            throw Failure(
                .badRequest, "Bad \"\(name)\" query filter format. Use ISO 8601 DateTime notation.")
        }
        guard let comparison = ImageQuery.Comparison(rawValue: word) else {
            throw Failure(.badRequest, "Unable to filter on a unknown operator.")
        }
        return .time(field, comparison, moment)
    }

    /// What stands before and behind the first colon.
    private static func halves(_ text: String) -> (String, String)? {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let rest = text.utf8[text.utf8.index(after: colon)...]
        return (String(decoding: text.utf8[..<colon], as: UTF8.self), String(decoding: rest, as: UTF8.self))
    }

    private static func words(_ value: String) throws(Failure) -> [String] {
        guard let (word, rest) = halves(value) else { return [value] }
        switch word {
        case "eq": return [rest]
        case "in": return try quotedList(rest)
        default: throw Failure(.badRequest, "Unable to filter by unknown operator '\(word)'.")
        }
    }

    /// `"a,b",c`: commas part, but not within quotes; a backslash takes the next character as it is.
    private static func quotedList(_ text: String) throws(Failure) -> [String] {
        func fault(_ what: String) -> Failure {
            Failure(.badRequest, "Invalid filter value \(text). \(what)")
        }
        let comma = UInt8(ascii: ",")
        var list: [String] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            guard rest.first == UInt8(ascii: "\"") else {
                let word = rest.prefix { $0 != comma }
                if word.contains(UInt8(ascii: "\"")) {
                    throw fault("There is no comma before opening quotation mark.")
                }
                list.append(String(decoding: word, as: UTF8.self))
                rest = rest[word.endIndex...].dropFirst()
                continue
            }
            rest.removeFirst()
            var word: [UInt8] = []
            var isClosed = false
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "\"") {
                    isClosed = true
                    break
                }
                word.append(byte)
                if byte == UInt8(ascii: "\\"), let next = rest.popFirst() { word.append(next) }
            }
            guard isClosed else { throw fault("The quote is not closed.") }
            guard rest.isEmpty || rest.first == comma else {
                throw fault("There is no comma after closing quotation mark.")
            }
            list.append(String(decoding: word, as: UTF8.self))
            rest = rest.dropFirst()
        }
        return list
    }
}
