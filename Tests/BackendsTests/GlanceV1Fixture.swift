import Backends
import Bytes
import Dialects
import Images

/// Short words for scripts of a registry of the Image API v1.
enum V1 {
    static let id = "71c675ab-d94f-49cd-a114-e12490b328d9"
    static let path = "/v1/images/" + id
    static let md5OfABC = "900150983cd24fb0d6963f7d28e17f72"

    typealias Step = ScriptedTransport.Step

    /// An image in headers: queued and empty, unless said otherwise.
    static func headers(_ changes: [String: String] = [:], properties: [String: String] = [:]) -> [(String, String)] {
        var fields = [
            "id": id, "name": "n", "status": "queued", "disk_format": "raw", "container_format": "bare", "size": "0",
            "owner": "acme", "is_public": "False", "min_ram": "0", "min_disk": "0", "protected": "False",
            "created_at": "2026-11-21T02:45:16.250972",
        ]
        fields.merge(changes) { $1 }
        return fields.sorted { $0.key < $1.key }.map { ("X-Image-Meta-" + $0.key, $0.value) }
            + properties.sorted { $0.key < $1.key }.map { ("X-Image-Meta-Property-" + $0.key, $0.value) }
    }

    static let active = ["status": "active", "size": "3", "checksum": md5OfABC]

    /// The same image in a document.
    static func object(_ changes: [String: String] = [:], properties: [String: String] = [:]) -> JSONValue {
        var object = JSONObject()
        for (name, value) in headers(changes) { object.append(String(name.dropFirst(13)), .string(value)) }
        let list = properties.sorted { $0.key < $1.key }.map {
            JSONObject.Member(key: $0.key, value: .string($0.value))
        }
        object.append("properties", .object(JSONObject(list)))
        return .object(object)
    }

    static func document(
        _ status: Int = 200, _ changes: [String: String] = [:], properties: [String: String] = [:]
    ) -> ScriptedTransport.Reply {
        Fixture.answer(status, .object(JSONObject(["image": object(changes, properties: properties)])))
    }

    static func list(_ images: [JSONValue]) -> ScriptedTransport.Reply {
        Fixture.answer(200, .object(JSONObject(["images": .array(images)])))
    }

    static func head(_ changes: [String: String] = [:], properties: [String: String] = [:]) -> Step {
        Step(
            method: "HEAD", target: path, reply: .answer(200, headers(changes, properties: properties), []))
    }

    static func step(
        _ method: String, _ target: String, json: String? = nil, body: String? = nil,
        _ reply: ScriptedTransport.Reply
    ) -> Step {
        step(method, target, [], json: json, body: body, reply)
    }

    static func step(
        _ method: String, _ target: String, _ headers: [(String, String)], json: String? = nil, body: String? = nil,
        _ reply: ScriptedTransport.Reply
    ) -> Step {
        Step(
            method: method, target: target, headers: headers,
            json: json.flatMap { try? JSONReader.parse(Array($0.utf8)) }, body: body, reply: reply)
    }

    static func meta(_ fields: KeyValuePairs<String, String>) -> [(String, String)] {
        fields.map { ("x-image-meta-" + $0.key, $0.value) }
    }

    /// Performs an operation against a script, with what went otherwise than scripted.
    static func run(
        _ operation: Operation, _ steps: [Step], data: (any BodySource)? = nil, registry: GlanceV1Registry = .init(),
        caller: Caller = Caller(token: "alice.acme.member")
    ) async -> (Result<Outcome, Failure>, [String]) {
        let transport = ScriptedTransport(steps)
        let backend = GlanceV1Backend(transport: transport, registry: registry).underContract()
        let request = BackendRequest(operation: operation, caller: caller, requestID: "req-1", data: data)
        do throws(Failure) {
            return (.success(try await backend.perform(request)), transport.complaints)
        } catch {
            return (.failure(error), transport.complaints)
        }
    }

    /// The ids of a list.
    static func ids(
        _ query: ImageQuery, _ steps: [Step], registry: GlanceV1Registry = .init(),
        caller: Caller = Caller(token: "alice.acme.member")
    ) async throws -> (ids: [String], complaints: [String]) {
        let transport = ScriptedTransport(steps)
        let backend = GlanceV1Backend(transport: transport, registry: registry).underContract()
        guard
            case .images(let images) = try await backend.perform(
                BackendRequest(operation: .listImages(query), caller: caller, requestID: "req-1"))
        else { throw Failure(.internal) }
        var ids: [String] = []
        while let image = try await images.next() { ids.append(image.id) }
        return (ids, transport.complaints)
    }

    static func number(_ number: Int) -> String {
        let digits = String(number)
        return "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    }
}
