import Bytes
import Dialects
import HTTP
import Images

/// What a server does with the image that a creation describes: what it shows afterwards.
typealias Store = (Image) throws(Failure) -> Image

/// Servers that lose nothing.
enum IdealStore {
    static let id = "71c675ab-d94f-49cd-a114-e12490b328d9"
    static let time = Timestamp(seconds: 1_265_189_641, microseconds: 654_321)

    /// Keeps everything as it was said and says what only a registry can say.
    static func keep(_ wanted: Image) -> Image {
        var image = wanted
        if image.text(.id) == nil { image[.id] = .text(id) }
        let hasData = image.text(.location) != nil
        image[.status] = .text(hasData ? "active" : "queued")
        if image.text(.owner) ?? "" == "" { image[.owner] = .text("acme") }
        image[.visibility] = .text(wanted.knownVisibility.rawValue)
        image[.isPublic] = .boolean(wanted.knownVisibility == .public)
        image[.createdAt] = .time(time)
        image[.updatedAt] = .time(time)
        image[.deletedAt] = .null
        image.tags = unique(image.tags ?? [])
        return image
    }

    /// A set in the order of code points; texts are equal byte by byte.
    static func unique(_ tags: [String]) -> [String] {
        var unique: [String] = []
        for tag in tags.sorted(by: { $0.precedesByCodePoint($1) }) where !(unique.last?.sameBytes(as: tag) ?? false) {
            unique.append(tag)
        }
        return unique
    }
}

/// A registry of some dialect as the gateway uses it, without I/O: a creation is encoded as the backend does, decoded as the
/// server does, kept in a store, rendered as the server does and decoded as the backend does.
struct RegistryModel: Sendable {
    let held: HeldFields
    /// An image of the kind that such a registry can have at all.
    var prepare: @Sendable (_ image: Image) -> Image = { $0 }
    /// Null properties are told in lists only.
    var hidesNull = false
    /// Null properties are empty ones (difference 12).
    var emptiesNull = false
    /// An empty name is none (difference 22).
    var hasNoEmptyName: Bool { held.exceptions[.name] == .emptyName }
    /// - Parameter isBrief: the answer comes from a list, not from headers.
    let hold: @Sendable (_ image: Image, _ isEntry: Bool, _ store: Store) throws -> Image

    static let marks = Marks(prefix: "gw_")

    static func request(_ call: RegistryCall) -> ClientRequest {
        Vectors.clientRequest(call.method, call.target, call.fields)
    }

    /// What the server of a dialect makes of a call that creates.
    private static func created(_ call: RegistryCall, _ server: any ClientDialect) throws -> Image {
        let request = request(call)
        guard case .operation(.createImage(let creation)) = try server.decode(try server.route(request), request) else {
            throw Vectors.Fault(description: "no creation")
        }
        return creation.image
    }

    static func headers(_ image: Image, _ server: any ClientDialect) throws -> Fields {
        let request = Vectors.clientRequest("HEAD", "/images/" + PercentCoding.encode(image.id))
        return try server.render(.image(image), of: .showImage(id: image.id), for: request).head.fields
    }

    static func entry(_ image: Image, _ server: any ClientDialect) throws -> JSONObject {
        guard let entry = try JSONReader.parse(try entryBytes(image, server)).object else {
            throw Vectors.Fault(description: "no entry")
        }
        return entry
    }

    static func entryBytes(_ image: Image, _ server: any ClientDialect) throws -> [UInt8] {
        let request = Vectors.clientRequest("GET", server.name == "image-v2" ? "/v2/images" : "/images/detail")
        let query = ImageQuery(isDetailed: true)
        let response = try server.render(.images(ImageArray([])), of: .listImages(query), for: request)
        guard case .list(let rendering) = response.body else { throw Vectors.Fault(description: "no list") }
        var bytes: [UInt8] = []
        rendering.append(image, &bytes)
        return bytes
    }

    // MARK: The dialects

    static let glance2010 = RegistryModel(held: .glance2010) { image, isEntry, store in
        let held = FieldMarks(marks, .glance2010)
        let native = try Glance2010Image.native(of: image, held)
        let call = try Glance2010.Calls(token: nil, requestID: "").create(native, hasData: false)
        let server = Glance2010()
        let stored = try store(try created(call, server))
        let reply = Glance2010.Reply(profile: .seed)
        let read = isEntry ? try reply.image(try entry(stored, server)) : try reply.image(try headers(stored, server))
        return Glance2010Image(read, held).image
    }

    /// It fills in the other half of an Amazon pair (difference 21).
    private static func completed(_ image: Image) -> Image {
        var image = image
        let formats = [ImageField.diskFormat, .containerFormat]
        guard let amazon = formats.compactMap({ image.text($0) }).first(where: ValueRules.amazonFormats.contains) else {
            return image
        }
        for field in formats where image.text(field) == nil { image[field] = .text(amazon) }
        return image
    }

    static let glanceV1 = RegistryModel(held: .glanceV1, prepare: completed, hidesNull: true) { image, isEntry, store in
        let registry = GlanceV1Registry()
        let metadata = GlanceV1.Metadata(try GlanceV1Image.native(of: image, registry))
        let call = try GlanceV1.Calls(token: nil, requestID: "").create(metadata)
        let server = GlanceV1()
        let stored = try store(try created(call, server))
        let read =
            isEntry
            ? try GlanceV1.Reply.image(try entry(stored, server))
            : try GlanceV1.Reply.image(try headers(stored, server))
        return GlanceV1Image(read, registry.fieldMarks).image
    }

    static let plankton = RegistryModel(
        held: .plankton,
        prepare: { image in
            var image = image
            // What is registered has a location in the store, a name, and data of some format.
            if image.text(.location).map({ !$0.utf8.starts(with: "pithos:".utf8) }) ?? true {
                image[.location] = .text("pithos://u/c/o")
            }
            if image.text(.name).map(\.isEmpty) ?? true { image[.name] = .text("n") }
            // Dumps are raw to everybody else (difference 16).
            if image.text(.diskFormat) ?? "diskdump" == "diskdump" { image[.diskFormat] = .text("raw") }
            if image.text(.containerFormat) == nil { image[.containerFormat] = .text("bare") }
            return image
        },
        hold: { image, isEntry, store in
            let names = PlanktonHolding.marks(prefix: marks.prefix)
            let wanted = try PlanktonHolding(marks: names).registration(of: image)
            let call = Plankton.Calls(token: nil, requestID: "").register(wanted)
            let server = Plankton(settings: .init(.synnefo))
            let stored = try store(try created(call, server))
            let record =
                isEntry
                ? try Plankton.Record(try entry(stored, server)) : try Plankton.Record(try headers(stored, server))
            return PlanktonImage(record, marks: names).image
        })

    /// The site's rules as the registry shows them.
    private static let schema: ImageV2Schema = {
        let request = Vectors.clientRequest("GET", "/v2/schemas/image")
        let operation = Operation.describe(.schema("image"))
        guard
            case .bytes(let bytes)? = try? ImageV2().render(
                .capabilities(RegistryCapabilities()), of: operation, for: request
            ).body, let properties = try? JSONReader.parse(bytes).object?["properties"]?.object
        else { return ImageV2Schema() }
        return ImageV2Schema(properties: properties)
    }()

    static let imageV2 = RegistryModel(held: .imageV2, emptiesNull: true) { image, _, store in
        var creation = ImageV2Creation(image: image, properties: ImageV2Properties(marks: marks, schema: schema))
        creation.announcesSize = true
        creation.announcesChecksum = true
        creation.location = image.text(.location)
        creation.store = image.text(.store).flatMap { $0 == "pithos" ? nil : $0 }
        let call = ImageV2Calls(token: nil, requestID: "").create(try creation.document())
        let server = ImageV2()
        let request = request(call)
        guard case .document(_, _, let decode) = try server.decode(try server.route(request), request),
            case .createImage(let made) = try decode(call.document ?? [])
        else { throw Vectors.Fault(description: "no creation") }
        return try ImageV2Image(try entry(try store(made.image), server), marks: marks).image
    }

    static let all = [glance2010, glanceV1, plankton, imageV2]
}
