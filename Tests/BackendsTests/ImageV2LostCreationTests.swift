import Backends
import Bytes
import Dialects
import Images
import Testing
import Upstream

/// Creations whose answer was lost, late or cut (mapping §7): what can be known to be ours is taken back.
@Suite struct ImageV2LostCreationTests {
    typealias F = Fixture

    private static let named =
        #"{"id": "\#(F.id)", "name": "n", "disk_format": "raw", "container_format": "bare"}"#
    private static let young = F.image(["created_at": .string("2999-01-01T00:00:00Z")])

    private func create(
        _ steps: [ScriptedTransport.Step], caller: Caller = Caller(token: "t", tenant: "acme"), isNamed: Bool = true
    ) async -> (Result<Outcome, Failure>, [String]) {
        await F.run(F.creation(isNamed ? [.id: .text(F.id)] : [:], source: .none), steps, caller: caller)
    }

    @Test(arguments: [[("Location", "http://registry:9292" + F.path)], [("Location", F.path)]])
    func `a cut answer to a creation is undone by its address`(_ headers: [(String, String)]) async {
        let (result, complaints) = await create(
            [
                F.post(ImageV2FailureTests.plainPost, .answer(201, headers, Array("{\"id\":".utf8))),
                F.step("DELETE", F.path, F.empty(204)),
            ], isNamed: false)
        #expect(result.failure?.kind == .badGateway)
        #expect(complaints == [])
    }

    @Test(arguments: ["/v2/images/", "/v2/images/x/../y", "/elsewhere"])
    func `an address that names no image undoes nothing`(_ address: String) async {
        let (result, complaints) = await create(
            [F.post(ImageV2FailureTests.plainPost, .answer(201, [("Location", address)], []))], isNamed: false)
        #expect(result.failure?.kind == .badGateway)
        #expect(complaints == [])
    }

    @Test func `a cut answer to a creation with an id is undone by that id, protection first`() async {
        let document =
            #"{"id": "\#(F.id)", "name": "n", "disk_format": "raw", "container_format": "bare", "protected": true}"#
        let (result, complaints) = await F.run(
            F.creation([.id: .text(F.id), .protected: .boolean(true)], source: .none),
            [
                F.post(document, .answer(201, [], Array("{".utf8))),
                F.patch(#"[{"op": "replace", "path": "/protected", "value": false}]"#, F.answer(200, F.image())),
                F.step("DELETE", F.path, F.empty(204)),
            ])
        #expect(result.failure?.kind == .badGateway)
        #expect(complaints == [])
    }

    @Test func `a creation answered too late is looked for and removed`() async {
        let (result, complaints) = await create([
            F.post(Self.named, .fails(.timedOut(.head))), F.step("GET", F.path, F.answer(200, Self.young)),
            F.step("DELETE", F.path, F.empty(204)),
        ])
        #expect(result.failure?.kind == .gatewayTimeout)
        #expect(complaints == [])
    }

    @Test(arguments: [
        Self.image("owner", "zeta"), Self.image("name", "m"), Self.image("status", "active"),
        Self.image("created_at", "2001-01-01T00:00:00Z"),
    ])
    func `somebody else's image of that id is left alone`(_ found: JSONValue) async {
        let get = F.step("GET", F.path, F.answer(200, found))
        let (late, lateComplaints) = await create([F.post(Self.named, .fails(.timedOut(.head))), get])
        #expect(late.failure?.kind == .gatewayTimeout)
        #expect(lateComplaints == [])
        let (lost, lostComplaints) = await create([F.post(Self.named, .closed), get])
        #expect(lost.failure?.kind == .conflict)
        #expect(lostComplaints == [])
    }

    @Test func `an owner nobody knows is not compared`() async {
        let get = F.step("GET", F.path, F.answer(200, Self.image("owner", "zeta")))
        let (result, complaints) = await create([F.post(Self.named, .closed), get], caller: Caller(token: "t"))
        #expect(result.failure == nil)
        #expect(complaints == [])
    }

    @Test func `a creation sent again and refused as double may be our own`() async {
        let get = F.step("GET", F.path, F.answer(200, Self.young))
        let (result, complaints) = await create([
            F.post(Self.named, .closed), F.step("GET", F.path, F.refusal(404)), F.post(Self.named, F.refusal(409)), get,
        ])
        #expect(result.image?.id == F.id)
        #expect(complaints == [])
    }

    @Test func `a creation lost twice is removed if it arrived`() async {
        let (result, complaints) = await create([
            F.post(Self.named, .closed), F.step("GET", F.path, F.refusal(404)), F.post(Self.named, .closed),
            F.step("GET", F.path, F.answer(200, Self.young)), F.step("DELETE", F.path, F.empty(204)),
        ])
        #expect(result.failure?.kind == .badGateway)
        #expect(complaints == [])
    }

    private static func image(_ key: String, _ value: String) -> JSONValue {
        guard case .object(var object) = young, let place = object.members.firstIndex(where: { $0.key == key }) else {
            return young
        }
        object.members[place].value = .string(value)
        return .object(object)
    }
}
