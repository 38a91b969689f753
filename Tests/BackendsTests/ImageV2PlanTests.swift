import Backends
import Bytes
import Dialects
import Images
import Testing

@Suite struct ImageV2PlanTests {
    /// Every request that the gateway adds to the vectors' plans by a setting is off.
    static func settings(_ vector: JSONObject) -> ImageV2Settings {
        var settings = ImageV2Settings()
        settings.readsSchema = false
        settings.showsCanShare = false
        settings.resetsMembers = false
        settings.memberLookups = 1
        let word = vector["settings"]?.object?["publishRefused"]?.text
        settings.publishRefused = word.flatMap(ImageV2Settings.PublishRefused.init(rawValue:)) ?? .refuse
        return settings
    }

    @Test(arguments: PlanVectors.names)
    func `an operation takes the requests and has the result of its vector`(_ name: String) async throws {
        let vector = try #require(PlanVectors.all.first { $0["name"]?.text == name })
        let transport = ScriptedTransport(PlanVectors.steps(vector))
        let backend = ImageV2Backend(
            transport: transport, settings: Self.settings(vector),
            schema: vector["schema"]?.object.map(ImageV2Schema.init(properties:)))
        let operation = try PlanVectors.operation(vector)
        let data = vector["operation"]?.object?["data"]?.text.map { BytesBody(Array($0.utf8)) }
        let request = BackendRequest(
            operation: operation, caller: Caller(token: "alice:acme:member"), requestID: "req-1",
            data: operation.takesData ? data : nil)
        let expected = try #require(vector["result"]?.object)
        do throws(Failure) {
            // The vectors' registry answers some lists that it has not filtered.
            let isList = if case .listImages = operation { true } else { false }
            let outcome = try await (isList ? backend : backend.underContract()).perform(request)
            try await check(outcome, against: expected)
        } catch {
            let status = expected["error"]?.object?["status"]?.integer
            #expect(status == Self.status(of: error), "\(error)")
        }
        #expect(transport.complaints == [])
    }

    /// Statuses of the v1 dialect (mapping §8).
    static func status(of failure: Failure) -> Int64 {
        switch failure.kind {
        case .badRequest, .unsupportedMedia: 400
        case .forbidden: 403
        case .imageNotFound, .memberNotFound, .noData, .membershipForbidden: 404
        case .conflict: 409
        case .badGateway: 502
        default: 500
        }
    }

    private func check(_ outcome: Outcome, against expected: JSONObject) async throws(Failure) {
        if let error = expected["error"] { Issue.record("should have failed: \(error)") }
        switch outcome {
        case .image(let image): check(image, against: expected["image"]?.object ?? JSONObject())
        case .data(_, let body):
            var bytes: [UInt8] = []
            while let piece = try? await body.next() { bytes += piece }
            #expect(String(decoding: bytes, as: UTF8.self) == expected["data"]?.text)
        case .images(let source):
            var ids: [String] = []
            while let image = try await source.next() { ids.append(image.id) }
            #expect(ids == expected["ids"]?.array?.compactMap(\.text))
        case .members(let list):
            let wanted = expected["members"]?.array?.compactMap(\.object) ?? []
            #expect(list.members.map(\.id) == wanted.compactMap { $0["member_id"]?.text })
            #expect(list.members.map(\.canShare) == wanted.map { $0["can_share"]?.boolean })
        case .sharedImages(let list):
            let wanted = expected["shared_images"]?.array?.compactMap(\.object) ?? []
            #expect(list.map(\.imageID) == wanted.compactMap { $0["image_id"]?.text })
            #expect(list.map(\.canShare) == wanted.map { $0["can_share"]?.boolean ?? false })
        case .done: #expect(expected["image"] == nil)
        case .part, .member, .locations, .capabilities, .relayed: Issue.record("outcome of another dialect")
        }
    }

    /// The given part, in the client's form: size 0 for none, an empty property for null, a reference is active.
    private func check(_ image: Image, against expected: JSONObject) {
        let wanted = PlanVectors.image(expected)
        for field in wanted.statedFields {
            if field == .size, wanted.integer(.size) == 0 {
                #expect((image.integer(.size) ?? 0) == 0)
            } else if field == .status, expected["reference"]?.boolean ?? false {
                #expect(image.status == .active)
            } else {
                #expect(image[field] == wanted[field], "\(field.rawValue)")
            }
        }
        guard expected["properties"] != nil else { return }
        let shown = image.properties.list.map { Property($0.name, $0.value == "" ? nil : $0.value) }
        #expect(Properties(shown) == wanted.properties)
    }
}
