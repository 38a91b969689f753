import Backends
import Bytes
import Dialects
import EventLoop
import Glibc
import Images
import Testing
import Upstream

/// The plans against a real Glance, when one is named: `GLANCE_UNDER_TEST=http://127.0.0.1:PORT`, tokens
/// `user:tenant:role`. Everything made here is deleted again.
@Suite(.serialized, .enabled(if: RealRegistry.address != nil))
struct RealRegistryTests {
    typealias R = RealRegistry

    @Test func `an image with data lives its whole life`() async throws {
        try await R.onLoop { backend in
            var image = R.image("életút ☃")
            image[.minRAM] = .integer(64)
            image.properties = Properties([
                Property("os", "l:x"), Property("name", "evil"), Property("a/b~c", "1"), Property("_p", " 100% "),
                Property("member", "m"), Property("n", nil), Property("face", "😀"), Property("case", "1"),
                Property("Case", "2"), Property("crlf", "a\r\nb"),
            ])
            image[.checksum] = .text("900150983cd24fb0d6963f7d28e17f72")
            let made = try await R.image(
                backend, .createImage(ImageCreation(image: image, source: .body(length: 3))), data: "abc")
            #expect(made.status == .active)
            #expect(made.integer(.size) == 3)
            let wanted = Properties(image.properties.list.map { Property($0.name, $0.value ?? "") })
            #expect(made.properties == wanted)
            #expect(try await R.data(backend, made.id) == "abc")
            let filters: [ImageQuery.Filter] = [
                .oneOf(.name, [.text("életút ☃")]), .oneOf(.status, [.text("active")]), .atLeast(.size, 1),
                .property("os", "l:x"), .property("_p", " 100% "), .property("name", "evil"), .property("case", "1"),
                .oneOf(.protected, [.boolean(false)]), .oneOf(.minRAM, [.integer(64)]),
                .changedSince(Timestamp(seconds: 0)), .oneOf(.diskFormat, [.text("raw")]), .property("a/b~c", "1"),
            ]
            #expect(try await R.ids(backend, ImageQuery(isDetailed: true, filters: filters)) == [made.id])
            for filter in filters {
                #expect(
                    try await R.ids(backend, ImageQuery(isDetailed: true, filters: [filter])).contains(made.id),
                    "\(filter)")
            }
            var change = Image()
            change[.name] = .text("n2")
            change[.isPublic] = .boolean(false)
            change[.owner] = .text("zeta")
            change.properties = Properties([
                Property("os", "9"), Property("c", "3"), Property("get_data", "x"), Property("face", "plain"),
                Property("case", "😀"),
            ])
            let changed = try await R.image(
                backend, .updateImage(ImageUpdate(id: made.id, image: change, purgesProperties: true)))
            #expect(changed.properties == change.properties)
            #expect(changed.text(.name) == "n2")
            #expect(changed.text(.owner) == "acme")
            #expect(try await R.image(backend, .showImage(id: made.id)) == changed)
            await R.delete(backend, made.id)
            #expect(await R.failure(backend, .showImage(id: made.id))?.kind == .imageNotFound)
        }
    }

    @Test func `members and shared images`() async throws {
        try await R.onLoop { backend in
            var image = R.image("members")
            image[.visibility] = .text("private")
            let made = try await R.image(backend, .createImage(ImageCreation(image: image, source: .none)))
            #expect(try await R.members(backend, made.id).isEmpty)
            _ = try await R.perform(backend, .addMember(id: made.id, member: Member(id: "beta", canShare: true)))
            _ = try await R.perform(backend, .addMember(id: made.id, member: Member(id: "beta")))
            _ = try await R.perform(backend, .addMember(id: made.id, member: Member(id: "gam?m a")))
            let slashed = await R.failure(backend, .addMember(id: made.id, member: Member(id: "gam/ma")))
            #expect(slashed?.kind == .badRequest)
            let members = try await R.members(backend, made.id)
            #expect(members.map(\.id).sorted() == ["beta", "gam?m a"])
            #expect(members.first { $0.id == "beta" }?.canShare == true)
            let listed = try await R.ids(backend, ImageQuery(isDetailed: false), token: "bob:beta:member")
            #expect(listed.contains(made.id))
            for (query, token) in [
                (SharedImagesQuery.sharedWith("beta"), R.alice), (.sharedWith("beta"), "bob:beta:member"),
                (.ownedBy("acme"), "bob:beta:member"),
            ] {
                guard
                    case .sharedImages(let shared) = try await R.perform(
                        backend, .listSharedImages(query), token: token)
                else { continue }
                #expect(shared.map(\.imageID).contains(made.id), "\(query)")
            }
            _ = try await R.perform(
                backend,
                .replaceMembers(id: made.id, members: [Member(id: "beta"), Member(id: "delta", canShare: true)]))
            #expect(try await R.members(backend, made.id).map(\.id).sorted() == ["beta", "delta"])
            #expect(try await R.members(backend, made.id).allSatisfy { $0.canShare == true })
            _ = try await R.perform(backend, .removeMember(id: made.id, memberID: "beta", absentIsDone: false))
            #expect(
                await R.failure(backend, .removeMember(id: made.id, memberID: "beta", absentIsDone: false))?.kind
                    == .memberNotFound)
            #expect(
                await R.failure(
                    backend, .addMember(id: made.id, member: Member(id: "x")), token: "rita:acme:reader") != nil)
            await R.delete(backend, made.id)
        }
    }

    @Test func `a refused or broken upload leaves nothing`() async throws {
        try await R.onLoop { backend in
            var image = R.image("broken")
            image[.protected] = .boolean(true)
            let broken = BackendRequest(
                operation: .createImage(ImageCreation(image: image, source: .body(length: 10))),
                caller: Caller(token: R.alice), requestID: "req-broken",
                data: BrokenBody(Array("abc".utf8), length: 10))
            do throws(Failure) {
                _ = try await backend.perform(broken)
                Issue.record("must fail")
            } catch {
                #expect(error.kind == .clientDisconnected)
            }
            image[.checksum] = .text("00000000000000000000000000000000")
            let demanded = await R.failure(
                backend, .createImage(ImageCreation(image: image, source: .body(length: 3))), data: "abc")
            #expect(demanded?.kind == .badRequest)
            let left = try await R.ids(
                backend, ImageQuery(isDetailed: false, filters: [.oneOf(.name, [.text("broken")])]))
            #expect(left.isEmpty)
        }
    }

    @Test func `a reserved image is filled later, and a wrong checksum leaves it waiting`() async throws {
        try await R.onLoop { backend in
            var image = R.image("reserved")
            image[.size] = .integer(3)
            let made = try await R.image(backend, .createImage(ImageCreation(image: image, source: .none)))
            #expect(made.status == .queued)
            #expect(made.integer(.size) == 3)
            var wrong = Image()
            wrong[.checksum] = .text("00000000000000000000000000000000")
            let refused = await R.failure(
                backend, .updateImage(ImageUpdate(id: made.id, image: wrong, source: .body(length: 3))), data: "abc")
            #expect(refused?.kind == .badRequest)
            // The registry takes a moment to see that the upload has ended.
            var state = ImageStatus.saving
            for _ in 0..<100 where state != .queued {
                usleep(50_000)
                state = try await R.image(backend, .showImage(id: made.id)).status ?? .saving
            }
            #expect(state == .queued)
            let filled = try await R.image(
                backend, .updateImage(ImageUpdate(id: made.id, image: Image(), source: .body(length: nil))),
                data: "abc",
                isChunked: true)
            #expect(filled.status == .active)
            let again = await R.failure(
                backend, .updateImage(ImageUpdate(id: made.id, image: Image(), source: .body(length: 3))), data: "abc")
            #expect(again?.kind == .conflict)
            await R.delete(backend, made.id)
        }
    }

    @Test func `registration, again and look-up by an id that is no UUID`() async throws {
        try await R.onLoop { backend in
            var image = R.image("registered")
            image[.diskFormat] = .text("extdump")
            image[.location] = .text("pithos://u/c/o ☃?&=")
            image[.size] = .integer(2_622_562_304)
            image.properties = Properties([Property("os", "debian")])
            let made = try await R.image(
                backend, .createImage(ImageCreation(image: image, source: .location, replacesAtLocation: true)))
            #expect(made.status == .active)
            #expect(made.text(.diskFormat) == "extdump")
            #expect(made.integer(.size) == 2_622_562_304)
            var again = Image()
            again[.name] = .text("registered 2")
            again[.location] = image[.location]
            again.properties = Properties([Property("users", "root")])
            let replaced = try await R.image(
                backend, .createImage(ImageCreation(image: again, source: .location, replacesAtLocation: true)))
            #expect(replaced.id == made.id)
            #expect(replaced.text(.diskFormat) == "diskdump")
            #expect(replaced.properties == again.properties)
            #expect(replaced.integer(.size) == nil)
            await R.delete(backend, made.id)
            var numbered = R.image("numbered")
            // A deleted id stays taken.
            let number = String(UInt32.random(in: .min ... .max))
            numbered[.id] = .text(number)
            let seventeen = try await R.image(
                backend, .createImage(ImageCreation(image: numbered, source: .body(length: 3))), data: "abc")
            #expect(seventeen.id == number)
            #expect(try await R.data(backend, number) == "abc")
            let twice = await R.failure(backend, .createImage(ImageCreation(image: numbered, source: .none)))
            #expect(twice?.kind == .conflict)
            await R.delete(backend, number)
        }
    }

    @Test func `publishing, pages and administrators`() async throws {
        var settings = ImageV2Settings()
        settings.publishRefused = .community
        settings.pageSize = 2
        try await R.onLoop(settings) { backend in
            var made: [String] = []
            for number in 0..<5 {
                var image = R.image("page \(number)")
                image[.isPublic] = .boolean(number == 1)
                made.append(try await R.image(backend, .createImage(ImageCreation(image: image, source: .none))).id)
            }
            let query = ImageQuery(isDetailed: false, sort: [.init(.name, ascending: true)])
            #expect(try await R.ids(backend, query).filter(made.contains) == made)
            var cut = query
            cut.limit = 3
            cut.marker = made[0]
            #expect(try await R.ids(backend, cut).count >= 3)
            #expect(try await R.image(backend, .showImage(id: made[1])).isPublic)
            #expect(try await R.ids(backend, query, token: "bob:beta:member").contains(made[1]))
            var hidden = Image()
            hidden[.isPublic] = .boolean(false)
            let withdrawn = try await R.image(backend, .updateImage(ImageUpdate(id: made[1], image: hidden)))
            #expect(!withdrawn.isPublic)
            for id in made { await R.delete(backend, id) }
            #expect(await R.failure(backend, .showImage(id: made[0]), token: nil)?.kind == .unauthorized)
            #expect(await R.failure(backend, .showImage(id: made[0]), token: "junk")?.challenge != nil)
        }
    }
}

enum RealRegistry {
    static let alice = "alice:acme:member"
    static let address: String? = getenv("GLANCE_UNDER_TEST").map { String(cString: $0) }

    static func onLoop(
        _ settings: ImageV2Settings = ImageV2Settings(),
        _ work: @escaping @Sendable (any Backend) async throws -> Void
    ) async throws {
        let group = try EventLoopGroup(loops: 1)
        let url = try #require(UpstreamURL(address ?? ""))
        let result = await group.next().spawn { () -> Result<Void, any Error> in
            let endpoint = UpstreamEndpoint(url: url)
            do {
                try await work(ImageV2Backend(transport: endpoint, settings: settings).underContract())
                return .success(())
            } catch {
                return .failure(error)
            }
        }.value
        group.stop()
        try result.get()
    }

    static func image(_ name: String) -> Image {
        var image = Image()
        image[.name] = .text(name)
        image[.diskFormat] = .text("raw")
        image[.containerFormat] = .text("bare")
        return image
    }

    static func perform(
        _ backend: any Backend, _ operation: Images.Operation, data: String? = nil, isChunked: Bool = false,
        token: String? = alice
    ) async throws(Failure) -> Outcome {
        let body = data.map { BytesBody(Array($0.utf8)) }
        return try await backend.perform(
            BackendRequest(
                operation: operation, caller: Caller(token: token), requestID: "req-test",
                data: isChunked ? body.map(Lengthless.init) : body))
    }

    static func image(
        _ backend: any Backend, _ operation: Images.Operation, data: String? = nil, isChunked: Bool = false
    ) async throws(Failure) -> Image {
        guard case .image(let image) = try await perform(backend, operation, data: data, isChunked: isChunked) else {
            throw Failure(.internal)
        }
        return image
    }

    static func failure(
        _ backend: any Backend, _ operation: Images.Operation, data: String? = nil, token: String? = alice
    ) async -> Failure? {
        do throws(Failure) {
            _ = try await perform(backend, operation, data: data, token: token)
            return nil
        } catch {
            return error
        }
    }

    static func data(_ backend: any Backend, _ id: String) async throws -> String {
        guard case .data(_, let body) = try await perform(backend, .downloadImage(id: id)) else { return "" }
        var bytes: [UInt8] = []
        while let piece = try await body.next() { bytes += piece }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func ids(_ backend: any Backend, _ query: ImageQuery, token: String = alice) async throws(Failure)
        -> [String]
    {
        guard case .images(let source) = try await perform(backend, .listImages(query), token: token) else { return [] }
        var ids: [String] = []
        while let image = try await source.next() { ids.append(image.id) }
        return ids
    }

    static func members(_ backend: any Backend, _ id: String) async throws(Failure) -> [Member] {
        guard case .members(let list) = try await perform(backend, .listMembers(id: id)) else { return [] }
        return list.members
    }

    static func delete(_ backend: any Backend, _ id: String) async {
        let failure = await failure(backend, .deleteImage(id: id))
        #expect(failure == nil)
    }
}

/// A body whose length nobody knows.
private final class Lengthless: BodySource {
    private let source: any BodySource
    var length: Int64? { nil }

    init(_ source: any BodySource) { self.source = source }

    func next() async throws(BodyError) -> [UInt8]? { try await source.next() }
}
