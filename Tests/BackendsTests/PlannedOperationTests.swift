import Backends
import Bytes
import Dialects
import HTTP
import Images
import Synchronization
import Testing
import Upstream

/// What the compatibility page says of plans is what the backends do: with one request, with several, or not at all.
@Suite struct PlannedOperationTests {
    private static let id = Fixture.id

    /// A registry that takes every call and shows the same image, in the words of any dialect.
    private final class AgreeableRegistry: Transport {
        private let count = Mutex(0)
        let dialect: String
        /// Waits for data.
        let isQueued: Bool

        init(_ dialect: String, isQueued: Bool = false) {
            self.dialect = dialect
            self.isQueued = isQueued
        }

        var calls: Int { count.withLock { $0 } }

        func send(_ call: UpstreamCall) async throws(TransportError) -> UpstreamReply {
            count.withLock { $0 += 1 }
            do throws(BodyError) { while try await call.body?.next() != nil {} } catch { throw .clientBody(error) }
            let path = call.target.prefix { $0 != "?" }
            if path.contains("/members") { return reply(call.method == "GET" ? Self.members : "") }
            if path.contains("/shared-images") { return reply(#"{"shared_images": []}"#) }
            if path.hasSuffix("/file") { return reply("abc", "application/octet-stream") }
            if path.hasSuffix("/schemas/image") { return reply(#"{"properties": {}}"#) }
            if path.hasSuffix("/info/stores") { return reply(#"{"stores": []}"#) }
            if call.method == "GET", path.hasSuffix("/images") || path.hasSuffix("/images/") || path.hasSuffix("detail")
            {
                return reply(#"{"images": []}"#)
            }
            if call.method == "GET", dialect != "image-v2" { return reply("abc", "application/octet-stream") }
            let image = Self.image(call.fields["x-image-meta-id"] ?? PlannedOperationTests.id)
            return reply(dialect == "image-v2" ? image : "{\"image\": \(image)}")
        }

        private static let members = #"{"members": [{"member_id": "m", "status": "pending", "can_share": false}]}"#
        private static func image(_ id: String) -> String {
            #"""
            {"id": "\#(id)", "name": "n", "status": "active", "size": 3, "owner": "acme",
            "checksum": "900150983cd24fb0d6963f7d28e17f72", "disk_format": "raw", "container_format": "bare",
            "visibility": "shared", "is_public": false, "type": "raw", "tags": ["t"],
            "created_at": "2010-02-03T09:34:01Z", "properties": {"gw_tags": "[\"t\"]"}}
            """#
        }
        private static let headers = [
            ("id", PlannedOperationTests.id), ("name", "n"), ("status", "available"), ("size", "3"), ("owner", "acme"),
            ("location", "pithos://u/c/o"), ("disk-format", "diskdump"), ("container-format", "bare"), ("type", "raw"),
            ("is-public", "False"), ("property-gw-tags", "[\"t\"]"), ("created-at", "2010-02-03 09:34:01"),
        ]

        private func reply(_ text: String, _ type: String = "application/json") -> UpstreamReply {
            var fields = Fields([("Content-Type", type)])
            for (name, value) in Self.headers where dialect != "image-v2" {
                let said = dialect == "glance-v1" && name == "status" ? (isQueued ? "queued" : "active") : value
                fields.append("x-image-meta-" + name, said)
            }
            return UpstreamReply(status: 200, fields: fields, body: Pieces(Array(text.utf8)))
        }
    }

    private static func backend(_ dialect: String, _ transport: any Transport) -> (any Backend)? {
        switch dialect {
        case "glance-2010": return Glance2010Backend(transport: transport)
        case "glance-v1": return GlanceV1Backend(transport: transport)
        case "plankton": return PlanktonBackend(transport: transport)
        case "image-v2": return ImageV2Backend(transport: transport, settings: Fixture.settings)
        default: return nil
        }
    }

    /// One request of each operation.
    private static func operation(_ name: String, _ dialect: String) -> Operation? {
        var image = Image()
        image[.name] = .text("m")
        image[.diskFormat] = .text("raw")
        image[.containerFormat] = .text("bare")
        image[.location] = .text("pithos://u/c/o")
        let member = Member(id: "m")
        return switch name {
        case "list_images": .listImages(ImageQuery(isDetailed: false))
        case "list_images_detail": .listImages(ImageQuery(isDetailed: true))
        case "get_image_meta": .showImage(id: id)
        case "get_image_data": .downloadImage(id: id)
        case "create_image" where dialect == "plankton":
            .createImage(ImageCreation(image: image, source: .location, replacesAtLocation: true))
        case "create_image": Fixture.creation(source: .none)
        case "update_image": Fixture.update([.name: .text("m")])
        case "delete_image": .deleteImage(id: id)
        case "list_members": .listMembers(id: id)
        case "replace_members": .replaceMembers(id: id, members: [member])
        case "add_member": .addMember(id: id, member: member)
        case "remove_member": .removeMember(id: id, memberID: "m", absentIsDone: false)
        case "list_shared_images": .listSharedImages(.sharedWith("m"))
        case "show_member": .showMember(id: id, memberID: "m")
        case "set_member_status": .setMemberStatus(id: id, memberID: "m", status: "accepted")
        case "deactivate_image": .deactivateImage(id: id)
        case "reactivate_image": .reactivateImage(id: id)
        case "add_tag": .addTag(id: id, tag: "new")
        case "remove_tag": .removeTag(id: id, tag: "t")
        case "stage_data": .stageData(id: id, length: 3)
        case "import_image": .importImage(ImageImport(id: id, method: .webDownload(uri: "http://h/x")))
        case "list_locations": .listLocations(id: id)
        case "add_location": .addLocation(id: id, url: "http://h/x")
        case "delete_from_store": .deleteFromStore(id: id, store: "s")
        case "get_stores": .describe(.stores(isDetailed: false))
        case "get_import_info": .describe(.importMethods)
        case "get_schema": .describe(.schema("image"))
        default: nil
        }
    }

    /// What came of an operation, and how many calls it took.
    private static func run(_ operation: Operation, _ dialect: String) async -> (failure: Failure?, calls: Int)? {
        let isQueued = ["import_image", "add_location"].contains(operation.name)
        let registry = AgreeableRegistry(dialect, isQueued: isQueued)
        guard let backend = backend(dialect, registry) else { return nil }
        let data = operation.takesData ? BytesBody(Array("abc".utf8)) : nil
        let request = BackendRequest(
            operation: operation, caller: Caller(token: "t", user: "acme", tenant: "acme"), requestID: "req-1",
            data: data)
        var failure: Failure?
        do throws(Failure) {
            switch try await backend.perform(request) {
            case .images(let images): while try await images.next() != nil {}
            case .data(_, let body): try? await drain(body)
            default: break
            }
        } catch {
            failure = error
        }
        await backend.close()
        return (failure, registry.calls)
    }

    private static func drain(_ body: any BodySource) async throws(BodyError) {
        while try await body.next() != nil {}
    }

    @Test(arguments: PlannedOperation.all.map(\.name).filter { $0 != "list_versions" })
    func `a backend carries an operation out as the page says`(name: String) async throws {
        let planned = try #require(PlannedOperation.all.first { $0.name == name })
        for (dialect, plan) in planned.plans {
            let operation = try #require(Self.operation(name, dialect))
            guard let (failure, calls) = await Self.run(operation, dialect) else { continue }
            switch plan {
            case .refused(let kind): #expect(failure?.kind == kind, "\(dialect)")
            case .own: #expect(failure == nil && calls == 0, "\(dialect): \(calls) calls")
            case .call: #expect(failure == nil && calls == 1, "\(dialect): \(calls) calls, \(failure as Any)")
            case .calls, .emulated:
                #expect(failure == nil && calls >= 1, "\(dialect): \(calls) calls, \(failure as Any)")
            // Not the backend's: the message itself goes on.
            case .relayed: #expect(ImageV2Backend(transport: AgreeableRegistry(dialect)).relays == "image-v2")
            }
        }
    }

    @Test func `every offered operation has a plan on every backend`() {
        #expect(PlannedOperation.all.map(\.name) == OfferedOperation.all.map(\.name))
        for planned in PlannedOperation.all {
            #expect(Set(planned.plans.keys) == Set(HeldFields.all.map(\.dialect)), "\(planned.name)")
        }
    }
}
