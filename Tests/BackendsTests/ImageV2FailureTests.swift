import Backends
import Bytes
import Dialects
import Images
import Testing

/// Failures in the middle of a plan (mapping §7): what is asked of the registry then, and what the client gets.
@Suite struct ImageV2FailureTests {
    typealias F = Fixture

    static let plainPost = #"{"name": "n", "disk_format": "raw", "container_format": "bare"}"#

    private func abc() -> BytesBody { BytesBody(Array("abc".utf8)) }

    @Test func `a client that goes away in its upload leaves no image`() async {
        let (result, complaints) = await F.run(
            F.creation(),
            [
                F.post(Self.plainPost, F.answer(201, F.image())),
                F.step("PUT", F.path + "/file", .closed),
                F.step("DELETE", F.path, F.empty(204)),
            ], data: BrokenBody(Array("ab".utf8), length: 3))
        #expect(result.failure?.kind == .clientDisconnected)
        #expect(complaints == [])
    }

    @Test func `a cancelled upload is undone all the same`() async throws {
        let transport = ScriptedTransport([
            F.post(Self.plainPost, F.answer(201, F.image())),
            F.step("PUT", F.path + "/file", .hangs, body: "abc"),
            F.step("DELETE", F.path, F.empty(204)),
        ])
        let backend = ImageV2Backend(transport: transport, settings: F.settings).underContract()
        let task = Task {
            let request = BackendRequest(
                operation: F.creation(), caller: Caller(token: "t"), requestID: "r", data: BytesBody(Array("abc".utf8)))
            do throws(Failure) {
                _ = try await backend.perform(request)
                return Failure.Kind.internal
            } catch {
                return error.kind
            }
        }
        while transport.seen.count < 2 { await Task.yield() }
        task.cancel()
        #expect(await task.value == .clientDisconnected)
        #expect(transport.complaints == [])
    }

    @Test(arguments: [
        (F.refusal(500), Failure.Kind.badGateway), (F.refusal(413), .tooLarge), (F.refusal(415), .unsupportedMedia),
        (F.refusal(409), .conflict), (.closed, .badGateway), (F.refusal(503), .unavailable),
        (F.refusal(401), .tokenRejected),
    ])
    func `a refused upload is undone`(_ reply: ScriptedTransport.Reply, _ kind: Failure.Kind) async {
        let (result, complaints) = await F.run(
            F.creation(),
            [
                F.post(Self.plainPost, F.answer(201, F.image())),
                F.step("PUT", F.path + "/file", reply, body: "abc"),
                F.step("DELETE", F.path, F.empty(204)),
            ], data: abc())
        #expect(result.failure?.kind == kind)
        #expect(complaints == [])
    }

    @Test(arguments: [(404, Failure.Kind.imageGone), (204, .storeReadOnly)])
    func `410 is told apart by what is left`(_ status: Int, _ kind: Failure.Kind) async {
        let (result, complaints) = await F.run(
            F.creation(),
            [
                F.post(Self.plainPost, F.answer(201, F.image())),
                F.step("PUT", F.path + "/file", F.refusal(410), body: "abc"),
                F.step("DELETE", F.path, F.empty(status)),
            ], data: abc())
        #expect(result.failure?.kind == kind)
        #expect(complaints == [])
    }

    @Test(arguments: [
        F.image(["status": .string("active"), "size": .integer(2), "checksum": .string(F.md5OfABC)]),
        F.image([
            "status": .string("active"), "size": .integer(3), "checksum": .string("0cc175b9c0f1b6a831c399e269772661"),
        ]),
    ])
    func `data that arrived otherwise are taken back`(_ closing: JSONValue) async {
        let (result, complaints) = await F.run(
            F.creation(),
            [
                F.post(Self.plainPost, F.answer(201, F.image())),
                F.step("PUT", F.path + "/file", F.empty(204), body: "abc"),
                F.step("GET", F.path, F.answer(200, closing)),
                F.step("DELETE", F.path, F.empty(204)),
            ], data: abc())
        #expect(result.failure?.kind == .badRequest)
        #expect(complaints == [])
    }

    @Test func `a wrong checksum at an update never becomes complete`() async {
        let (result, complaints) = await F.run(
            F.update([.checksum: .text("00000000000000000000000000000000")], source: .body(length: 3)),
            [F.step("GET", F.path, F.answer(200, F.image())), F.step("PUT", F.path + "/file", .closed)], data: abc())
        #expect(result.failure?.kind == .badRequest)
        #expect(complaints == [])
    }

    @Test func `announced size and checksum are demanded at the later upload and their marks removed`() async {
        let marked = F.image(["gw_size": .string("3"), "gw_checksum": .string(F.md5OfABC)])
        let filled = F.image([
            "status": .string("active"), "size": .integer(3), "checksum": .string(F.md5OfABC),
            "gw_size": .string("3"), "gw_checksum": .string(F.md5OfABC),
        ])
        let (result, complaints) = await F.run(
            F.update(source: .body(length: 3)),
            [
                F.step("GET", F.path, F.answer(200, marked)),
                F.step("PUT", F.path + "/file", F.empty(204), body: "abc"),
                F.step("GET", F.path, F.answer(200, filled)),
                F.patch(
                    #"[{"op": "remove", "path": "/gw_checksum"}, {"op": "remove", "path": "/gw_size"}]"#,
                    F.answer(200, F.active)),
            ], data: abc())
        #expect(result.image?.status == .active)
        #expect(complaints == [])
    }

    @Test func `a property that vanished meanwhile is compared again, once`() async {
        let conflict = F.patch(#"[{"op": "add", "path": "/k", "value": "2"}]"#, F.refusal(409))
        let get = F.step("GET", F.path, F.answer(200, F.image()))
        let (result, complaints) = await F.run(
            F.update(properties: [Property("k", "2")]), [get, conflict, get, conflict])
        #expect(result.failure?.kind == .conflict)
        #expect(complaints == [])
    }

    @Test func `a property that does not arrive is sent again escaped`() async {
        let (result, complaints) = await F.run(
            F.update(properties: [Property("strange", "1")]),
            [
                F.step("GET", F.path, F.answer(200, F.image())),
                F.patch(#"[{"op": "add", "path": "/strange", "value": "1"}]"#, F.answer(200, F.image())),
                F.patch(
                    #"[{"op": "add", "path": "/gw_x_strange", "value": "1"}]"#,
                    F.answer(200, F.image(["gw_x_strange": .string("1")]))),
            ])
        #expect(result.image?.properties == Properties([Property("strange", "1")]))
        #expect(complaints == [])
    }

    @Test func `members added are taken back when a later one fails`() async {
        let members = F.path + "/members"
        let (result, complaints) = await F.run(
            .replaceMembers(id: F.id, members: [Member(id: "a"), Member(id: "b")]),
            [
                F.step("GET", F.path, F.answer(200, F.image())),
                F.step("GET", members, F.answer(200, F.members("z"))),
                F.step("POST", members, F.empty(200), json: .object(JSONObject(["member": .string("a")]))),
                F.step("POST", members, F.refusal(413), json: .object(JSONObject(["member": .string("b")]))),
                F.step("DELETE", members + "/a", F.empty(204)),
            ])
        #expect(result.failure?.kind == .tooLarge)
        #expect(complaints == [])
    }

    @Test func `members added stay when old ones are gone already`() async {
        let members = F.path + "/members"
        let (result, complaints) = await F.run(
            .replaceMembers(id: F.id, members: [Member(id: "a")]),
            [
                F.step("GET", F.path, F.answer(200, F.image())),
                F.step("GET", members, F.answer(200, F.members("y", "z"))),
                F.step("POST", members, F.empty(200), json: .object(JSONObject(["member": .string("a")]))),
                F.step("DELETE", members + "/y", F.empty(204)),
                F.step("DELETE", members + "/z", F.refusal(503)),
            ])
        #expect(result.failure?.kind == .unavailable)
        #expect(complaints == [])
    }

    @Test func `members added are taken back when the first old one will not go`() async {
        let members = F.path + "/members"
        let (result, complaints) = await F.run(
            .replaceMembers(id: F.id, members: [Member(id: "a")]),
            [
                F.step("GET", F.path, F.answer(200, F.image())),
                F.step("GET", members, F.answer(200, F.members("y", "z"))),
                F.step("POST", members, F.empty(200), json: .object(JSONObject(["member": .string("a")]))),
                F.step("DELETE", members + "/y", F.refusal(503)),
                F.step("DELETE", members + "/a", F.empty(204)),
            ])
        #expect(result.failure?.kind == .unavailable)
        #expect(complaints == [])
    }

    @Test(arguments: [400, 403, 409, 500, 503])
    func `what the registry says reaches the client, never the log`(_ status: Int) async {
        let text = "cannot fetch http://store/o?sig=secret"
        let (result, _) = await F.run(F.update(), [F.step("GET", F.path, F.refusal(status, text))])
        #expect(result.failure?.message == (status == 500 ? "" : text))
        #expect(result.failure?.cause?.contains("\(status)") == true)
        #expect(result.failure?.cause?.contains("secret") == false)
    }

    @Test func `a creation with an id is looked for before it is sent again`() async {
        let document = #"{"id": "\#(F.id)", "name": "n", "disk_format": "raw", "container_format": "bare"}"#
        let (result, complaints) = await F.run(
            F.creation([.id: .text(F.id)], source: .none),
            [
                F.post(document, .closed), F.step("GET", F.path, F.refusal(404)),
                F.post(document, F.answer(201, F.image())),
            ])
        #expect(result.image?.id == F.id)
        #expect(complaints == [])
        let (old, others) = await F.run(
            F.creation([.id: .text(F.id)], source: .none),
            [F.post(document, .closed), F.step("GET", F.path, F.answer(200, F.image()))])
        #expect(old.failure?.kind == .conflict)
        #expect(others == [])
    }

    @Test func `a creation without an id is not repeated`() async {
        let (result, complaints) = await F.run(F.creation(source: .none), [F.post(Self.plainPost, .closed)])
        #expect(result.failure?.kind == .badGateway)
        #expect(complaints == [])
    }

    @Test func `a deletion that was lost is repeated, and gone is then done`() async {
        let (result, complaints) = await F.run(
            .deleteImage(id: F.id), [F.step("DELETE", F.path, .closed), F.step("DELETE", F.path, F.refusal(404))])
        #expect(result.failure == nil)
        #expect(complaints == [])
    }

    @Test(arguments: [
        (F.refusal(300), Failure.Kind.badGateway), (F.refusal(400, "bad"), .badRequest), (F.refusal(403), .forbidden),
        (F.refusal(404), .imageNotFound), (F.refusal(429), .unavailable), (F.refusal(500), .badGateway),
        (F.answer(200, .array([])), .badGateway), (.answer(200, [], Array("{".utf8)), .badGateway),
        (F.answer(200, F.image(id: F.other)), .badGateway),
    ])
    func `what a registry must not answer is a bad gateway`(_ reply: ScriptedTransport.Reply, _ kind: Failure.Kind)
        async
    {
        let (result, complaints) = await F.run(.showImage(id: F.id), [F.step("GET", F.path, reply)])
        #expect(result.failure?.kind == kind)
        #expect(complaints == [])
    }

    @Test func `challenge and waiting time are handed on, token and address are not`() async {
        let challenge = F.refusal(401, "bad", [("WWW-Authenticate", "Keystone uri=\"http://k\"")])
        let (refused, _) = await F.run(.showImage(id: F.id), [F.step("GET", F.path, challenge)], caller: Caller())
        #expect(refused.failure?.kind == .unauthorized)
        #expect(refused.failure?.challenge == "Keystone uri=\"http://k\"")
        let busy = F.refusal(503, "alice:acme:member must wait", [("Retry-After", "7")])
        let (waiting, _) = await F.run(.showImage(id: F.id), [F.step("GET", F.path, busy)])
        #expect(waiting.failure?.retryAfter == "7")
        #expect(waiting.failure?.message == "... must wait")
    }

    @Test func `data of a length that is not the image's are not begun`() async {
        let (result, complaints) = await F.run(
            .downloadImage(id: F.id),
            [
                F.step("GET", F.path, F.answer(200, F.active)),
                F.step("GET", F.path + "/file", .answer(200, [], Array("abcd".utf8))),
            ])
        #expect(result.failure?.kind == .badGateway)
        #expect(complaints == [])
    }

    @Test func `a reference has metadata and no data`() async {
        let reference = F.image(["gw_location": .string("pithos://u/c/o"), "gw_size": .string("9")])
        let get = F.step("GET", F.path, F.answer(200, reference))
        let (shown, _) = await F.run(.showImage(id: F.id), [get])
        #expect(shown.image?.status == .active)
        #expect(shown.image?.integer(.size) == 9)
        let (data, complaints) = await F.run(.downloadImage(id: F.id), [get])
        #expect(data.failure?.kind == .noData)
        #expect(complaints == [])
    }
}
