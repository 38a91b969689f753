import Backends
import Bytes
import Dialects
import Images

/// Short words for scripts of a registry's side.
enum Fixture {
    static let id = "71c675ab-d94f-49cd-a114-e12490b328d9"
    static let other = "0b1f2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
    static let md5OfABC = "900150983cd24fb0d6963f7d28e17f72"
    static let path = "/v2/images/" + id

    /// An image of the registry: queued and empty, unless said otherwise.
    static func image(_ changes: KeyValuePairs<String, JSONValue> = [:], id: String = Fixture.id) -> JSONValue {
        var object = JSONObject([
            "name": .string("n"), "disk_format": .string("raw"), "container_format": .string("bare"),
            "visibility": .string("shared"), "size": .null, "status": .string("queued"), "checksum": .null,
            "protected": .boolean(false), "min_ram": .integer(0), "min_disk": .integer(0), "owner": .string("acme"),
            "id": .string(id), "created_at": .string("2026-11-21T02:45:16Z"), "tags": .array([]),
        ])
        for (key, value) in changes {
            if let place = object.members.firstIndex(where: { $0.key == key }) {
                object.members[place].value = value
            } else {
                object.append(key, value)
            }
        }
        return .object(object)
    }

    static let active = image(["status": .string("active"), "size": .integer(3), "checksum": .string(md5OfABC)])

    static func answer(_ status: Int, _ document: JSONValue, _ headers: [(String, String)] = [])
        -> ScriptedTransport.Reply
    {
        var writer = JSONWriter()
        writer.value(document)
        return .answer(status, headers + [("Content-Type", "application/json")], writer.take())
    }

    static func refusal(_ status: Int, _ message: String = "no", _ headers: [(String, String)] = [])
        -> ScriptedTransport.Reply
    {
        answer(status, .object(JSONObject(["message": .string(message)])), headers)
    }

    static func empty(_ status: Int) -> ScriptedTransport.Reply { .answer(status, [], []) }

    static func step(
        _ method: String, _ target: String, _ reply: ScriptedTransport.Reply, json: JSONValue? = nil,
        body: String? = nil
    ) -> ScriptedTransport.Step {
        ScriptedTransport.Step(method: method, target: target, json: json, body: body, reply: reply)
    }

    static func patch(_ operations: String, _ reply: ScriptedTransport.Reply) -> ScriptedTransport.Step {
        step("PATCH", path, reply, json: try? JSONReader.parse(Array(operations.utf8)))
    }

    static func post(_ document: String, _ reply: ScriptedTransport.Reply) -> ScriptedTransport.Step {
        step("POST", "/v2/images", reply, json: try? JSONReader.parse(Array(document.utf8)))
    }

    static func members(_ ids: String...) -> JSONValue {
        let list = ids.map { JSONValue.object(JSONObject(["member_id": .string($0), "status": .string("pending")])) }
        return .object(JSONObject(["members": .array(list)]))
    }

    static func page(_ images: [JSONValue], next: Bool) -> JSONValue {
        var object = JSONObject(["images": .array(images), "first": .string("/v2/images")])
        if next { object.append("next", .string("/v2/images?marker=x")) }
        return .object(object)
    }

    static let settings: ImageV2Settings = {
        var settings = ImageV2Settings()
        settings.readsSchema = false
        settings.memberLookups = 1
        return settings
    }()

    /// Performs an operation against a script; the script must be kept to the letter.
    static func run(
        _ operation: Operation, _ steps: [ScriptedTransport.Step], settings: ImageV2Settings = Fixture.settings,
        data: (any BodySource)? = nil, caller: Caller = Caller(token: "alice:acme:member")
    ) async -> (Result<Outcome, Failure>, [String]) {
        let transport = ScriptedTransport(steps)
        let backend = ImageV2Backend(transport: transport, settings: settings).underContract()
        let request = BackendRequest(operation: operation, caller: caller, requestID: "req-1", data: data)
        do throws(Failure) {
            return (.success(try await backend.perform(request)), transport.complaints)
        } catch {
            return (.failure(error), transport.complaints)
        }
    }

    static func creation(
        _ fields: [ImageField: FieldValue] = [:], source: DataSource = .body(length: 3)
    ) -> Operation {
        var image = Image()
        image[.name] = .text("n")
        image[.diskFormat] = .text("raw")
        image[.containerFormat] = .text("bare")
        for (field, value) in fields { image[field] = value }
        return .createImage(ImageCreation(image: image, source: source))
    }

    static func update(
        _ fields: [ImageField: FieldValue] = [:], properties: [Property] = [], source: DataSource = .none
    ) -> Operation {
        var image = Image()
        for (field, value) in fields { image[field] = value }
        image.properties = Properties(properties)
        return .updateImage(ImageUpdate(id: id, image: image, source: source))
    }
}

extension Result where Success == Outcome, Failure == Images.Failure {
    var failure: Images.Failure? { if case .failure(let failure) = self { failure } else { nil } }
    var image: Image? { if case .success(.image(let image)) = self { image } else { nil } }
}
