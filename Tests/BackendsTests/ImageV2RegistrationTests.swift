import Backends
import Bytes
import Dialects
import Images
import Testing
import Upstream

/// Registering a location again, and giving an image a location: an error costs neither members nor metadata.
@Suite struct ImageV2RegistrationTests {
    typealias F = Fixture

    private static let members = F.path + "/members"
    private static let reference = image("shared")
    private static let rename = #"[{"op": "replace", "path": "/name", "value": "m"}]"#

    private static func image(_ visibility: String) -> JSONValue {
        F.image([
            "gw_location": .string("pithos://u/c/o"), "gw_disk_format": .string("diskdump"),
            "visibility": .string(visibility),
        ])
    }

    private func register(
        _ steps: [ScriptedTransport.Step], found: JSONValue = reference, isPublic: Bool? = nil
    ) async -> (Result<Outcome, Failure>, [String]) {
        var image = Image()
        image[.name] = .text("m")
        image[.location] = .text("pithos://u/c/o")
        if let isPublic { image[.isPublic] = .boolean(isPublic) }
        let find = F.step(
            "GET", "/v2/images?gw_location=pithos%3A%2F%2Fu%2Fc%2Fo&limit=2",
            F.answer(200, F.page([found], next: false)))
        return await F.run(
            .createImage(ImageCreation(image: image, source: .location, replacesAtLocation: true)), [find] + steps)
    }

    private static func list(_ ids: String...) -> ScriptedTransport.Step {
        let list = ids.map { JSONValue.object(JSONObject(["member_id": .string($0), "status": .string("pending")])) }
        return F.step("GET", members, F.answer(200, .object(JSONObject(["members": .array(list)]))))
    }

    private static func drop(_ id: String, _ status: Int = 204) -> ScriptedTransport.Step {
        F.step("DELETE", members + "/" + id, status == 204 ? F.empty(204) : F.refusal(status))
    }

    private static func add(_ id: String) -> ScriptedTransport.Step {
        F.step("POST", members, F.empty(200), json: .object(JSONObject(["member": .string(id)])))
    }

    @Test func `a refused registration keeps the members`() async {
        let (result, complaints) = await register([Self.list("a"), F.patch(Self.rename, F.refusal(400))])
        #expect(result.failure?.kind == .badRequest)
        #expect(complaints == [])
    }

    @Test func `members go behind the change, and come back when one would not go`() async {
        let (result, complaints) = await register([
            Self.list("a", "b", "c"), F.patch(Self.rename, F.answer(200, Self.reference)), Self.drop("a"),
            Self.drop("b", 404), Self.drop("c", 503), Self.add("a"),
        ])
        #expect(result.failure?.kind == .unavailable)
        #expect(complaints == [])
    }

    @Test func `members of an image that is published go before, and come back when that is refused`() async {
        let publish =
            #"[{"op": "replace", "path": "/name", "value": "m"}, {"op": "replace", "path": "/visibility", "value": "public"}]"#
        let (result, complaints) = await register(
            [Self.list("a"), Self.drop("a"), F.patch(publish, F.refusal(403)), Self.add("a")], isPublic: true)
        #expect(result.failure?.kind == .forbidden)
        #expect(complaints == [])
    }

    @Test func `members hidden while the image was public do not come back with its privacy`() async {
        let withdraw =
            #"[{"op": "replace", "path": "/name", "value": "m"}, {"op": "replace", "path": "/visibility", "value": "shared"}]"#
        let (result, complaints) = await register(
            [F.patch(withdraw, F.answer(200, Self.reference)), Self.list("a"), Self.drop("a")],
            found: Self.image("public"))
        #expect(result.failure == nil)
        #expect(complaints == [])
    }

    // MARK: Locations of an update

    private static let url = "http://files.example/x"
    private static let before = F.image(["k": .string("1"), "old": .string("o")])
    private static let after = F.image([
        "name": .string("m"), "k": .string("2"), "new": .string("3"), "old": .string("o"),
    ])
    private static let changes =
        #"{"op": "replace", "path": "/name", "value": "m"}, {"op": "add", "path": "/k", "value": "2"}, {"op": "add", "path": "/new", "value": "3"}"#
    private static let location =
        #"{"op": "add", "path": "/locations/-", "value": {"url": "http://files.example/x", "metadata": {}}}"#
    private static let back =
        #"[{"op": "replace", "path": "/name", "value": "n"}, {"op": "add", "path": "/k", "value": "1"}, {"op": "remove", "path": "/new"}]"#

    private func update(
        _ steps: [ScriptedTransport.Step], _ fallback: ImageV2Settings.LocationFallback = .refuse
    ) async -> (Result<Outcome, Failure>, [String]) {
        var settings = F.settings
        settings.locationFallback = fallback
        let operation = F.update(
            [.name: .text("m"), .location: .text(Self.url)], properties: [Property("k", "2"), Property("new", "3")],
            source: .location)
        let begin = [
            F.step("GET", F.path, F.answer(200, Self.before)),
            F.patch("[\(Self.changes), \(Self.location)]", F.refusal(403)),
            F.patch("[\(Self.changes)]", F.answer(200, Self.after)),
        ]
        return await F.run(operation, begin + steps, settings: settings)
    }

    private static func offer(_ status: Int) -> ScriptedTransport.Step {
        F.step("POST", F.path + "/locations", F.empty(status), json: .object(JSONObject(["url": .string(url)])))
    }

    @Test func `a location that is refused everywhere leaves the metadata as they were`() async {
        let (result, complaints) = await update([Self.offer(404), F.patch(Self.back, F.answer(200, Self.before))])
        #expect(result.failure?.kind == .badRequest)
        #expect(complaints == [])
    }

    @Test func `a copy that is refused leaves the metadata as they were`() async {
        let method = JSONObject(["name": .string("web-download"), "uri": .string(Self.url)])
        let (result, complaints) = await update(
            [
                Self.offer(404),
                F.step(
                    "POST", F.path + "/import", F.refusal(403), json: .object(JSONObject(["method": .object(method)]))),
                F.patch(Self.back, F.answer(200, Self.before)),
            ], .copy)
        #expect(result.failure?.kind == .forbidden)
        #expect(complaints == [])
    }

    @Test func `a location that was taken keeps the metadata, whatever comes of reading them`() async {
        let (result, complaints) = await update([Self.offer(202), F.step("GET", F.path, F.refusal(503))])
        #expect(result.failure?.kind == .unavailable)
        #expect(complaints == [])
    }
}
