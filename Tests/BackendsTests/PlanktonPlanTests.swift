import Backends
import Bytes
import Dialects
import HTTP
import Images
import Testing

/// Plans of the Plankton backend against a scripted server.
@Suite struct PlanktonPlanTests {
    private static let id = "5583ffe1-5273-4c84-9e32-2fbe476bd7b7"
    private static let path = "/v1.0/images/" + id
    private static let location = "pithos://alice/images/a.img"
    private static let listed = "/v1.0/images/detail?sort_key=created_at&sort_dir="

    // MARK: Script

    /// The server's answer about an image, of release 0.16 unless said otherwise.
    private static func meta(_ changes: [(String, String)] = [], modern: Bool = true) -> ScriptedTransport.Reply {
        var fields = [
            ("id", id), ("name", "n"), ("disk-format", "diskdump"), ("container-format", "bare"), ("size", "4"),
            ("location", location), ("status", "AVAILABLE"), ("is-public", "False"), ("owner", "alice"),
        ]
        if modern { fields.append(("is-snapshot", "False")) }
        for (name, value) in changes {
            fields.removeAll { $0.0 == name }
            fields.append((name, value))
        }
        return .answer(200, fields.map { ("x-image-meta-" + $0.0, $0.1) }, [])
    }

    private static func fault(_ status: Int, _ name: String = "fault") -> ScriptedTransport.Reply {
        let body = #"{"\#(name)": {"code": \#(status), "message": "no", "details": ""}}"#
        return .answer(status, [("Content-Type", "application/json")], Array(body.utf8))
    }

    private static func json(_ text: String) -> ScriptedTransport.Reply { .answer(200, [], Array(text.utf8)) }

    private static func step(
        _ method: String, _ target: String, _ reply: ScriptedTransport.Reply, _ headers: [(String, String)] = []
    ) -> ScriptedTransport.Step {
        ScriptedTransport.Step(
            method: method, target: target, headers: headers.map { ("x-image-meta-" + $0.0, $0.1) }, reply: reply)
    }

    private static let entry = entry(#""gw_can_share": "bob""#)

    private static func entry(_ properties: String) -> String {
        #"{"id": "\#(id)", "name": "n", "status": "AVAILABLE", "size": 4, "is_public": false, "owner": "alice", "#
            + #""location": "\#(location)", "properties": {\#(properties)}}"#
    }

    private static func run(
        _ operation: Operation, _ steps: [ScriptedTransport.Step],
        _ release: PlanktonRegistrySettings.Release = .automatic, marks: String? = "gw_"
    ) async -> (Result<Outcome, Failure>, [String]) {
        let transport = ScriptedTransport(steps)
        var settings = PlanktonRegistrySettings()
        settings.release = release
        settings.markPrefix = marks
        settings.memberLookups = 1
        let backend = PlanktonBackend(transport: transport, settings: settings).underContract()
        let request = BackendRequest(operation: operation, caller: Caller(token: "t"), requestID: "req-1")
        do throws(Failure) {
            return (.success(try await backend.perform(request)), transport.complaints)
        } catch {
            return (.failure(error), transport.complaints)
        }
    }

    private static func registration(
        _ fields: [ImageField: FieldValue] = [:], plankton: Bool = true, purges: Bool = true, mustExist: Bool = false,
        source: DataSource = .location
    ) -> Operation {
        var image = Image()
        image[.name] = .text("n")
        image[.location] = .text(location)
        for (field, value) in fields { image[field] = value }
        image.properties = Properties([Property("os", "x")])
        return .createImage(
            ImageCreation(
                image: image, source: source, replacesAtLocation: plankton, mustExist: mustExist,
                purgesOnReplace: purges))
    }

    private static func update(
        _ fields: [ImageField: FieldValue] = [:], _ properties: [Property] = [], removals: [String] = [],
        source: DataSource = .none
    ) -> Operation {
        var image = Image()
        for (field, value) in fields { image[field] = value }
        image.properties = Properties(properties)
        return .updateImage(ImageUpdate(id: id, image: image, removals: removals, source: source))
    }

    // MARK: Ids

    @Test(arguments: ["my-image", "", "5583ffe1", id + "0", "5583ffe1-5273-4c84-9e32-2fbe476bd7bz"])
    func `an id that is no UUID is not asked for`(id: String) async {
        let operations: [Operation] = [
            .showImage(id: id), .downloadImage(id: id), .deleteImage(id: id), .listMembers(id: id),
            .updateImage(ImageUpdate(id: id, image: Image())), .addMember(id: id, member: Member(id: "bob")),
        ]
        for operation in operations {
            let (result, complaints) = await Self.run(operation, [])
            #expect(result.failure?.kind == .imageNotFound && complaints == [])
        }
    }

    @Test(arguments: ["5583FFE1-5273-4C84-9E32-2FBE476BD7B7", "5583ffe152734c849e322fbe476bd7b7"])
    func `every spelling of a UUID is the same image`(id: String) async {
        let (result, complaints) = await Self.run(.showImage(id: id), [Self.step("HEAD", Self.path, Self.meta())])
        #expect(result.image?.id == Self.id && complaints == [])
    }

    @Test func `another image than asked for is no answer`() async {
        let other = Self.meta([("id", "00000000-5273-4c84-9e32-2fbe476bd7b7")])
        let (result, _) = await Self.run(.showImage(id: Self.id), [Self.step("HEAD", Self.path, other)])
        #expect(result.failure?.kind == .badGateway)
    }

    // MARK: Registering

    @Test func `registering is one call, and what a former registration left is removed`() async {
        let (result, complaints) = await Self.run(
            Self.registration(),
            [
                Self.step(
                    "POST", "/v1.0/images/", Self.meta([("property-os", "x"), ("property-old-one", "y")]),
                    [("property-os", "x"), ("location", Self.location)]),
                Self.step("PUT", Self.path, Self.meta([("property-os", "x")]), [("property-old-one", "")]),
            ])
        #expect(result.image?.properties == Properties([Property("os", "x")]) && complaints == [])
    }

    @Test func `a wrong size takes a new registration back`() async {
        let (result, complaints) = await Self.run(
            Self.registration([.size: .integer(5)]),
            [
                Self.step("GET", Self.listed + "desc", Self.json("[]")),
                Self.step("POST", "/v1.0/images/", Self.meta([("property-os", "x")])),
                Self.step("DELETE", Self.path, .answer(204, [], [])),
            ])
        #expect(result.failure?.kind == .badRequest && complaints == [])
    }

    @Test func `a wrong size changes nothing of a registered image`() async {
        let list = Self.step("GET", Self.listed + "desc", Self.json("[\(Self.entry)]"))
        let (result, complaints) = await Self.run(Self.registration([.size: .integer(5)]), [list])
        #expect(result.failure?.kind == .badRequest && complaints == [])
    }

    @Test func `a client that knows no registering again does not do it unawares`() async {
        let list = Self.step("GET", Self.listed + "desc", Self.json("{\"images\": [\(Self.entry)]}"))
        let (result, complaints) = await Self.run(Self.registration(plankton: false), [list])
        #expect(result.failure?.kind == .conflict && complaints == [])
    }

    @Test func `nothing registered is nothing to replace`() async {
        let list = Self.step("GET", Self.listed + "desc", Self.json("[]"))
        let (result, complaints) = await Self.run(Self.registration(mustExist: true), [list])
        #expect(result.failure?.kind == .imageNotFound && complaints == [])
    }

    @Test func `registering again without a reset names what was there`() async {
        let former = Self.entry(#""keep": "k", "gw_min_ram": "7""#)
        let (result, complaints) = await Self.run(
            Self.registration([.diskFormat: .text("extdump")], purges: false),
            [
                Self.step("GET", Self.listed + "desc", Self.json("[\(former)]")),
                Self.step(
                    "POST", "/v1.0/images/",
                    Self.meta([
                        ("disk-format", "extdump"), ("property-os", "x"), ("property-keep", "k"),
                        ("property-gw-min-ram", "7"),
                    ]),
                    [("disk-format", "extdump"), ("property-keep", "k"), ("property-gw-min-ram", "7")]),
            ])
        #expect(result.image?.text(.diskFormat) == "extdump" && result.image?.integer(.minRAM) == 7)
        #expect(complaints == [])
    }

    @Test func `no file at the location is no image that is not found`() async {
        let (result, _) = await Self.run(
            Self.registration(), [Self.step("POST", "/v1.0/images/", Self.fault(404, "itemNotFound"))])
        #expect(result.failure?.kind == .locationNotFound)
    }

    @Test(arguments: [
        (DataSource.none, Failure.Kind.forbidden), (.body(length: 3), .notImplemented),
        (.copyFrom("http://h/x"), .notImplemented),
    ])
    func `what is not in the store is not registered`(source: DataSource, kind: Failure.Kind) async {
        let (result, complaints) = await Self.run(Self.registration(plankton: false, source: source), [])
        #expect(result.failure?.kind == kind && complaints == [])
    }

    // MARK: Updating

    @Test(arguments: [
        (PlanktonRegistrySettings.Release.automatic, true, false), (.automatic, false, true), (.r14, false, true),
        (.r15, false, false), (.r16, true, false),
    ])
    func `all properties go where the others would vanish`(
        release: PlanktonRegistrySettings.Release, modern: Bool, all: Bool
    ) async {
        let transport = [
            Self.step("HEAD", Self.path, Self.meta([("property-a", "1"), ("property-b", "2")], modern: modern)),
            Self.step("PUT", Self.path, Self.meta(), [("property-a", "3")] + (all ? [("property-b", "2")] : [])),
        ]
        let (_, complaints) = await Self.run(Self.update([:], [Property("a", "3")]), transport, release)
        #expect(complaints == [])
    }

    @Test func `what changes nothing is not sent`() async {
        let (result, complaints) = await Self.run(
            Self.update([.name: .text("n"), .diskFormat: .text("raw"), .isPublic: .boolean(false)]),
            [Self.step("HEAD", Self.path, Self.meta())])
        #expect(result.image?.id == Self.id && complaints == [])
    }

    @Test(arguments: [
        (DataSource.body(length: 1), Failure.Kind.conflict), (.copyFrom("http://h/x"), .badRequest),
        (.location, .badRequest),
    ])
    func `an image has its data already`(source: DataSource, kind: Failure.Kind) async {
        let (result, complaints) = await Self.run(
            Self.update([.location: .text("pithos://x/y/z")], source: source),
            [Self.step("HEAD", Self.path, Self.meta())])
        #expect(result.failure?.kind == kind && complaints == [])
    }

    @Test func `tags are kept in a mark`() async {
        let (result, complaints) = await Self.run(
            .addTag(id: Self.id, tag: "b"),
            [
                Self.step("HEAD", Self.path, Self.meta([("property-gw-tags", "%5B%22a%22%5D")])),
                Self.step("PUT", Self.path, Self.meta(), [("property-gw-tags", "%5B%22a%22%2C%22b%22%5D")]),
            ])
        #expect(result.failure == nil && complaints == [])
        let (absent, _) = await Self.run(
            .removeTag(id: Self.id, tag: "b"), [Self.step("HEAD", Self.path, Self.meta())])
        #expect(absent.failure?.kind == .imageNotFound)
    }

    // MARK: Deleting, data

    @Test func `a protected image is not unregistered`() async {
        let (result, complaints) = await Self.run(
            .deleteImage(id: Self.id), [Self.step("HEAD", Self.path, Self.meta([("property-gw-protected", "True")]))])
        #expect(result.failure?.kind == .forbidden && complaints == [])
    }

    @Test func `a repeated call for deletion may find nothing`() async {
        let (result, complaints) = await Self.run(
            .deleteImage(id: Self.id),
            [Self.step("DELETE", Self.path, .closed), Self.step("DELETE", Self.path, Self.fault(404))], marks: nil)
        #expect(result.failure == nil && complaints == [])
    }

    @Test func `data are asked for, and the image when there are none`() async {
        let none = Self.step("GET", Self.path, .answer(501, [], []))
        let (result, complaints) = await Self.run(
            .downloadImage(id: Self.id), [none, Self.step("HEAD", Self.path, Self.meta())])
        #expect(result.failure?.kind == .notImplemented && complaints == [])
        let (absent, _) = await Self.run(
            .downloadImage(id: Self.id), [none, Self.step("HEAD", Self.path, Self.fault(404))])
        #expect(absent.failure?.kind == .imageNotFound)
    }

    // MARK: Members

    private static let members = #"{"members": [{"member_id": "alice"}, {"member_id": "bob"}, {"member_id": 5}]}"#

    @Test func `members are shown without the owner, with the mark of who may share`() async throws {
        let (result, complaints) = await Self.run(
            .listMembers(id: Self.id),
            [
                Self.step("GET", Self.path + "/members", Self.json(Self.members)),
                Self.step("HEAD", Self.path, Self.meta([("property-gw-can-share", "bob")])),
            ])
        guard case .members(let list) = try result.get() else { throw Failure(.internal) }
        #expect(list.members.map(\.id) == ["bob", "5"] && list.members.map(\.canShare) == [true, false])
        #expect(list.members.allSatisfy { $0.status == "accepted" })
        #expect(list.owner == "alice" && list.isPublic == false && complaints == [])
    }

    @Test func `who may share is kept in a mark`() async {
        let (result, complaints) = await Self.run(
            .addMember(id: Self.id, member: Member(id: "bob@x", canShare: true)),
            [
                Self.step("PUT", Self.path + "/members/bob%40x", .answer(204, [], [])),
                Self.step("HEAD", Self.path, Self.meta()),
                Self.step("PUT", Self.path, Self.meta(), [("property-gw-can-share", "bob%40x")]),
            ])
        #expect(result.failure == nil && complaints == [])
    }

    @Test func `a member of the v2 API is added once, and only to a shared image`() async throws {
        let pending = Member(id: "carol", status: "pending")
        let list = Self.step("GET", Self.path + "/members", Self.json(Self.members))
        let head = Self.step("HEAD", Self.path, Self.meta())
        let both = #"{"members": [{"member_id": "bob"}, {"member_id": "carol"}]}"#
        let (result, complaints) = await Self.run(
            .addMember(id: Self.id, member: pending),
            [
                head, list, Self.step("PUT", Self.path + "/members/carol", .answer(204, [], [])), head,
                Self.step("GET", Self.path + "/members", Self.json(both)), head,
            ])
        guard case .member(let member, Self.id) = try result.get() else { throw Failure(.internal) }
        #expect(member.id == "carol" && member.status == "accepted" && complaints == [])
        let (twice, _) = await Self.run(
            .addMember(id: Self.id, member: Member(id: "bob", status: "pending")), [head, list])
        #expect(twice.failure?.kind == .conflict)
        for marked in [Self.meta([("property-gw-visibility", "private")]), Self.meta([("is-public", "True")])] {
            let (refused, _) = await Self.run(
                .addMember(id: Self.id, member: pending), [Self.step("HEAD", Self.path, marked)])
            #expect(refused.failure?.kind == .forbidden)
        }
    }

    @Test func `an image with members is no longer private`() async {
        let (result, complaints) = await Self.run(
            .addMember(id: Self.id, member: Member(id: "carol")),
            [
                Self.step("PUT", Self.path + "/members/carol", .answer(204, [], [])),
                Self.step("HEAD", Self.path, Self.meta([("property-gw-visibility", "private")])),
                Self.step("PUT", Self.path, Self.meta(), [("property-gw-visibility", "")]),
            ])
        #expect(result.failure == nil && complaints == [])
    }

    @Test func `a range is cut from data that come whole`() async throws {
        guard case .answer(_, let fields, _) = Self.meta() else { return }
        let data = Self.step("GET", Self.path, .answer(200, fields, Array("disk".utf8)))
        let (result, _) = await Self.run(.downloadImage(id: Self.id, range: DataRange("bytes=1-2")), [data])
        guard case .part(_, let body, let range) = try result.get() else { throw Failure(.internal) }
        #expect(range == 1..<3)
        #expect(try await body.next() == Array("is".utf8))
        let (beyond, _) = await Self.run(.downloadImage(id: Self.id, range: DataRange("bytes=9-")), [data])
        #expect(beyond.failure?.kind == .rangeNotSatisfiable)
    }

    @Test func `who was no member is told apart where the client wants it`() async {
        let list = Self.step("GET", Self.path + "/members", Self.json(Self.members))
        let (result, complaints) = await Self.run(
            .removeMember(id: Self.id, memberID: "carol", absentIsDone: false), [list])
        #expect(result.failure?.kind == .memberNotFound && complaints == [])
        // Releases 0.14 and 0.15 fail instead.
        let (done, others) = await Self.run(
            .removeMember(id: Self.id, memberID: "carol", absentIsDone: true),
            [
                Self.step("DELETE", Self.path + "/members/carol", Self.fault(500)), list,
                Self.step("HEAD", Self.path, Self.meta()),
            ])
        #expect(done.failure == nil && others == [])
    }

    @Test func `a member has always accepted`() async throws {
        let steps = [
            Self.step("GET", Self.path + "/members", Self.json(Self.members)),
            Self.step("HEAD", Self.path, Self.meta()),
        ]
        let (result, complaints) = await Self.run(
            .setMemberStatus(id: Self.id, memberID: "bob", status: "accepted"), steps)
        guard case .member(let member, Self.id) = try result.get() else { throw Failure(.internal) }
        #expect(member.status == "accepted" && complaints == [])
        let (refused, _) = await Self.run(
            .setMemberStatus(id: Self.id, memberID: "bob", status: "rejected"), steps)
        #expect(refused.failure?.kind == .forbidden)
    }

    @Test(arguments: ["*", "a b", "x/y", "", "u:g"])
    func `a member that no path can name is refused`(member: String) async {
        let (result, complaints) = await Self.run(.addMember(id: Self.id, member: Member(id: member)), [])
        #expect(result.failure?.kind == .badRequest && complaints == [])
    }

    // MARK: Shared images

    @Test func `images shared by somebody are one call`() async throws {
        let answer = Self.json(#"{"shared_images": [{"image_id": "\#(Self.id)", "can_share": false}]}"#)
        let (result, complaints) = await Self.run(
            .listSharedImages(.ownedBy("bob")), [Self.step("GET", "/v1.0/shared-images/bob", answer)])
        guard case .sharedImages(let list) = try result.get() else { throw Failure(.internal) }
        #expect(list == [SharedImage(imageID: Self.id, canShare: false)] && complaints == [])
    }

    @Test func `images shared with somebody are found by their members`() async throws {
        let (result, complaints) = await Self.run(
            .listSharedImages(.sharedWith("bob")),
            [
                Self.step("GET", Self.listed + "asc", Self.json("[\(Self.entry)]")),
                Self.step("GET", Self.path + "/members", Self.json(Self.members)),
            ])
        guard case .sharedImages(let list) = try result.get() else { throw Failure(.internal) }
        #expect(list == [SharedImage(imageID: Self.id, canShare: true)] && complaints == [])
    }

    // MARK: Lists

    @Test func `a list that breaks off fails`() async throws {
        let (result, _) = await Self.run(
            .listImages(ImageQuery(isDetailed: true)),
            [Self.step("GET", Self.listed + "desc", Self.json("[\(Self.entry), {"))])
        guard case .images(let source) = try result.get() else { throw Failure(.internal) }
        #expect(try await source.next()?.id == Self.id)
        await #expect(throws: Failure.self) { while try await source.next() != nil {} }
    }

    @Test func `a list that is not there is the configuration's fault`() async {
        let (result, _) = await Self.run(
            .listImages(ImageQuery(isDetailed: true)), [Self.step("GET", Self.listed + "desc", Self.fault(404))])
        #expect(result.failure?.kind == .badGateway)
    }

    @Test func `the first release has no version in its paths`() async {
        let transport = ScriptedTransport([Self.step("HEAD", "/images/" + Self.id, Self.meta(modern: false))])
        var settings = PlanktonRegistrySettings()
        settings.release = .r13
        settings.versionPrefix = ""
        let backend = PlanktonBackend(transport: transport, settings: settings).underContract()
        let request = BackendRequest(operation: .showImage(id: Self.id), caller: Caller(token: "t"), requestID: "")
        _ = try? await backend.perform(request)
        #expect(transport.complaints == [])
    }
}
