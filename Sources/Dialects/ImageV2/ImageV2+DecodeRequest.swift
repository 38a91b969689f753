import Bytes
import HTTP
public import Images

extension ImageV2 {
    /// Largest document, in bytes: 128 properties of some length.
    static let maxDocument = 4 << 20

    public func decode(_ route: Route, _ request: ClientRequest) throws(Failure) -> Decoded {
        let id = route.imageID
        try Self.checkBody(route.action, request)
        switch route.action {
        case .versions:
            return .operation(.listVersions(status: versionsStatus(request)))
        case .list: return .operation(.listImages(try query(request)))
        case .show: return .operation(.showImage(id: id))
        case .download: return .operation(.downloadImage(id: id, range: try Self.range(request)))
        case .delete: return .operation(.deleteImage(id: id))
        case .deactivate: return .operation(.deactivateImage(id: id))
        case .reactivate: return .operation(.reactivateImage(id: id))
        case .addTag:
            try Self.check(tag: route.name)
            return .operation(.addTag(id: id, tag: route.name))
        case .removeTag: return .operation(.removeTag(id: id, tag: route.name))
        case .listMembers: return .operation(.listMembers(id: id))
        case .showMember: return .operation(.showMember(id: id, memberID: route.memberID))
        case .removeMember:
            return .operation(.removeMember(id: id, memberID: route.memberID, absentIsDone: false))
        case .listLocations: return .operation(.listLocations(id: id))
        case .deleteFromStore: return .operation(.deleteFromStore(id: id, store: route.name))
        case .schema: return .operation(.describe(.schema(route.name)))
        case .importInfo: return .operation(.describe(.importMethods))
        case .stores: return .operation(.describe(.stores(isDetailed: false)))
        case .storesDetail: return .operation(.describe(.stores(isDetailed: true)))
        case .upload: return .operation(.updateImage(try upload(id, request)))
        case .stage:
            try Self.checkOctetStream(request)
            return .operation(.stageData(id: id, length: Self.length(request)))
        case .create: return document { document throws(Failure) in .createImage(try creation(document)) }
        case .update:
            let isOld = try Self.isOldPatch(request)
            return document { document throws(Failure) in .updateImage(try update(id, document, isOld: isOld)) }
        case .addMember:
            return document { document throws(Failure) in
                .addMember(
                    id: id,
                    member: Member(id: try Self.text("member", of: document, Self.memberTexts), status: "pending"))
            }
        case .setMemberStatus:
            return document { document throws(Failure) in
                let status = try Self.text("status", of: document, Self.statusTexts)
                guard Self.memberStates.contains(status) else {
                    throw Failure(
                        .badRequest,
                        "Provided object does not match schema 'member': '\(status)' is not one of ['pending', 'accepted', 'rejected']"
                    )
                }
                return .setMemberStatus(id: id, memberID: route.memberID, status: status)
            }
        case .importImage:
            return document { document throws(Failure) in .importImage(try Self.imports(id, document, request)) }
        case .addLocation:
            return document { document throws(Failure) in
                .addLocation(id: id, url: try Self.text("url", of: document, Self.locationTexts))
            }
        default: throw Failure(.unknownPath)
        }
    }

    private func versionsStatus(_ request: ClientRequest) -> Int {
        switch resource(of: request) {
        case .versions(isExplicit: true)?: 200
        case .root?: 302
        default: 300
        }
    }

    private func document(_ decode: @escaping DocumentDecoder) -> Decoded {
        .document(limit: Self.maxDocument, ignoresMissing: false, decode: decode)
    }

    static func json(_ document: [UInt8]) throws(Failure) -> JSONValue {
        do throws(JSONError) { return try JSONReader.parse(document, limits: JSONLimits(maxBytes: maxDocument)) } catch
        {
            throw Failure(.badRequest, "Malformed JSON in request body.")
        }
    }

    /// Calls that take no body refuse one (image-v2 §1).
    private static func checkBody(_ action: Route.Action, _ request: ClientRequest) throws(Failure) {
        switch action {
        case .delete, .deactivate, .reactivate, .addTag, .removeTag, .removeMember, .deleteFromStore:
            switch request.framing {
            case .none, .length(0): return
            case .length, .chunked: throw Failure(.badRequest, "A body is not expected with this request.")
            }
        default: return
        }
    }

    // MARK: Creation

    private func creation(_ document: [UInt8]) throws(Failure) -> ImageCreation {
        guard !document.isEmpty else { throw Failure(.badRequest, "Body expected in request.") }
        let value = try Self.json(document)
        guard let object = value.object else {
            throw Failure(.badRequest, "Unexpected body type. Expected list/dict.")
        }
        var image = Image()
        for member in object.members {
            guard let attribute = Self.attribute(member.key) else {
                let property = try property(member.key, member.value)
                image.properties.appendUnchecked(property)
                continue
            }
            switch attribute.create {
            case .readOnly: throw Failure(.forbidden, "Attribute '\(member.key)' is read-only.")
            case .reserved: throw Failure(.forbidden, "Attribute '\(member.key)' is reserved.")
            case .dropped: continue
            case .taken: break
            }
            if let field = attribute.field {
                image[field] = try self.value(member.value, of: field)
            } else {
                image.tags = try tags(member.value)
            }
        }
        guard image.properties.count <= Self.maxProperties else {
            throw Failure(.tooLarge, GlanceMessage.manyProperties(image.properties.count, Self.maxProperties))
        }
        return ImageCreation(image: image, source: .none)
    }

    // MARK: Data (image-v2 §9, §10)

    private func upload(_ id: String, _ request: ClientRequest) throws(Failure) -> ImageUpdate {
        try Self.checkOctetStream(request)
        var image = Image()
        if let text = request.head.fields["x-openstack-image-size"] {
            guard let size = ASCII.decimal(text) else {
                throw Failure(.badRequest, "Invalid or missing image size in request headers.")
            }
            image[.size] = .integer(size)
        }
        if let store = request.head.fields["x-image-meta-store"], !store.isEmpty { image[.store] = .text(store) }
        return ImageUpdate(id: id, image: image, source: .body(length: Self.length(request)))
    }

    private static func checkOctetStream(_ request: ClientRequest) throws(Failure) {
        guard request.isOctetStream else {
            throw Failure(
                .unsupportedMedia,
                "Invalid content type \(request.head.fields["content-type"].map(plainType) ?? "None")")
        }
    }

    /// No body at all is an empty one: an upload of nothing is an upload.
    private static func length(_ request: ClientRequest) -> Int64? {
        switch request.framing {
        case .none: 0
        case .length(let length): length
        case .chunked: nil
        }
    }

    private static func range(_ request: ClientRequest) throws(Failure) -> DataRange? {
        if let text = request.head.fields["range"] {
            guard !text.utf8.contains(UInt8(ascii: ",")) else {
                throw Failure(
                    .badRequest,
                    "Requests with multiple ranges are not supported in Glance. You may make multiple single-range requests instead."
                )
            }
            return DataRange(text)
        }
        // What clients before ranges sent (image-v2 §10): `bytes 1-3/*`.
        guard let text = request.head.fields["content-range"] else { return nil }
        let bytes = Array(text.utf8)
        guard bytes.starts(with: "bytes ".utf8), let slash = bytes.firstIndex(of: UInt8(ascii: "/")) else {
            return DataRange("")
        }
        return DataRange("bytes=" + String(decoding: bytes[6..<slash], as: UTF8.self))
    }

    // MARK: Small documents

    /// What is said when a member is missing, or empty.
    private typealias Texts = (missing: String, empty: String?)
    private static let memberTexts: Texts = ("Member to be added not specified", "Member can't be empty")
    private static let statusTexts: Texts = ("Status not specified", nil)
    private static let locationTexts: Texts = ("The 'url' of the location is not specified", "Invalid location")
    static let memberStates = ["pending", "accepted", "rejected"]

    private static func text(_ key: String, of document: [UInt8], _ texts: Texts) throws(Failure) -> String {
        guard !document.isEmpty else { throw Failure(.badRequest, "Body expected in request.") }
        guard let object = try json(document).object else {
            throw Failure(.badRequest, "Expected a dict with member '\(key)'.")
        }
        guard let value = object[key] else { throw Failure(.badRequest, texts.missing) }
        guard let text = value.text else { throw Failure(.badRequest, "Member '\(key)' is not of type 'string'") }
        if text.isEmpty, let empty = texts.empty { throw Failure(.badRequest, empty) }
        return text
    }

    /// Image-v2 §11.
    private static func imports(_ id: String, _ document: [UInt8], _ request: ClientRequest) throws(Failure)
        -> ImageImport
    {
        guard !document.isEmpty else { throw Failure(.badRequest, "Body expected in request.") }
        guard let object = try json(document).object, let method = object["method"]?.object else {
            throw Failure(.badRequest, "Import request requires a 'method' field.")
        }
        guard let name = method["name"]?.text else {
            throw Failure(.badRequest, "Import request requires a 'name' field.")
        }
        let asked: ImageImport.Method
        switch name {
        case "glance-direct": asked = .staged
        case "web-download":
            guard let uri = method["uri"]?.text else {
                throw Failure(.badRequest, "Invalid URI. A uri is required for web-download.")
            }
            asked = .webDownload(uri: uri)
        case "copy-image": asked = .copyImage
        default: throw Failure(.badRequest, "Unknown import method name '\(name)'.")
        }
        func flag(_ key: String, otherwise: Bool) throws(Failure) -> Bool {
            guard let value = object[key] else { return otherwise }
            guard let flag = value.boolean else {
                throw Failure(.badRequest, "'\(key)' must be boolean value only")
            }
            return flag
        }
        var stores = object["stores"]?.array?.compactMap(\.text) ?? []
        if stores.isEmpty, let store = request.head.fields["x-image-meta-store"], !store.isEmpty { stores = [store] }
        return ImageImport(
            id: id, method: asked, stores: stores, allStores: try flag("all_stores", otherwise: false),
            allStoresMustSucceed: try flag("all_stores_must_succeed", otherwise: true))
    }
}
