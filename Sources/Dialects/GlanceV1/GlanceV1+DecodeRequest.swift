import Bytes
import HTTP
public import Images

extension GlanceV1 {
    public func decode(_ route: Route, _ request: ClientRequest) throws(Failure) -> Decoded {
        let id = route.imageID
        switch route.action {
        case .versions:
            return .operation(.listVersions(status: resource(of: request) == .versions(isExplicit: true) ? 200 : 300))
        case .list: return .operation(.listImages(try query(request, isDetailed: false)))
        case .listDetail: return .operation(.listImages(try query(request, isDetailed: true)))
        case .show: return .operation(.showImage(id: id))
        case .download: return .operation(.downloadImage(id: id))
        case .create: return .operation(.createImage(try creation(request)))
        case .update: return .operation(.updateImage(try update(id, request)))
        case .delete: return .operation(.deleteImage(id: id))
        case .listMembers: return .operation(.listMembers(id: id))
        case .replaceMembers:
            return .document(limit: Self.maxMembersBytes, ignoresMissing: false) { document throws(Failure) in
                .replaceMembers(id: id, members: try Self.members(document))
            }
        case .addMember:
            let memberID = route.memberID
            return .document(limit: Self.maxMembersBytes, ignoresMissing: false) { document throws(Failure) in
                .addMember(id: id, member: Member(id: memberID, canShare: try Self.canShare(document)))
            }
        case .removeMember:
            return .operation(.removeMember(id: id, memberID: route.memberID, absentIsDone: false))
        case .listShared: return .operation(.listSharedImages(.sharedWith(route.memberID)))
        case .replaceAtLocation: throw Failure(.notImplemented)
        }
    }
}

// MARK: - Create and update (glance-v1 §5)

extension GlanceV1 {
    private func creation(_ request: ClientRequest) throws(Failure) -> ImageCreation {
        let headers = try Headers(request.head.fields, settings: settings)
        let image = try image(headers, \.create)
        let source = try source(of: request, headers)
        if source == .location || Self.isBody(source) {
            guard image.text(.diskFormat) != nil else { throw Failure(.badRequest, Message.noDiskFormat) }
            guard image.text(.containerFormat) != nil else { throw Failure(.badRequest, Message.noContainerFormat) }
        }
        let isComplete = image.text(.diskFormat) != nil && image.text(.containerFormat) != nil
        return ImageCreation(
            image: image, source: source,
            isActiveWhenEmpty: source == .none && image.integer(.size) == 0 && isComplete)
    }

    private func update(_ id: String, _ request: ClientRequest) throws(Failure) -> ImageUpdate {
        let headers = try Headers(request.head.fields, settings: settings)
        let image = try image(headers, \.update)
        let source = try source(of: request, headers)
        return ImageUpdate(
            id: id, image: image, purgesProperties: !Self.isBody(source) && headers.purges ?? true, source: source,
            guards: Self.updateGuards, fold: .header, shown: { field, image in Self.shown(field, of: image) })
    }

    /// Glance-v1 §5.3.
    private static let updateGuards =
        [ImageField.id, .status].map {
            FieldGuard($0, .always, Failure(.forbidden, Message.fixed($0.rawValue)))
        }
        + [ImageField.size, .checksum].map {
            FieldGuard($0, .whileActive, Failure(.forbidden, Message.fixedWhileActive($0.rawValue)))
        }

    private static func isBody(_ source: DataSource) -> Bool { if case .body = source { true } else { false } }

    /// Where the data comes from (glance-v1 §5.1). An empty body is one only when it is chunked.
    private func source(of request: ClientRequest, _ headers: Headers) throws(Failure) -> DataSource {
        var sources: [DataSource] = []
        switch request.framing {
        case .chunked: sources.append(.body(length: nil))
        case .length(let length) where length > 0: sources.append(.body(length: length))
        case .length, .none: break
        }
        if let location = headers[.location] {
            try checkSource(location)
            sources.append(.location)
        }
        if let address = headers.copyFrom {
            try checkSource(address)
            sources.append(.copyFrom(address))
        }
        guard sources.count < 2 else { throw Failure(.badRequest, Message.manySources) }
        guard let source = sources.first else { return .none }
        if Self.isBody(source), !Self.isOctetStream(request.head.fields) {
            throw Failure(.badRequest, Message.contentType)
        }
        return source
    }

    private func checkSource(_ address: String) throws(Failure) {
        guard !address.isEmpty else { throw Failure(.badRequest, Message.emptySource) }
        let parts = address.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].starts(with: "//".utf8), parts[1].count > 2,
            settings.sourceSchemes.contains(where: { ASCII.equalIgnoringCase($0.utf8, parts[0]) })
        else { throw Failure(.badRequest, Message.source(address)) }
    }

    private static func isOctetStream(_ fields: Fields) -> Bool {
        guard let value = fields.all("content-type").first else { return false }
        let type = value.prefix { $0 != UInt8(ascii: ";") }
        return ASCII.equalIgnoringCase(ASCII.trim(type), "application/octet-stream".utf8)
    }
}

// MARK: - Fields (glance-v1 §2)

extension GlanceV1 {
    /// The fields said, checked also where they are dropped afterwards.
    private func image(_ headers: Headers, _ access: KeyPath<FieldRule, FieldRule.Access>) throws(Failure) -> Image {
        var image = Image()
        for rule in Self.rules {
            guard let field = rule.field, let text = headers[field] else { continue }
            let value = try value(text, of: field)
            if rule[keyPath: access] == .taken { image[field] = value }
        }
        if access == \.create, let id = image.text(.id), !Self.isUUID(id) {
            throw Failure(.badRequest, Message.invalidID)
        }
        try Self.completeFormats(of: &image)
        for property in headers.properties { image.properties.appendUnchecked(property) }
        return image
    }

    private func value(_ text: String, of field: ImageField) throws(Failure) -> FieldValue {
        switch field {
        case .createdAt, .updatedAt, .deletedAt: return .absent
        case .isPublic, .protected: return .boolean(Self.isTrue(text))
        case .size: return .integer(try size(text))
        case .minRAM, .minDisk:
            let number = try Self.number(text, field)
            guard number <= Self.maxMinimum else { throw Failure(.badRequest, Message.outOfRange(field.rawValue)) }
            return .integer(number)
        case .virtualSize: return ASCII.equalIgnoringCase(text, "none") ? .null : .integer(try Self.number(text, field))
        case .name:
            let count = text.unicodeScalars.count
            guard count <= Self.maxName else { throw Failure(.badRequest, Message.longName(count)) }
        case .checksum where text.unicodeScalars.count > Self.maxChecksum:
            throw Failure(.badRequest, Message.longChecksum(text))
        case .diskFormat:
            guard settings.diskFormats.contains(where: { $0.sameBytes(as: text) }) else {
                throw Failure(.badRequest, Message.diskFormat(text.isEmpty ? "None" : text))
            }
        case .containerFormat:
            guard settings.containerFormats.contains(where: { $0.sameBytes(as: text) }) else {
                throw Failure(.badRequest, Message.containerFormat(text.isEmpty ? "None" : text))
            }
        default: break
        }
        return text.isEmpty ? .null : .text(text)
    }

    private func size(_ text: String) throws(Failure) -> Int64 {
        let size = try Self.number(text, .size)
        guard size <= settings.maxSize else { throw Failure(.badRequest, Message.tooLarge(settings.maxSize)) }
        return size
    }

    private static func number(_ text: String, _ field: ImageField) throws(Failure) -> Int64 {
        guard let number = WholeNumber.read(text) else {
            throw Failure(.badRequest, Message.notInteger(field.rawValue, text))
        }
        guard number >= 0 else { throw Failure(.badRequest, Message.negative(field.rawValue, text)) }
        return number
    }

    /// An Amazon format given once fills both fields; two different ones are refused (glance-v1 §2.4).
    private static func completeFormats(of image: inout Image) throws(Failure) {
        let disk = image.text(.diskFormat)
        let container = image.text(.containerFormat)
        guard let format = [disk, container].compactMap({ $0 }).first(where: ValueRules.amazonFormats.contains) else {
            return
        }
        guard (disk ?? format) == (container ?? format) else { throw Failure(.badRequest, Message.formatMix) }
        image[.diskFormat] = .text(format)
        image[.containerFormat] = .text(format)
    }
}
