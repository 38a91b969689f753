import Backends
import Bytes
import Dialects
import Images
import Testing

/// What others may do with an image while a client sends its data, however slowly.
@Suite struct ImageV2UploadTests {
    typealias F = Fixture

    private static func perform(
        _ operation: Operation, on backend: any Backend, data: BrokenBody? = nil
    ) async -> Failure.Kind? {
        let whole = operation.takesData ? BytesBody(Array("abc".utf8)) : nil
        let data: (any BodySource)? = data ?? whole
        let request = BackendRequest(operation: operation, caller: Caller(token: "t"), requestID: "r", data: data)
        do throws(Failure) {
            _ = try await backend.perform(request)
            return nil
        } catch {
            return error.kind
        }
    }

    /// Begins an upload that hangs, runs `body`, breaks the upload off.
    private func duringUpload(
        of operation: Operation, _ begin: [ScriptedTransport.Step], _ others: [ScriptedTransport.Step],
        undoing: [ScriptedTransport.Step] = [], _ body: (any Backend) async -> Void
    ) async {
        let put = F.step("PUT", F.path + "/file", .hangs, body: "abc")
        let transport = ScriptedTransport(begin + [put] + others + undoing)
        let backend = ImageV2Backend(transport: transport, settings: F.settings).underContract()
        let upload = Task { await Self.perform(operation, on: backend) }
        while transport.seen.count < begin.count + 1 { await Task.yield() }
        await body(backend)
        upload.cancel()
        #expect(await upload.value == .clientDisconnected)
        #expect(transport.complaints == [])
    }

    private static let show = F.step("GET", F.path, F.answer(200, F.image()))

    @Test(.timeLimit(.minutes(10))) func `an image goes although its data are still coming`() async {
        await duringUpload(
            of: F.update(source: .body(length: 3)), [Self.show], [F.step("DELETE", F.path, F.empty(204))]
        ) { backend in
            #expect(await Self.perform(.deleteImage(id: F.id), on: backend) == nil)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `members come and go meanwhile`() async {
        let members = F.path + "/members"
        await duringUpload(
            of: F.update(source: .body(length: 3)), [Self.show],
            [
                F.step("POST", members, F.empty(200), json: .object(JSONObject(["member": .string("a")]))),
                F.step("DELETE", members + "/a", F.empty(204)),
            ]
        ) { backend in
            #expect(await Self.perform(.addMember(id: F.id, member: Member(id: "a")), on: backend) == nil)
            let removal = Operation.removeMember(id: F.id, memberID: "a", absentIsDone: false)
            #expect(await Self.perform(removal, on: backend) == nil)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `other data and changes, which the registry would lose, are refused at once`()
        async
    {
        await duringUpload(of: F.update(source: .body(length: 3)), [Self.show], []) { backend in
            #expect(await Self.perform(F.update(source: .body(length: 3)), on: backend) == .conflict)
            #expect(await Self.perform(F.update([.name: .text("m")]), on: backend) == .conflict)
        }
        let post = F.post(ImageV2FailureTests.plainPost, F.answer(201, F.image()))
        await duringUpload(of: F.creation(), [post], [], undoing: [F.step("DELETE", F.path, F.empty(204))]) { backend in
            #expect(await Self.perform(F.update([.name: .text("m")]), on: backend) == .conflict)
        }
    }

    @Test func `an upload that failed leaves the image open for the next one`() async {
        let put = F.step("PUT", F.path + "/file", F.refusal(503), body: "abc")
        let transport = ScriptedTransport([
            Self.show, put, Self.show, F.step("PUT", F.path + "/file", F.empty(204), body: "abc"),
            F.step("GET", F.path, F.answer(200, F.active)), F.step("GET", F.path, F.refusal(404)), Self.show,
        ])
        let backend = ImageV2Backend(transport: transport, settings: F.settings).underContract()
        let operation = F.update(source: .body(length: 3))
        #expect(await Self.perform(operation, on: backend) == .unavailable)
        #expect(await Self.perform(operation, on: backend) == nil)
        #expect(await Self.perform(operation, on: backend) == .imageNotFound)
        #expect(await Self.perform(F.update(), on: backend) == nil)
        #expect(transport.complaints == [])
    }

    @Test func `a registry that breaks the connection is not taken for a client that left`() async {
        let transport = ScriptedTransport([
            Self.show, F.step("PUT", F.path + "/file", .closed),
        ])
        let backend = ImageV2Backend(transport: transport, settings: F.settings).underContract()
        // Reading from the client was given up because nobody takes the data any more.
        let data = BrokenBody(Array("ab".utf8), length: 3, fault: .cancelled)
        #expect(await Self.perform(F.update(source: .body(length: 3)), on: backend, data: data) == .badGateway)
    }
}
