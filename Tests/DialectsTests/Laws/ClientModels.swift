import Bytes
import Dialects
import HTTP
import Images

/// A client of some dialect: says an image in a creation, and looks at an image in all its forms.
struct ClientModel: Sendable {
    let dialect: any ClientDialect
    let shown: ShownFields
    /// The request that says as much of the image as the client's dialect has words for; nil for one that no request can
    /// say.
    let request: @Sendable (_ image: Image) -> ClientRequest
    /// Its document.
    var document: @Sendable (_ image: Image) -> [UInt8] = { _ in [] }

    /// What the gateway understands.
    func creation(_ image: Image) throws -> ImageCreation {
        let request = request(image)
        switch try dialect.decode(try dialect.route(request), request) {
        case .operation(.createImage(let creation)): return creation
        case .document(_, _, let decode):
            if case .createImage(let creation) = try decode(document(image)) { return creation }
        default: break
        }
        throw Vectors.Fault(description: "no creation")
    }

    /// All that the client is shown of an image: an entry of a list, or headers.
    func view(_ image: Image, asEntry isEntry: Bool) throws -> View {
        if isEntry || dialect.name == "image-v2" { return .entry(try RegistryModel.entryBytes(image, dialect)) }
        let headers = try RegistryModel.headers(image, dialect).map { Array($0.name) + [0x3A] + Array($0.value) }
        return .headers(headers)
    }

    enum View: CustomStringConvertible {
        case entry([UInt8])
        case headers([[UInt8]])

        var description: String {
            switch self {
            case .entry(let bytes): String(decoding: bytes, as: UTF8.self)
            case .headers(let lines): String(decoding: Array(lines.joined(separator: [0x0A])), as: UTF8.self)
            }
        }

        /// The same whatever the order.
        func isSame(as other: View) -> Bool {
            switch (self, other) {
            case (.entry(let a), .entry(let b)):
                a == b || Vectors.same(try? JSONReader.parse(a), try? JSONReader.parse(b))
            case (.headers(let a), .headers(let b)):
                a == b
                    || a.sorted { $0.lexicographicallyPrecedes($1) } == b.sorted { $0.lexicographicallyPrecedes($1) }
            default: false
            }
        }
    }

    // MARK: Headers

    /// What any HTTP client can put into a header: one line without blanks at the ends.
    private static func line(_ text: String) -> String {
        let harmless = text.utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x2E : $0 }
        return String(decoding: ASCII.trim(harmless[...]), as: UTF8.self)
    }

    private static func token(_ name: String) -> String {
        String(decoding: name.utf8.filter(ByteSet.token.contains), as: UTF8.self)
    }

    private static func text(_ value: FieldValue) -> String? {
        switch value {
        case .absent, .time: nil
        case .null: ""
        case .text(let text): text
        case .integer(let number): String(number)
        case .boolean(let flag): flag ? "True" : "False"
        }
    }

    private static let booleans: [ImageField] = [.isPublic, .protected]

    /// - Parameter code: what the client does to names and values.
    private static func fields(
        _ image: Image, _ shown: ShownFields, separator: String, _ code: (_ text: String, _ isName: Bool) -> String
    ) -> Fields {
        var fields = Fields()
        var image = image
        if image.boolean(.isPublic) == nil, let visibility = image.visibility {
            image[.isPublic] = .boolean(visibility == .public)
        }
        for field in ImageField.allCases {
            guard shown[field].create == .native || shown[field].create == .translated, field != .id,
                let value = text(image[field])
            else { continue }
            let name = field.rawValue.split(separator: "_").joined(separator: separator)
            fields.append("x-image-meta-" + name, code(value, false))
        }
        for property in image.properties.list {
            let name = code(property.name, true)
            if !name.isEmpty { fields.append("x-image-meta-property-" + name, code(property.value ?? "", false)) }
        }
        return fields
    }

    // MARK: The dialects

    static let glance2010 = ClientModel(dialect: Glance2010(), shown: .glance2010) { image in
        var image = image
        // A location needs a name and a type, of which this dialect has a few.
        if image.text(.location) != nil {
            image[.name] = .text("n")
            image[.diskFormat] = .text(image.text(.diskFormat) ?? "raw")
            image[.containerFormat] = .text(image.text(.containerFormat) ?? "bare")
        }
        let fields = fields(image, .glance2010, separator: "_") { text, isName in isName ? token(text) : line(text) }
        return Vectors.clientRequest("POST", "/images", fields)
    }

    static let glanceV1 = ClientModel(dialect: GlanceV1(), shown: .glanceV1) { image in
        let fields = fields(prepared(image), .glanceV1, separator: "_") { text, isName in
            isName ? token(text) : line(text)
        }
        return Vectors.clientRequest("POST", "/v1/images", fields)
    }

    /// python-glanceclient percent-encodes names and values.
    static let glanceV1Encoding = ClientModel(dialect: GlanceV1(), shown: .glanceV1) { image in
        let kept = ByteSet.alphanumeric.union(ByteSet("_.~/-"))
        var fields = fields(prepared(image), .glanceV1, separator: "_") { text, isName in
            let harmless = text.utf8.contains(0) ? "" : text
            return isName
                ? token(PercentCoding.encode(harmless, keeping: kept)) : PercentCoding.encode(harmless, keeping: kept)
        }
        fields.append("User-Agent", "python-glanceclient")
        return Vectors.clientRequest("POST", "/v1/images", fields)
    }

    /// A location needs formats.
    private static func prepared(_ image: Image) -> Image {
        var image = image
        for field in [ImageField.diskFormat, .containerFormat] where image.text(field) == nil {
            image[field] = image.text(.location) == nil ? .absent : .text(field == .diskFormat ? "raw" : "bare")
        }
        return image
    }

    static let plankton = ClientModel(dialect: Plankton(), shown: .plankton) { image in
        var image = image
        if image.text(.name).map({ $0.isEmpty || $0.utf8.contains(0) }) ?? true { image[.name] = .text("n") }
        if !(image.text(.location) ?? "").utf8.starts(with: "pithos:".utf8) {
            image[.location] = .text("pithos://u/c/o")
        }
        if image.text(.diskFormat).map({ !ValueRules.planktonDiskFormats.contains($0) }) ?? true {
            image[.diskFormat] = .absent
        }
        if image.text(.containerFormat).map({ !["bare", "ovf", "ami", "aki", "ari"].contains($0) }) ?? true {
            image[.containerFormat] = .absent
        }
        for field in [ImageField.store, .owner, .checksum] { image[field] = .absent }
        let kept = ByteSet.alphanumeric.union(ByteSet("_.-"))
        let coded = fields(image, .plankton, separator: "-") { text, isName in
            let harmless = text.utf8.contains(0) ? "x" : text
            return isName ? PercentCoding.encode(harmless, keeping: kept) : harmless
        }
        var fields = Fields()
        for field in coded {
            let isCoded = field.nameText == "x-image-meta-name" || field.nameText.hasPrefix("x-image-meta-property-")
            let value = field.valueText ?? ""
            fields.append(field.nameText, isCoded ? PercentCoding.encode(value, keeping: kept) : value)
        }
        return Vectors.clientRequest("POST", "/v1.0/images/", fields)
    }

    private static let attributes: Set<String> = [
        "id", "name", "size", "status", "tags", "owner", "min_ram", "self", "location", "deleted",
    ]

    static let imageV2 = ClientModel(
        dialect: ImageV2(), shown: .imageV2,
        request: { _ in Vectors.clientRequest("POST", "/v2/images", framing: .length(2)) },
        document: { image in
            var object = JSONObject()
            for field in ImageField.allCases where ShownFields.imageV2[field].create == .native && field != .id {
                switch image[field] {
                case .absent, .time: break
                case .null: object.append(field.rawValue, .null)
                case .text(let text): object.append(field.rawValue, .string(text))
                case .integer(let number): object.append(field.rawValue, .integer(number))
                case .boolean(let flag): object.append(field.rawValue, .boolean(flag))
                }
            }
            if let tags = image.tags { object.append("tags", .array(tags.map(JSONValue.string))) }
            // A property named like an attribute would be one.
            for property in image.properties.list
            where object[property.name] == nil && !attributes.contains(property.name) {
                object.append(property.name, .string(property.value ?? ""))
            }
            var writer = JSONWriter()
            writer.value(.object(object))
            return writer.take()
        })

    static let all = [glance2010, glanceV1, glanceV1Encoding, plankton, imageV2]
}
