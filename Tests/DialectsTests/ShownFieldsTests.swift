import Bytes
import Dialects
import HTTP
import Images
import Testing

/// What the table says of a creation's fields is what the dialects do with them.
@Suite struct ShownFieldsTests {
    private static let values: [ImageField: String] = [
        .id: "71c675ab-d94f-49cd-a114-e12490b328d9", .name: "n", .status: "active", .diskFormat: "raw",
        .containerFormat: "bare", .size: "3", .virtualSize: "3", .checksum: "900150983cd24fb0d6963f7d28e17f72",
        .osHashAlgo: "sha512", .osHashValue: "cafe", .location: "http://h/x", .store: "file", .owner: "acme",
        .visibility: "public", .isPublic: "True", .minRAM: "1", .minDisk: "1", .protected: "True", .hidden: "True",
        .createdAt: "2010-02-03T09:34:01", .updatedAt: "2010-02-03T09:34:01", .deletedAt: "2010-02-03T09:34:01",
    ]

    private static func value(_ field: ImageField, _ dialect: String) -> String {
        switch (field, dialect) {
        case (.diskFormat, "plankton"): "diskdump"
        case (.location, "plankton"): "pithos://u/c/o"
        case (.store, "plankton"): "pithos"
        default: values[field] ?? ""
        }
    }

    /// A creation in headers that says the field, beside what it needs.
    private static func creation(_ field: ImageField, _ dialect: any ClientDialect) throws -> Image {
        var said: [(ImageField, String)] = [(field, value(field, dialect.name))]
        let needed: [ImageField] =
            switch (dialect.name, field) {
            case ("plankton", _): [.name, .location]
            case (_, .location): [.name, .diskFormat, .containerFormat]
            default: []
            }
        for other in needed where other != field { said.append((other, value(other, dialect.name))) }
        let fields = Fields(said.map { ("x-image-meta-" + $0.rawValue, $1) })
        let request = Vectors.clientRequest("POST", "/images", fields)
        guard case .operation(.createImage(let creation)) = try dialect.decode(try dialect.route(request), request)
        else {
            throw Vectors.Fault(description: "no creation")
        }
        return creation.image
    }

    private static func modernCreation(_ field: ImageField) throws -> Image {
        let text = value(field, "image-v2")
        let json: JSONValue =
            switch field.kind {
            case .integer: .number(text)
            case .boolean: .boolean(true)
            default: .string(text)
            }
        var writer = JSONWriter()
        writer.value(
            .object(
                JSONObject([
                    .init(
                        key: field == .isPublic ? "visibility" : field.rawValue,
                        value: field == .isPublic ? .string("public") : json)
                ])))
        let request = Vectors.clientRequest("POST", "/v2/images", framing: .length(2))
        let dialect = ImageV2()
        guard case .document(_, _, let decode) = try dialect.decode(try dialect.route(request), request),
            case .createImage(let creation) = try decode(writer.take())
        else { throw Vectors.Fault(description: "no creation") }
        return creation.image
    }

    private static func check(_ field: ImageField, _ said: SaidClass, _ dialect: String, _ create: () throws -> Image) {
        switch said {
        case .native, .translated, .lossy:
            #expect(throws: Never.self, "\(dialect) \(field)") {
                let image = try create()
                let isSaid = field == .isPublic ? image.isPublic : !image[field].isAbsent
                #expect(isSaid, "\(dialect) \(field)")
            }
        case .refused: #expect(throws: Failure.self, "\(dialect) \(field)") { try create() }
        case .ignored, .fixed, .absent:
            // A header that the dialect does not know may be refused (v1), never taken.
            if let image = try? create() { #expect(image[field].isAbsent, "\(dialect) \(field)") }
        }
    }

    @Test(arguments: ImageField.allCases)
    func `a field in a creation has the class of the table`(field: ImageField) {
        for dialect in [Glance2010(), GlanceV1(), Plankton()] as [any ClientDialect] {
            guard let shown = ShownFields.all.first(where: { $0.dialect == dialect.name }) else { continue }
            Self.check(field, shown[field].create, dialect.name) { try Self.creation(field, dialect) }
        }
        Self.check(field, ShownFields.imageV2[field].create, "image-v2") { try Self.modernCreation(field) }
    }
}
