import Bytes
import HTTP
public import Images

extension Glance2010 {
    public func decode(_ route: Route, _ request: ClientRequest) throws(Failure) -> Decoded {
        switch route.action {
        case .list, .listDetail:
            let query = ImageQuery(
                isDetailed: route.action == .listDetail, scope: .publicOnly,
                sort: [ImageQuery.Sort(.createdAt, ascending: true)])
            return .operation(.listImages(query))
        case .show: return .operation(.showImage(id: try Self.imageID(route.imageID)))
        case .download: return .operation(.downloadImage(id: try Self.imageID(route.imageID)))
        case .delete: return .operation(.deleteImage(id: try Self.imageID(route.imageID)))
        case .create: return .operation(.createImage(try creation(request)))
        case .update: return try update(try Self.imageID(route.imageID), request)
        default: throw Failure(.unknownPath)
        }
    }

    /// The id of a path, if an image can have it; others go to no backend.
    private static func imageID(_ id: String) throws(Failure) -> String {
        guard PathSegments.isImageID(id) else {
            throw Failure(.imageNotFound, GlanceMessage.unknownImage(id), isDetail: true)
        }
        return id
    }

    // MARK: Create (glance-2010 §6)

    private func creation(_ request: ClientRequest) throws(Failure) -> ImageCreation {
        let metadata = try metadata(of: request)
        var image = metadata.image
        let source: DataSource
        if metadata.location != nil {
            // A location wins over data.
            source = .location
            image[.location] = .text(metadata.location ?? "")
        } else {
            source = try Self.data(request)
        }
        guard source != .none else { return ImageCreation(image: image, source: .none) }
        guard image.text(.name) != nil else { throw Failure(.badRequest, GlanceMessage.noName, isDetail: true) }
        guard image.text(.diskFormat) != nil, image.text(.containerFormat) != nil else {
            throw Failure(.badRequest, GlanceMessage.noType, isDetail: true)
        }
        try checkLength(source, image)
        return ImageCreation(image: image, source: source)
    }

    /// The body, if it is data.
    private static func data(_ request: ClientRequest) throws(Failure) -> DataSource {
        let length: Int64?
        switch request.framing {
        case .none, .length(0): return .none
        case .length(let count): length = count
        case .chunked: length = nil
        }
        guard request.isOctetStream else { throw notData }
        return .body(length: length)
    }

    private static let notData = Failure(.badRequest, GlanceMessage.contentType, isDetail: true)

    /// Announced and real length are compared before anything is sent on.
    private func checkLength(_ source: DataSource, _ image: Image) throws(Failure) {
        guard case .body(let length?) = source else { return }
        try Self.asDetail { () throws(Failure) in try settings.values.checkSize(length) }
        if let size = image.integer(.size), size != length {
            throw Failure(.badRequest, GlanceMessage.sizeMismatch(size, length), isDetail: true)
        }
    }

    // MARK: Update

    private func update(_ id: String, _ request: ClientRequest) throws(Failure) -> Decoded {
        guard case .none = request.framing else { return try updateWithBody(id, request) }
        return .operation(.updateImage(imageUpdate(id, try metadata(of: request), .none)))
    }

    private func updateWithBody(_ id: String, _ request: ClientRequest) throws(Failure) -> Decoded {
        guard request.framing != .length(0), !request.isOctetStream else {
            let metadata = try metadata(of: request)
            let source = metadata.location == nil ? try Self.data(request) : .location
            try checkLength(source, metadata.image)
            return .operation(.updateImage(imageUpdate(id, metadata, source)))
        }
        return .document(limit: settings.maxDocumentBytes, ignoresMissing: false) { document throws(Failure) in
            .updateImage(imageUpdate(id, try metadata(document: document), .none))
        }
    }

    private func imageUpdate(_ id: String, _ metadata: Metadata, _ source: DataSource) -> ImageUpdate {
        var image = metadata.image
        image[.id] = .absent
        var source = source
        if let location = metadata.location {
            image[.location] = .text(location)
            source = .location
        }
        let echoesType = metadata.hasTypeFormats
        return ImageUpdate(
            id: id, image: image, source: source, guards: Self.updateGuards, fold: .header,
            shown: { field, image in Self.shown(field, of: image, echoesType: echoesType) })
    }

    /// Sizes and checksums are demands on data, never changes.
    static let updateGuards = [
        FieldGuard(.size, .ignored, Failure(.badRequest)), FieldGuard(.checksum, .ignored, Failure(.badRequest)),
    ]

    /// An update that repeats the type the client was shown leaves the formats alone (glance-2010 §3).
    private static func shown(_ field: ImageField, of image: Image, echoesType: Bool) -> FieldValue? {
        switch field {
        case .isPublic: return .boolean(image.isPublic)
        case .store: return store(of: image).map { .text($0) } ?? .null
        case .diskFormat, .containerFormat:
            guard echoesType,
                let entry = ValueRules.imageTypes.first(where: { $0.type == ValueRules.imageType(of: image) })
            else { return nil }
            return .text(field == .diskFormat ? entry.diskFormat : entry.containerFormat)
        default: return nil
        }
    }
}
