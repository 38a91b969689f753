import Backends
import Bytes
import Dialects
import Images
import Testing

@Suite struct ImageV2LocationTests {
    typealias F = Fixture

    static let url = "http://files.example/x"
    static let added =
        #"[{"op": "add", "path": "/locations/-", "value": {"url": "http://files.example/x", "metadata": {}}}]"#

    private func settings(_ fallback: ImageV2Settings.LocationFallback, base: String? = nil) -> ImageV2Settings {
        var settings = F.settings
        settings.locationFallback = fallback
        settings.pithosBase = base
        return settings
    }

    private static let refused = [
        F.post(ImageV2FailureTests.plainPost, F.answer(201, F.image())),
        F.patch(added, F.refusal(403)),
        F.step(
            "POST", F.path + "/locations", F.refusal(404),
            json: .object(JSONObject(["url": .string(url)]))),
    ]

    private var creation: Operation { F.creation([.location: .text(Self.url)], source: .location) }

    @Test func `locations switched off: refused and taken back`() async {
        let (result, complaints) = await F.run(
            creation, Self.refused + [F.step("DELETE", F.path, F.empty(204))], settings: settings(.refuse))
        #expect(result.failure?.kind == .badRequest)
        #expect(complaints == [])
    }

    @Test func `locations switched off: a copy is made`() async {
        let method = JSONObject(["name": .string("web-download"), "uri": .string(Self.url)])
        let (result, complaints) = await F.run(
            creation,
            Self.refused + [
                F.step(
                    "POST", F.path + "/import", F.empty(202), json: .object(JSONObject(["method": .object(method)]))),
                F.step("GET", F.path, F.answer(200, F.image())),
            ], settings: settings(.copy))
        #expect(result.image?.status == .queued)
        #expect(complaints == [])
    }

    @Test func `locations switched off: only a reference is kept`() async {
        let mark = F.patch(
            #"[{"op": "add", "path": "/gw_location", "value": "http://files.example/x"}]"#,
            F.answer(200, F.image(["gw_location": .string(Self.url)])))
        let (result, complaints) = await F.run(creation, Self.refused + [mark], settings: settings(.reference))
        #expect(result.image?.status == .active)
        #expect(complaints == [])
    }

    @Test func `a newer registry takes the location by its own call`() async {
        let steps = [
            F.post(ImageV2FailureTests.plainPost, F.answer(201, F.image())), F.patch(Self.added, F.refusal(403)),
            F.step("POST", F.path + "/locations", F.empty(202), json: .object(JSONObject(["url": .string(Self.url)]))),
            F.step("GET", F.path, F.answer(200, F.active)),
        ]
        let (result, complaints) = await F.run(creation, steps)
        #expect(result.image?.status == .active)
        #expect(complaints == [])
    }

    @Test func `a size announced and not found is taken back`() async {
        let (result, complaints) = await F.run(
            F.creation([.location: .text(Self.url), .size: .integer(5)], source: .location),
            [
                F.post(ImageV2FailureTests.plainPost, F.answer(201, F.image())),
                F.patch(Self.added, F.answer(200, F.active)),
                F.step("DELETE", F.path, F.empty(204)),
            ])
        #expect(result.failure?.kind == .conflict)
        #expect(complaints == [])
    }

    @Test func `objects that can be fetched get a location and keep their mark`() async {
        let document =
            #"{"name": "n", "disk_format": "raw", "container_format": "bare", "gw_location": "pithos://u/c/o d"}"#
        let patch =
            #"[{"op": "add", "path": "/locations/-", "value": {"url": "http://pithos/u/c/o d", "metadata": {}}}]"#
        let marked = F.image(["gw_location": .string("pithos://u/c/o d")])
        let (result, complaints) = await F.run(
            F.creation([.location: .text("pithos://u/c/o d")], source: .location),
            [
                F.post(document, F.answer(201, marked)),
                F.patch(
                    patch,
                    F.answer(
                        200,
                        F.image([
                            "gw_location": .string("pithos://u/c/o d"), "status": .string("active"),
                            "size": .integer(3),
                        ]))),
            ], settings: settings(.refuse, base: "http://pithos/"))
        #expect(result.image?.text(.location) == "pithos://u/c/o d")
        #expect(complaints == [])
    }

    @Test(arguments: [
        "pithos://u/c/o?sig=1", "pithos://u/c/o#f", "pithos://u/c/../../x", "pithos://u/c/./o", "pithos://u/c/%2e%2E/o",
        "pithos://u/c/a%2fb", "pithos://u/c//o", "pithos://u/c/", "pithos://u/c", "pithos:///c/o", "pithos://u/c/o%00",
        "pithos://u/c/a\\b",
    ])
    func `a location that could lead elsewhere is refused before anything is sent`(_ location: String) async {
        for operation in [
            F.creation([.location: .text(location)], source: .location),
            F.update([.location: .text(location)], source: .location),
        ] {
            let begin = operation.imageID == nil ? [] : [F.step("GET", F.path, F.answer(200, F.image()))]
            let (result, complaints) = await F.run(operation, begin, settings: settings(.refuse, base: "http://pithos"))
            #expect(result.failure?.kind == .badRequest)
            #expect(complaints == [])
        }
    }

    @Test(arguments: [
        (Caller(token: "t", user: "bob", tenant: "acme"), Failure.Kind.forbidden), (Caller(token: "t", user: "u"), nil),
        (Caller(token: "t", user: "bob", tenant: "u"), nil), (Caller(token: "t", user: "bob", roles: ["admin"]), nil),
        (Caller(token: "t"), nil),
    ])
    func `only objects of the caller's own account are fetched`(_ caller: Caller, _ kind: Failure.Kind?) async {
        let document =
            #"{"name": "n", "disk_format": "raw", "container_format": "bare", "gw_location": "pithos://%75/c/o"}"#
        let patch =
            #"[{"op": "add", "path": "/locations/-", "value": {"url": "http://pithos/%75/c/o", "metadata": {}}}]"#
        let steps = [F.post(document, F.answer(201, F.image())), F.patch(patch, F.answer(200, F.active))]
        let (result, complaints) = await F.run(
            F.creation([.location: .text("pithos://%75/c/o")], source: .location), kind == nil ? steps : [],
            settings: settings(.refuse, base: "http://pithos"), caller: caller)
        #expect(result.failure?.kind == kind)
        #expect(complaints == [])
    }

    @Test func `registering again resets the members`() async {
        let reference = F.image(["gw_location": .string("pithos://u/c/o"), "gw_disk_format": .string("diskdump")])
        var image = Image()
        image[.name] = .text("n")
        image[.location] = .text("pithos://u/c/o")
        let creation = ImageCreation(image: image, source: .location, replacesAtLocation: true)
        let (result, complaints) = await F.run(
            .createImage(creation),
            [
                F.step(
                    "GET", "/v2/images?gw_location=pithos%3A%2F%2Fu%2Fc%2Fo&limit=2",
                    F.answer(200, F.page([reference], next: false))),
                F.step("GET", F.path + "/members", F.answer(200, F.members("a"))),
                F.step("DELETE", F.path + "/members/a", F.empty(204)),
            ])
        #expect(result.image?.text(.diskFormat) == "diskdump")
        #expect(complaints == [])
    }

    @Test func `who may share is kept in a mark`() async throws {
        let members = F.path + "/members"
        let (added, complaints) = await F.run(
            .addMember(id: F.id, member: Member(id: "a,b", canShare: true)),
            [
                F.step("POST", members, F.empty(200), json: .object(JSONObject(["member": .string("a,b")]))),
                F.step("GET", F.path, F.answer(200, F.image())),
                F.patch(#"[{"op": "add", "path": "/gw_can_share", "value": "a%2Cb"}]"#, F.answer(200, F.image())),
            ])
        #expect(added.failure == nil)
        #expect(complaints == [])
        let (listed, _) = await F.run(
            .listMembers(id: F.id),
            [
                F.step("GET", members, F.answer(200, F.members("a,b", "c"))),
                F.step("GET", F.path, F.answer(200, F.image(["gw_can_share": .string("a%2Cb")]))),
            ])
        guard case .members(let list) = try listed.get() else { return }
        #expect(list.members.map(\.canShare) == [true, false])
        #expect(list.owner == "acme")
    }
}
