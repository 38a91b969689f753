import Backends
import Bytes
import Dialects
import Images
import Testing

@Suite struct ImageV2ListTests {
    typealias F = Fixture

    static func id(_ number: Int) -> String {
        let digits = String(number)
        return "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    private func ids(_ outcome: Result<Outcome, Failure>) async throws -> [String] {
        guard case .images(let source) = try outcome.get() else { return [] }
        var ids: [String] = []
        while let image = try await source.next() { ids.append(image.id) }
        return ids
    }

    @Test func `pages are walked with our own query and stop at the limit`() async throws {
        var settings = F.settings
        settings.pageSize = 2
        let query = "/v2/images?member_status=all&limit=2"
        let transport = ScriptedTransport([
            F.step(
                "GET", query, F.answer(200, F.page([F.image(id: Self.id(1)), F.image(id: Self.id(2))], next: true))),
            F.step(
                "GET", query + "&marker=" + Self.id(2),
                F.answer(200, F.page([F.image(id: Self.id(3)), F.image(id: Self.id(4))], next: true))),
        ])
        let backend = ImageV2Backend(transport: transport, settings: settings).underContract()
        var asked = ImageQuery(isDetailed: true)
        asked.limit = 3
        let outcome = try await backend.perform(
            BackendRequest(operation: .listImages(asked), caller: Caller(token: "t"), requestID: "r"))
        #expect(transport.seen.count == 1)
        #expect(try await ids(.success(outcome)) == [Self.id(1), Self.id(2), Self.id(3)])
        #expect(transport.complaints == [])
    }

    @Test func `a failure of the first page is a failure of the list, of a later one of its reading`() async throws {
        let (refused, _) = await F.run(
            .listImages(ImageQuery(isDetailed: true)),
            [F.step("GET", "/v2/images?member_status=all&limit=1000", F.refusal(400, "marker"))])
        #expect(refused.failure?.kind == .badRequest)
        let (broken, _) = await F.run(
            .listImages(ImageQuery(isDetailed: true)),
            [F.step("GET", "/v2/images?member_status=all&limit=1000", .answer(200, [], Array(#"{"images": ["#.utf8)))])
        await #expect(throws: Failure.self) { try await ids(broken) }
    }

    @Test func `a registry that repeats its page does not make the gateway walk for ever`() async throws {
        let page = F.answer(200, F.page([F.image()], next: true))
        let query = "/v2/images?member_status=all&limit=1000"
        let transport = ScriptedTransport([F.step("GET", query, page), F.step("GET", query + "&marker=" + F.id, page)])
        // Without the contract, which would be broken first.
        let backend = ImageV2Backend(transport: transport, settings: F.settings)
        let outcome = try await backend.perform(
            BackendRequest(
                operation: .listImages(ImageQuery(isDetailed: true)), caller: Caller(token: "t"), requestID: "r"))
        await #expect(throws: Failure.self) { try await ids(.success(outcome)) }
        #expect(transport.complaints == [])
    }

    @Test func `images published by a mark are merged in, each once`() async throws {
        var settings = F.settings
        settings.publishRefused = .community
        let marked = F.image(
            ["visibility": .string("community"), "gw_is_public": .string("True"), "name": .string("b")], id: Self.id(2))
        let transport = ScriptedTransport([
            F.step(
                "GET", "/v2/images?member_status=all&limit=1000&sort_key=name&sort_dir=asc",
                F.answer(
                    200,
                    F.page(
                        [
                            F.image(["name": .string("a")], id: Self.id(1)), marked,
                            F.image(["name": .string("c")], id: Self.id(3)),
                        ],
                        next: false))),
            F.step(
                "GET", "/v2/images?visibility=community&gw_is_public=True&limit=1000&sort_key=name&sort_dir=asc",
                F.answer(200, F.page([marked], next: false))),
        ])
        var asked = ImageQuery(isDetailed: true)
        asked.sort = [.init(.name, ascending: true)]
        let backend = ImageV2Backend(transport: transport, settings: settings).underContract()
        let outcome = try await backend.perform(
            BackendRequest(operation: .listImages(asked), caller: Caller(token: "t"), requestID: "r"))
        #expect(try await ids(.success(outcome)) == [1, 2, 3].map(Self.id))
        #expect(transport.complaints == [])
    }

    static let filters: [(ImageQuery.Filter, String)] = [
        (.oneOf(.status, [.text("active")]), "status=in%3Aactive%2Cqueued"),
        (.oneOf(.status, [.text("saving")]), "status=in%3Asaving%2Cuploading%2Cimporting%2Cqueued"),
        (.oneOf(.status, [.text("killed")]), "status=in%3Akilled%2Cqueued"),
        (.oneOf(.status, [.text("queued")]), "status=eq%3Aqueued"),
        (.oneOf(.diskFormat, [.text("extdump")]), "disk_format=eq%3Araw"),
        (.oneOf(.isPublic, [.boolean(true)]), "visibility=public"),
        (.oneOf(.minRAM, [.integer(64)]), "min_ram=64"),
        (.changedSince(Timestamp(seconds: 0)), "updated_at=gt%3A1970-01-01T00%3A00%3A00Z"),
        (.property("os", "a&b=c"), "os=a%26b%3Dc"),
        (.property("limit", "1"), ""),
        (.atLeast(.size, 5), ""),
    ]

    @Test(arguments: filters)
    func `filters of a whole list go to the registry as far as it understands them`(
        _ filter: ImageQuery.Filter, _ parameter: String
    ) async throws {
        var query = parameter == "visibility=public" ? "limit=1000" : "member_status=all&limit=1000"
        if !parameter.isEmpty { query += "&" + parameter }
        let (outcome, complaints) = await F.run(
            .listImages(ImageQuery(isDetailed: true, filters: [filter])),
            [F.step("GET", "/v2/images?" + query, F.answer(200, F.page([], next: false)))])
        #expect(try await ids(outcome) == [])
        #expect(complaints == [])
    }

    @Test func `a reference shows as active in lists and only there where asked for`() async throws {
        let reference = F.image(["gw_location": .string("pithos://u/c/o")], id: Self.id(1))
        let list = F.page([reference, F.image(id: Self.id(2))], next: false)
        let (outcome, _) = await F.run(
            .listImages(ImageQuery(isDetailed: true, filters: [.oneOf(.status, [.text("active")])])),
            [F.step("GET", "/v2/images?member_status=all&limit=1000&status=in%3Aactive%2Cqueued", F.answer(200, list))])
        #expect(try await ids(outcome) == [Self.id(1)])
    }
}
