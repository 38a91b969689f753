import Bytes
import HTTP
public import Images

extension Plankton {
    public func decode(_ route: Route, _ request: ClientRequest) throws(Failure) -> Decoded {
        switch route.action {
        case .versions: return .operation(.listVersions(status: 200))
        case .list: return .operation(.listImages(try query(request, isDetailed: false)))
        case .listDetail: return .operation(.listImages(try query(request, isDetailed: true)))
        case .show: return .operation(.showImage(id: route.imageID))
        case .download:
            guard settings.serveData else { throw Failure(.notImplemented, Message.noData) }
            return .operation(.downloadImage(id: route.imageID))
        case .create: return .operation(.createImage(try creation(request, mustExist: false)))
        case .replaceAtLocation: return .operation(.createImage(try creation(request, mustExist: true)))
        case .update: return .operation(.updateImage(try update(route.imageID, request)))
        case .delete: return .operation(.deleteImage(id: route.imageID))
        case .listMembers: return .operation(.listMembers(id: route.imageID))
        case .replaceMembers:
            return .document(limit: Self.maxMembersBytes, ignoresMissing: false) { document throws(Failure) in
                .replaceMembers(id: route.imageID, members: try Self.members(document))
            }
        case .addMember:
            // The body is not looked at: kamaki 0.9 to 0.12.9 announce one that never comes (plankton §7.6).
            let member = Member(id: try Self.memberID(route.memberID))
            return .operation(.addMember(id: route.imageID, member: member))
        case .removeMember:
            let id = try Self.memberID(route.memberID)
            return .operation(.removeMember(id: route.imageID, memberID: id, absentIsDone: true))
        case .listShared:
            let isBy = settings.sharedImages == .by
            return .operation(.listSharedImages(isBy ? .ownedBy(route.memberID) : .sharedWith(route.memberID)))
        default: throw Failure(.unknownPath)
        }
    }
}

// MARK: - Lists (plankton §7.1)

extension Plankton {
    private func query(_ request: ClientRequest, isDetailed: Bool) throws(Failure) -> ImageQuery {
        let items = Query(request.query)
        var key = Self.defaultSortKey
        if let word = items.last("sort_key") {
            guard let found = Self.sortKeys.first(where: { $0.rawValue.sameBytes(as: word) }) else {
                throw Failure(.badRequest, Message.invalidSortKey)
            }
            key = found
        }
        var isAscending = settings.sortsAscending
        if let word = items.last("sort_dir") {
            guard word.sameBytes(as: "asc") || word.sameBytes(as: "desc") else {
                throw Failure(.badRequest, Message.invalidSortDirection)
            }
            isAscending = word.sameBytes(as: "asc")
        }
        var sort = [ImageQuery.Sort(key, ascending: isAscending)]
        if key != .id { sort.append(ImageQuery.Sort(.id, ascending: isAscending)) }
        return ImageQuery(isDetailed: isDetailed, filters: try filters(items), sort: sort)
    }

    private func filters(_ items: Query) throws(Failure) -> [ImageQuery.Filter] {
        var filters: [ImageQuery.Filter] = []
        for key in ["name", "disk_format", "container_format", "status"] where items.last(key)?.utf8.contains(0) == true
        {
            throw Failure(.badRequest, Message.malformed)
        }
        if let name = items.last("name") {
            filters.append(.oneOf(.name, Self.namesMeant(by: name).map { .text($0) }))
        }
        if let format = items.last("disk_format") {
            filters.append(.oneOf(.diskFormat, Self.diskFormatsShown(as: format).map { .text($0) }))
        }
        if let format = items.last("container_format") { filters.append(.oneOf(.containerFormat, [.text(format)])) }
        if let word = items.last("status") {
            let states = Self.status(meant: word)?.states.map(\.rawValue) ?? [word]
            filters.append(.oneOf(.status, states.map { .text($0) }))
        }
        if let bound = items.last("size_min") { filters.append(.atLeast(.size, try Self.wholeNumber(bound))) }
        if let bound = items.last("size_max") { filters.append(.atMost(.size, try Self.wholeNumber(bound))) }
        return filters
    }

    /// The text, and what one more percent-decoding makes of it: kamaki encodes unicode filter values twice.
    static func namesMeant(by name: String) -> [String] {
        guard let decoded = String(validating: PercentCoding.decode(name.utf8), as: UTF8.self),
            !decoded.sameBytes(as: name)
        else { return [name] }
        return [name, decoded]
    }

    /// The disk formats that a client sees as this one; empty: none is ever shown so.
    static func diskFormatsShown(as format: String) -> [String] {
        if format.sameBytes(as: defaultDiskFormat) { return [defaultDiskFormat, plainDiskFormat] }
        return format.sameBytes(as: plainDiskFormat) ? [] : [format]
    }

    private static func wholeNumber(_ text: String) throws(Failure) -> Int64 {
        guard let number = WholeNumber.read(text) else { throw Failure(.badRequest, Message.malformed) }
        return number
    }
}

// MARK: - Register and update (plankton §7.2, §7.3)

extension Plankton {
    private func creation(_ request: ClientRequest, mustExist: Bool) throws(Failure) -> ImageCreation {
        let headers = try Headers(request.head.fields)
        guard !headers.contains(where: { $0.register == .refused && $0.field != .id }) else {
            throw Failure(.badRequest, Message.invalidParameters)
        }
        guard headers[.id] == nil else { throw Failure(.badRequest, Message.idIsGiven) }
        guard let name = headers[.name] else { throw Failure(.badRequest, Message.nameMissing) }
        guard !name.isEmpty else { throw Failure(.badRequest, Message.invalidName) }
        guard let location = headers[.location], !location.isEmpty else {
            throw Failure(.locationMissing, Message.locationMissing)
        }
        var image = Image()
        image[.name] = .text(name)
        image[.location] = .text(try Self.canonical(location))
        if let store = headers[.store], !store.sameBytes(as: Self.store) {
            throw Failure(.badRequest, Message.invalidStore(store))
        }
        image[.store] = .text(Self.store)
        image[.diskFormat] = .text(Self.defaultDiskFormat)
        image[.containerFormat] = .text(Self.defaultContainerFormat)
        image[.isPublic] = .boolean(false)
        try takeFields(headers, into: &image)
        for property in headers.properties where !property.value.isEmpty {
            image.properties.appendUnchecked(Property(property.name, property.value))
        }
        return ImageCreation(
            image: image, source: .location, replacesAtLocation: true, mustExist: mustExist,
            purgesOnReplace: settings.postReplaces)
    }

    private func update(_ id: String, _ request: ClientRequest) throws(Failure) -> ImageUpdate {
        let headers = try Headers(request.head.fields)
        guard headers[.id] == nil else { throw Failure(.badRequest, Message.idIsGiven) }
        guard !headers.contains(where: { $0.update == .refused }) else {
            throw Failure(.badRequest, Message.invalidMetadata)
        }
        var image = Image()
        if let name = headers[.name] {
            guard !name.isEmpty else { throw Failure(.badRequest, Message.invalidName) }
            image[.name] = .text(name)
        }
        try takeFields(headers, into: &image)
        if let word = headers[.status] {
            image[.status] = .text(Self.status(meant: word)?.states.first?.rawValue ?? word)
        }
        for property in headers.properties where !property.value.isEmpty {
            image.properties.appendUnchecked(Property(property.name, property.value))
        }
        let removals = headers.properties.filter(\.value.isEmpty).map(\.name)
        return ImageUpdate(
            id: id, image: image, removals: removals, guards: Self.updateGuards, fold: .plankton,
            shown: { field, image in Self.shown(field, of: image) })
    }

    /// Size and checksum may only be repeated; a status is taken by Plankton backends alone (mapping §3.1).
    static let updateGuards = [
        FieldGuard(.size, .always, Failure(.badRequest, Message.invalidSize)),
        FieldGuard(.checksum, .always, Failure(.badRequest, Message.invalidChecksum)),
        FieldGuard(.status, .ignored, Failure(.badRequest, Message.invalidMetadata)),
    ]

    /// The echo rule's view of a field (mapping §4.3).
    static func shown(_ field: ImageField, of image: Image) -> FieldValue? {
        switch field {
        case .diskFormat: .text(diskFormat(of: image))
        case .isPublic: .boolean(image.isPublic)
        case .checksum: image.text(.checksum).map { .text(comparable($0)) }
        default: nil
        }
    }

    /// The fields that register and update take alike, checked in the order of plankton §7.2.
    private func takeFields(_ headers: Headers, into image: inout Image) throws(Failure) {
        if let format = headers[.diskFormat] {
            guard Self.diskFormats.contains(where: { $0.sameBytes(as: format) }) else {
                throw Failure(.badRequest, Message.invalidDiskFormat(format))
            }
            image[.diskFormat] = .text(format)
        }
        if let format = headers[.containerFormat] {
            guard Self.containerFormats.contains(where: { $0.sameBytes(as: format) }) else {
                throw Failure(.badRequest, Message.invalidContainerFormat(format))
            }
            image[.containerFormat] = .text(format)
        }
        for (field, message) in Self.numberFields {
            guard let text = headers[field] else { continue }
            guard let number = ASCII.decimal(text) else { throw Failure(.badRequest, message) }
            image[field] = .integer(number)
        }
        if let checksum = headers[.checksum] {
            guard !checksum.isEmpty else { throw Failure(.badRequest, Message.invalidChecksum) }
            image[.checksum] = .text(Self.comparable(checksum))
        }
        if let word = headers[.isPublic] { image[.isPublic] = .boolean(try isPublic(word)) }
        if let owner = headers[.owner], !owner.isEmpty { image[.owner] = .text(owner) }
    }

    private static let numberFields: [(ImageField, String)] = [
        (.size, Message.invalidSize), (.minRAM, Message.invalidNumber("min_ram")),
        (.minDisk, Message.invalidNumber("min_disk")),
    ]

    private func isPublic(_ word: String) throws(Failure) -> Bool {
        if ASCII.equalIgnoringCase(word, "true") { return true }
        guard ASCII.equalIgnoringCase(word, "false") || !settings.refusesOddIsPublic else {
            throw Failure(.badRequest, Message.invalidIsPublic)
        }
        return false
    }

    /// Hex digits are compared in small letters; anything else is opaque.
    private static func comparable(_ checksum: String) -> String {
        checksum.utf8.allSatisfy(ByteSet.hexDigits.contains) ? ASCII.lowercased(checksum) : checksum
    }

    private static func canonical(_ location: String) throws(Failure) -> String {
        do throws(PithosLocation.Fault) {
            return try PithosLocation(location).canonical
        } catch {
            switch error {
            case .malformed: throw Failure(.badRequest, Message.invalidLocation(location))
            case .notText: throw Failure(.badRequest, Message.notUTF8)
            }
        }
    }
}

// MARK: - Members (plankton §7.6)

extension Plankton {
    /// Any text but the star, which on real servers means everybody.
    private static func memberID(_ id: String) throws(Failure) -> String {
        guard !id.isEmpty, !id.sameBytes(as: "*"), !id.utf8.contains(0) else {
            throw Failure(.badRequest, Message.invalidMemberID)
        }
        return id
    }

    /// Doubles count once; `can_share` is not looked at.
    private static func members(_ document: [UInt8]) throws(Failure) -> [Member] {
        guard String(validating: document, as: UTF8.self) != nil else { throw Failure(.badRequest, Message.notUTF8) }
        guard let value = try? JSONReader.parse(document) else { throw Failure(.badRequest, Message.notJSON) }
        guard let object = value.object else { throw Failure(.badRequest, Message.notAnObject) }
        guard let list = object["memberships"], !list.isNull else {
            throw Failure(.badRequest, Message.missingAttribute("memberships"))
        }
        guard let entries = list.array else { throw Failure(.badRequest, Message.membershipsNoList) }
        var ids = UniqueTexts()
        for entry in entries {
            guard let object = entry.object else { throw Failure(.badRequest, Message.invalidMembership) }
            switch object["member_id"] {
            case nil, .null?: throw Failure(.badRequest, Message.missingAttribute("member_id"))
            case .string(let id)?: ids.insert(try memberID(id))
            case .number(let id)?: ids.insert(try memberID(id))
            default: throw Failure(.badRequest, Message.invalidMemberID)
            }
        }
        return ids.list.map { Member(id: $0) }
    }

    /// Texts in order, each once, equal byte by byte; linear for any number.
    private struct UniqueTexts {
        private(set) var list: [String] = []
        private var seen: Set<[UInt8]> = []

        mutating func insert(_ text: String) {
            if seen.insert(Array(text.utf8)).inserted { list.append(text) }
        }
    }
}
