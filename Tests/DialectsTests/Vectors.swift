import Bytes
import Dialects
import FoundationEssentials
import HTTP
import Images

/// The machine-readable examples of one dialect.
struct Vectors {
    static let plankton = Vectors("plankton")
    static let glanceV1 = Vectors("glance-v1")
    static let glance2010 = Vectors("glance-2010")
    static let imageV2 = Vectors("image-v2")

    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    private let all: JSONObject

    private init(_ dialect: String) {
        do {
            all = try Self.json("Vectors/\(dialect).json").object ?? JSONObject()
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// The vectors of one section.
    func section(_ name: String) -> [JSONObject] { (all[name]?.array ?? []).compactMap(\.object) }

    /// Their names, as arguments of a table test.
    func names(_ section: String) -> [String] { self.section(section).compactMap { $0["name"]?.text } }

    func vector(_ section: String, _ name: String) throws -> JSONObject {
        guard let found = self.section(section).first(where: { $0["name"]?.text == name }) else {
            throw Fault(description: "no vector \(name)")
        }
        return found
    }

    /// The request of a vector; the target is relative to a mount at the root.
    static func request(_ vector: JSONObject) throws -> (request: ClientRequest, body: [UInt8]) {
        guard let request = vector["request"]?.object, let method = request["method"]?.text,
            let target = request["target"]?.text
        else { throw Fault(description: "no request") }
        var fields = Fields()
        for pair in request["headers"]?.array ?? [] {
            guard let name = pair.array?.first?.text, let value = pair.array?.last?.text else { continue }
            fields.append(name, value)
        }
        for pair in request["headers_b64"]?.array ?? [] {
            guard let name = pair.array?.first?.text, let value = pair.array?.last?.text else { continue }
            fields.append(name: name.utf8, value: base64(value))
        }
        let text = request["body"]?.text
        return (clientRequest(method, target, fields, framing: framing(fields, text)), Array((text ?? "").utf8))
    }

    /// How a vector's body arrives: as its fields say, else counted.
    private static func framing(_ fields: Fields, _ body: String?) -> ClientRequest.Framing {
        if fields["transfer-encoding"] != nil { return .chunked }
        if let length = fields["content-length"].flatMap({ Int64($0) }) { return .length(length) }
        return body.map { .length(Int64($0.utf8.count)) } ?? .none
    }

    static func clientRequest(
        _ method: String, _ target: String, _ fields: Fields = Fields(), mountPrefix: String = "",
        framing: ClientRequest.Framing = .none
    ) -> ClientRequest {
        let head = RequestHead(method: method, target: target, fields: fields)
        let path = String(head.path)
        return ClientRequest(
            head: head, path: path.isEmpty ? "/" : path, query: head.query.map { String($0) }, mountPrefix: mountPrefix,
            publicURL: "https://gw.example.com", framing: framing, requestID: "req-1")
    }

    private static func base64(_ text: String) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for digit in text.utf8 {
            guard let value = alphabet.firstIndex(of: digit) else { continue }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }

    /// The canonical image that a vector describes.
    static func image(_ json: JSONValue?) -> Image {
        var image = Image()
        for member in json?.object?.members ?? [] {
            if member.key == "properties" {
                for property in member.value.object?.members ?? [] {
                    image.properties.set(property.key, property.value.text)
                }
                continue
            }
            guard let field = ImageField(rawValue: member.key) else { continue }
            image[field] = value(member.value, of: field)
        }
        return image
    }

    static func value(_ json: JSONValue, of field: ImageField) -> FieldValue {
        switch (field.kind, json) {
        case (_, .null): .null
        case (.time, .string(let text)): Timestamp(text).map { .time($0) } ?? .text(text)
        case (_, .string(let text)): .text(text)
        case (_, .boolean(let flag)): .boolean(flag)
        case (_, .number): json.integer.map { .integer($0) } ?? .absent
        default: .absent
        }
    }

    /// The canonical image back as the vectors write it, properties always there.
    static func fields(of image: Image, removals: [String] = []) -> JSONObject {
        var object = JSONObject()
        for field in image.statedFields {
            switch image[field] {
            case .absent: break
            case .null: object.append(field.rawValue, .null)
            case .text(let text): object.append(field.rawValue, .string(text))
            case .integer(let number): object.append(field.rawValue, .integer(number))
            case .boolean(let flag): object.append(field.rawValue, .boolean(flag))
            case .time(let time): object.append(field.rawValue, .string(time.text(.canonical)))
            }
        }
        var properties = JSONObject()
        for property in image.properties.list {
            properties.append(property.name, property.value.map { .string($0) } ?? .null)
        }
        for name in removals { properties.append(name, .null) }
        object.append("properties", .object(properties))
        return object
    }
}

extension Vectors {
    /// A file beside the tests.
    static func json(_ path: String, from file: String = #filePath) throws -> JSONValue {
        let folder = file.prefix(upTo: file.lastIndex(of: "/") ?? file.endIndex)
        return try JSONReader.parse([UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\(path)"))))
    }

    /// A list as the gateway would send it.
    static func bytes(of rendering: ListRendering) async throws -> [UInt8] {
        var bytes = rendering.opening
        var count = 0
        var last: Image?
        while let image = try await rendering.images.next() {
            if count > 0 { bytes += rendering.separator }
            count += 1
            last = image
            rendering.append(image, &bytes)
        }
        return bytes + rendering.closing(count, last)
    }

    /// Equality of JSON without regard to the order of members.
    static func same(_ left: JSONValue?, _ right: JSONValue?) -> Bool {
        switch (left, right) {
        case (.object(let a)?, .object(let b)?):
            a.members.count == b.members.count && a.members.allSatisfy { same($0.value, b[$0.key]) }
        case (.array(let a)?, .array(let b)?): a.count == b.count && zip(a, b).allSatisfy { same($0, $1) }
        default: left == right
        }
    }
}
