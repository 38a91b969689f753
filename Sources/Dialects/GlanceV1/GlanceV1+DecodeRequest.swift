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
        default: throw Failure(.unknownPath)
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
            guard image.text(.diskFormat) != nil else { throw Failure(.badRequest, GlanceMessage.noDiskFormat) }
            guard image.text(.containerFormat) != nil else {
                throw Failure(.badRequest, GlanceMessage.noContainerFormat)
            }
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
    static let updateGuards =
        [ImageField.id, .status].map {
            FieldGuard($0, .always, Failure(.forbidden, GlanceMessage.fixed($0.rawValue)))
        }
        + [ImageField.size, .checksum].map {
            FieldGuard($0, .whileActive, Failure(.forbidden, GlanceMessage.fixedWhileActive($0.rawValue)))
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
            try settings.values.checkSource(location)
            sources.append(.location)
        }
        if let address = headers.copyFrom {
            try settings.values.checkSource(address)
            sources.append(.copyFrom(address))
        }
        guard sources.count < 2 else { throw Failure(.badRequest, GlanceMessage.manySources) }
        guard let source = sources.first else { return .none }
        if Self.isBody(source), !request.isOctetStream {
            throw Failure(.badRequest, GlanceMessage.contentType)
        }
        return source
    }
}

// MARK: - Fields (glance-v1 §2)

extension GlanceV1 {
    /// The fields said, checked also where they are dropped afterwards.
    private func image(_ headers: Headers, _ access: KeyPath<FieldRule, FieldRule.Access>) throws(Failure) -> Image {
        var image = Image()
        for rule in Self.rules {
            guard let field = rule.field, let text = headers[field] else { continue }
            let value = try settings.values.read(text, of: field)
            if rule[keyPath: access] == .taken { image[field] = value }
        }
        if access == \.create, let id = image.text(.id), !Self.isUUID(id) {
            throw Failure(.badRequest, GlanceMessage.invalidID)
        }
        try GlanceValues.completeFormats(of: &image)
        for property in headers.properties { image.properties.appendUnchecked(property) }
        return image
    }
}
