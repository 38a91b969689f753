import Bytes
import Images

// MARK: - Lists (glance-v1 §4.1)

extension GlanceV1 {
    func query(_ request: ClientRequest, isDetailed: Bool) throws(Failure) -> ImageQuery {
        let items = try Self.items(request.query ?? "")
        var query = ImageQuery(isDetailed: isDetailed, filters: try Self.filters(items))
        query.scope = try Self.scope(items)
        query.limit = try limit(items)
        query.marker = try Self.marker(items)
        query.sort = [try Self.sort(items)]
        return query
    }

    private static func items(_ raw: String) throws(Failure) -> QueryItems {
        do throws(QueryItems.Fault) {
            return try QueryItems(raw)
        } catch {
            switch error {
            case .tooLong, .tooMany: throw Failure(.badRequest, GlanceMessage.queryTooLong)
            case .notUTF8: throw Failure(.badRequest, GlanceMessage.notUTF8)
            case .controlCharacter: throw Failure(.badRequest, GlanceMessage.queryControl)
            }
        }
    }

    private func limit(_ items: QueryItems) throws(Failure) -> Int {
        guard let text = items.last("limit") else { return settings.defaultLimit }
        guard let number = WholeNumber.read(text) else { throw Failure(.badRequest, GlanceMessage.limitNotInteger) }
        guard number >= 0 else { throw Failure(.badRequest, GlanceMessage.limitNegative) }
        return number < settings.maxLimit ? Int(number) : settings.maxLimit
    }

    /// A UUID, or the number that registries of 2011 have.
    private static func marker(_ items: QueryItems) throws(Failure) -> String? {
        guard let marker = items.last("marker") else { return nil }
        guard !marker.isEmpty else { throw Failure(.badRequest, GlanceMessage.markerUnknown) }
        guard isUUID(marker) || marker.utf8.allSatisfy(ByteSet.digits.contains) else {
            throw Failure(.badRequest, GlanceMessage.markerFormat)
        }
        return marker
    }

    /// 32 hex digits with dashes anywhere, as the servers' check.
    static func isUUID(_ text: String) -> Bool {
        let digits = text.utf8.filter { $0 != UInt8(ascii: "-") }
        return digits.count == 32 && digits.allSatisfy(ByteSet.hexDigits.contains)
    }

    private static func sort(_ items: QueryItems) throws(Failure) -> ImageQuery.Sort {
        var key = ImageField.createdAt
        if let word = items.last("sort_key") {
            guard let found = sortKeys.first(where: { $0.rawValue.sameBytes(as: word) }) else {
                throw Failure(.badRequest, GlanceMessage.sortKey)
            }
            key = found
        }
        let direction = items.last("sort_dir") ?? "desc"
        guard direction.sameBytes(as: "asc") || direction.sameBytes(as: "desc") else {
            throw Failure(.badRequest, GlanceMessage.sortDirection)
        }
        return ImageQuery.Sort(key, ascending: direction.sameBytes(as: "asc"))
    }

    /// `is_public` counts for administrators only; the scopes are the same for others.
    private static func scope(_ items: QueryItems) throws(Failure) -> ImageQuery.Scope {
        guard let word = items.last("is_public") else { return .visible }
        if ASCII.equalIgnoringCase(word, "none") { return .everything }
        return try flag(word, "is_public") ? .visible : .notPublic
    }

    private static func flag(_ word: String, _ name: String) throws(Failure) -> Bool {
        if ASCII.equalIgnoringCase(word, "true") || word.sameBytes(as: "1") { return true }
        if ASCII.equalIgnoringCase(word, "false") || word.sameBytes(as: "0") { return false }
        throw Failure(.badRequest, GlanceMessage.filter(name, word), isDetail: true)
    }

    private static func number(_ name: String, _ items: QueryItems) throws(Failure) -> Int64? {
        guard let text = items.last(name) else { return nil }
        guard let number = WholeNumber.read(text), number >= 0 else {
            throw Failure(.badRequest, GlanceMessage.filter(name, text), isDetail: true)
        }
        return number
    }

    private static func filters(_ items: QueryItems) throws(Failure) -> [ImageQuery.Filter] {
        var filters: [ImageQuery.Filter] = []
        for field in [ImageField.name, .diskFormat, .containerFormat] {
            if let text = items.last(field.rawValue) { filters.append(.oneOf(field, [.text(text)])) }
        }
        if let word = items.last("status") {
            filters.append(.oneOf(.status, states(shownAs: word).map { .text($0) }))
        }
        if let bound = try number("size_min", items) { filters.append(.atLeast(.size, bound)) }
        if let bound = try number("size_max", items) { filters.append(.atMost(.size, bound)) }
        for field in [ImageField.minRAM, .minDisk] {
            if let number = try number(field.rawValue, items) { filters.append(.oneOf(field, [.integer(number)])) }
        }
        if let word = items.last("protected") {
            filters.append(.oneOf(.protected, [.boolean(try flag(word, "protected"))]))
        }
        if let text = items.last("changes-since") {
            guard let time = Timestamp(text) else { throw Failure(.badRequest, GlanceMessage.changesSince) }
            filters.append(.changedSince(time))
        }
        if let word = items.last("deleted"), GlanceValues.isTrue(word) { filters.append(.deleted(true)) }
        return filters + propertyFilters(items)
    }

    /// Keys stand as they are; of equal ones the last counts.
    private static func propertyFilters(_ items: QueryItems) -> [ImageQuery.Filter] {
        var places: [[UInt8]: Int] = [:]
        var filters: [ImageQuery.Filter] = []
        for item in items.all where item.name.utf8.starts(with: propertyPrefix.utf8) {
            let key = Array(item.name.utf8.dropFirst(propertyPrefix.utf8.count))
            let filter = ImageQuery.Filter.property(String(decoding: key, as: UTF8.self), item.value)
            if let place = places[key] {
                filters[place] = filter
            } else {
                places[key] = filters.count
                filters.append(filter)
            }
        }
        return filters
    }
}
