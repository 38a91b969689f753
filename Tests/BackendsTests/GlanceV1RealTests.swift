import Backends
import Bytes
import Dialects
import EventLoop
import Glibc
import Images
import Testing
import Upstream

/// The plans against a real Glance that serves the Image API v1, when one is named:
/// `GLANCE_V1_UNDER_TEST=http://127.0.0.1:PORT`, tokens `user.tenant.role`. Everything made here is deleted again.
@Suite(.serialized, .enabled(if: RealV1.address != nil))
struct GlanceV1RealTests {
    typealias R = RealV1

    @Test func `an image with data lives its whole life`() async throws {
        try await R.onLoop { backend in
            var image = R.image("életút ☃ voilà")
            image[.minRAM] = .integer(64)
            image[.visibility] = .text("private")
            image[.hidden] = .boolean(true)
            image[.checksum] = .text(V1.md5OfABC)
            image.tags = ["b", "é", "a,b"]
            image.properties = Properties([
                Property("os", "l:x"), Property("name", "evil"), Property("a/b~c", "1"), Property("_p", " 100% "),
                Property("n", nil), Property("face", "😀"), Property("case", "1"), Property("Case", "2"),
                Property("crlf", "a\r\nb"), Property("", "nameless"), Property("empty", ""), Property("gw_id", "x"),
                Property("é", "voilà"), Property("kernel-id", "k"), Property("kernel_id", "l"), Property("id", "i"),
                Property("none", "None"), Property("tab", "\ta\t"), Property("a.b!#$%&*+^`|~'", "v"),
            ])
            let made = try await R.image(
                backend, .createImage(ImageCreation(image: image, source: .body(length: 3))), data: "abc")
            #expect(made.status == .active)
            #expect(made.integer(.size) == 3)
            #expect(made.text(.name).map { Array($0.utf8) } == Array("életút ☃ voilà".utf8))
            #expect(made.properties == image.properties)
            // Headers show no null properties.
            var shown = made
            shown.properties.remove("n")
            let again = try await R.image(backend, .showImage(id: made.id))
            #expect(again.properties == shown.properties)
            for field in ImageField.allCases { #expect(again[field] == made[field], "\(field)") }
            #expect(again.tags == ["b", "é", "a,b"])
            #expect(again.visibility == .private)
            #expect(again.boolean(.hidden) == true)
            #expect(try await R.data(backend, made.id) == "abc")
            #expect(try await R.data(backend, made.id, DataRange("bytes=1-")) == "bc")
            try await checkFilters(backend, made.id)
            var change = Image()
            change[.name] = .text("n2 ")
            change[.visibility] = .text("community")
            change.tags = []
            change.properties = Properties([
                Property("os", "9"), Property("c", "3"), Property("face", "plain"), Property("case", "\u{1}"),
            ])
            let changed = try await R.image(
                backend, .updateImage(ImageUpdate(id: made.id, image: change, purgesProperties: true)))
            #expect(changed.properties == change.properties)
            #expect(changed.text(.name) == "n2 ")
            #expect(changed.visibility == .community)
            #expect(changed.tags == [])
            #expect(try await R.image(backend, .showImage(id: made.id)) == changed)
            await R.delete(backend, made.id)
            #expect(await R.failure(backend, .showImage(id: made.id))?.kind == .imageNotFound)
        }
    }

    private func checkFilters(_ backend: any Backend, _ id: String) async throws {
        let filters: [ImageQuery.Filter] = [
            .oneOf(.name, [.text("életút ☃ voilà")]), .oneOf(.status, [.text("active")]), .atLeast(.size, 1),
            .atMost(.size, 3), .property("os", "l:x"), .property("_p", " 100% "), .property("name", "evil"),
            .property("case", "1"), .property("Case", "2"), .property("face", "😀"), .property("empty", ""),
            .oneOf(.protected, [.boolean(false)]), .oneOf(.minRAM, [.integer(64)]), .tag("é"),
            .changedSince(Timestamp(seconds: 0)), .oneOf(.diskFormat, [.text("raw")]), .property("a/b~c", "1"),
            .oneOf(.containerFormat, [.text("bare")]), .oneOf(.hidden, [.boolean(true)]),
            .oneOf(.visibility, [.text("private")]), .oneOf(.owner, [.text("acme")]),
        ]
        #expect(try await R.ids(backend, ImageQuery(isDetailed: true, filters: filters)) == [id])
        for filter in filters {
            #expect(
                try await R.ids(backend, ImageQuery(isDetailed: true, filters: [filter])).contains(id), "\(filter)")
        }
    }

    @Test func `formats that the registry does not have come back`() async throws {
        try await R.onLoop { backend in
            let pairs = [
                ("diskdump", "bare"), ("raw", "compressed"), ("ami", "bare"), ("raw", "ami"), ("extdump", "docker"),
            ]
            for (disk, container) in pairs {
                var image = R.image("formats")
                image[.diskFormat] = .text(disk)
                image[.containerFormat] = .text(container)
                let made = try await R.image(
                    backend, .createImage(ImageCreation(image: image, source: .body(length: 3))), data: "abc")
                #expect(made.text(.diskFormat) == disk)
                #expect(made.text(.containerFormat) == container)
                let listed = try await R.ids(
                    backend,
                    ImageQuery(
                        isDetailed: true,
                        filters: [.oneOf(.diskFormat, [.text(disk)]), .oneOf(.containerFormat, [.text(container)])]))
                #expect(listed.contains(made.id))
                await R.delete(backend, made.id)
            }
        }
    }

    @Test func `an image that waits takes its data, also none, and only once`() async throws {
        try await R.onLoop { backend in
            for (data, isChunked) in [("abc", false), ("abc", true), ("", false)] {
                let made = try await R.image(
                    backend, .createImage(ImageCreation(image: R.image("queued"), source: .none)))
                #expect(made.status == .queued)
                #expect(await R.failure(backend, .downloadImage(id: made.id))?.kind == .noData)
                let upload = Images.Operation.updateImage(
                    ImageUpdate(id: made.id, image: Image(), source: .body(length: nil)))
                let full = try await R.image(backend, upload, data: data, isChunked: isChunked)
                #expect(full.status == .active)
                #expect(full.integer(.size) == Int64(data.utf8.count))
                #expect(await R.failure(backend, upload, data: data)?.kind == .conflict)
                await R.delete(backend, made.id)
            }
        }
    }

    @Test func `creations that fail leave nothing`() async throws {
        try await R.onLoop { backend in
            let before = try await R.ids(backend, ImageQuery(isDetailed: false))
            var wrong = R.image("wrong")
            wrong[.checksum] = .text(String(repeating: "0", count: 32))
            wrong[.protected] = .boolean(true)
            // Such a registry never gives an id again, not even that of a deleted image.
            wrong[.id] = .text(UUIDText.random())
            let operation = Images.Operation.createImage(ImageCreation(image: wrong, source: .body(length: 3)))
            #expect(await R.failure(backend, operation, data: "abc")?.kind == .badRequest)
            #expect(await R.failure(backend, .showImage(id: wrong.id))?.kind == .imageNotFound)
            var sized = R.image("sized")
            sized[.size] = .integer(4)
            let short = Images.Operation.createImage(ImageCreation(image: sized, source: .body(length: nil)))
            #expect(await R.failure(backend, short, data: "abc")?.kind == .badRequest)
            var formats = R.image("formats")
            formats[.diskFormat] = .text("nonsense")
            let unknown = Images.Operation.createImage(ImageCreation(image: formats, source: .none))
            #expect(await R.failure(backend, unknown)?.message == "Invalid disk format 'nonsense' for image.")
            #expect(try await R.ids(backend, ImageQuery(isDetailed: false)) == before)
            var named = R.image("named")
            let own = "my-image-" + UUIDText.random()
            named[.id] = .text(own)
            let made = try await R.image(backend, .createImage(ImageCreation(image: named, source: .none)))
            #expect(made.id == own)
            let twice = await R.failure(backend, .createImage(ImageCreation(image: named, source: .none)))
            #expect(twice?.kind == .conflict)
            #expect(try await R.image(backend, .showImage(id: own)).text(.name) == "named")
            await R.delete(backend, own)
        }
    }

    @Test func `members, shared images and tags`() async throws {
        try await R.onLoop { backend in
            var image = R.image("members")
            image[.visibility] = .text("private")
            let made = try await R.image(backend, .createImage(ImageCreation(image: image, source: .none)))
            #expect(try await R.members(backend, made.id).isEmpty)
            _ = try await R.perform(backend, .addMember(id: made.id, member: Member(id: "beta", canShare: true)))
            _ = try await R.perform(backend, .addMember(id: made.id, member: Member(id: "beta")))
            #expect(
                try await R.members(backend, made.id) == [Member(id: "beta", canShare: true, status: "accepted")])
            #expect(try await R.image(backend, .showImage(id: made.id)).visibility == .shared)
            let bob = "bob.beta.member"
            guard
                case .sharedImages(let shared) = try await R.perform(
                    backend, .listSharedImages(.sharedWith("beta")), token: bob)
            else { throw Failure(.internal) }
            #expect(shared.contains(SharedImage(imageID: made.id, canShare: true)))
            #expect(try await R.ids(backend, ImageQuery(isDetailed: true), token: bob).contains(made.id))
            var change = Image()
            change[.name] = .text("stolen")
            let refused = await R.failure(
                backend, .updateImage(ImageUpdate(id: made.id, image: change)),
                caller: Caller(token: bob, user: "bob", tenant: "beta", roles: ["member"]))
            #expect([.forbidden, .imageNotFound].contains(refused?.kind))
            let status = try await R.perform(
                backend, .setMemberStatus(id: made.id, memberID: "beta", status: "accepted"), token: bob)
            guard case .member(let member, _) = status else { throw Failure(.internal) }
            #expect(member.id == "beta")
            _ = try await R.perform(
                backend, .replaceMembers(id: made.id, members: [Member(id: "gamma"), Member(id: "delta")]))
            #expect(try await R.members(backend, made.id).map(\.id).sorted() == ["delta", "gamma"])
            _ = try await R.perform(backend, .removeMember(id: made.id, memberID: "gamma", absentIsDone: false))
            #expect(
                await R.failure(backend, .removeMember(id: made.id, memberID: "gamma", absentIsDone: false))?.kind
                    == .memberNotFound)
            _ = try await R.perform(backend, .addMember(id: made.id, member: Member(id: "gamma")))
            #expect(try await R.members(backend, made.id).map(\.id).sorted() == ["delta", "gamma"])
            _ = try await R.perform(backend, .addTag(id: made.id, tag: "x"))
            _ = try await R.perform(backend, .addTag(id: made.id, tag: "y"))
            _ = try await R.perform(backend, .removeTag(id: made.id, tag: "x"))
            #expect(try await R.image(backend, .showImage(id: made.id)).tags == ["y"])
            await R.delete(backend, made.id)
        }
    }

    @Test func `pages in every order, and what administrators see`() async throws {
        var registry = GlanceV1Registry()
        registry.pageSize = 30
        try await R.onLoop(registry) { backend in
            let root = "root.ops.admin"
            var made: [String] = []
            for number in 10..<44 {
                var image = R.image("page \(number)")
                image[.size] = .integer(Int64(number % 3))
                image[.owner] = .text("acme")
                // Only administrators publish.
                image[.isPublic] = .boolean(number == 11)
                made.append(
                    try await R.image(
                        backend, .createImage(ImageCreation(image: image, source: .none)),
                        token: number == 11 ? root : R.alice
                    ).id)
            }
            for sort in [ImageQuery.Sort(.name, ascending: true), .init(.createdAt, ascending: true)] {
                let query = ImageQuery(isDetailed: false, sort: [sort])
                #expect(try await R.ids(backend, query).filter(made.contains) == made)
                var cut = query
                cut.limit = 25
                cut.marker = made[3]
                #expect(try await R.ids(backend, cut).filter(made.contains) == Array(made[4..<29]))
            }
            let sizes = ImageQuery(
                isDetailed: true, sort: [.init(.size, ascending: false), .init(.name, ascending: true)])
            // Sizes of the first three are 1, 2, 0.
            let wanted = [1, 0, 2].flatMap { first in stride(from: first, to: 34, by: 3).map { made[$0] } }
            #expect(try await R.ids(backend, sizes).filter(made.contains) == wanted)
            let bob = try await R.ids(
                backend, ImageQuery(isDetailed: true, scope: .reachable(.usual, memberStatus: "accepted")),
                token: "bob.beta.member")
            #expect(bob.filter(made.contains) == [made[1]])
            for (scope, count) in [(ImageQuery.Scope.visible, 1), (.everything, 34), (.notPublic, 33)] {
                let seen = try await R.ids(backend, ImageQuery(isDetailed: true, scope: scope), token: root)
                #expect(seen.filter(made.contains).count == count, "\(scope)")
            }
            let unknown = ImageQuery(isDetailed: true, marker: "11111111-2222-4333-8444-555555555555")
            await #expect(throws: Failure.self) { try await R.ids(backend, unknown) }
            for id in made { await R.delete(backend, id) }
            #expect(await R.failure(backend, .showImage(id: made[0]), token: nil)?.kind == .unauthorized)
            #expect(await R.failure(backend, .showImage(id: made[0]), token: "junk")?.kind == .tokenRejected)
        }
    }

    @Test func `registering a location of Plankton twice replaces the image`() async throws {
        try await R.onLoop { backend in
            var image = Image()
            image[.name] = .text("registered")
            image[.location] = .text("pithos://u/c/o%20x")
            image[.size] = .integer(10)
            image[.checksum] = .text(String(repeating: "ab", count: 32))
            image.properties = Properties([Property("a", "1")])
            let first = try await R.image(
                backend, .createImage(ImageCreation(image: image, source: .location, replacesAtLocation: true)))
            #expect(first.status == .active)
            #expect(first.text(.diskFormat) == "diskdump")
            #expect(first.text(.checksum) == image.text(.checksum))
            _ = try await R.perform(backend, .addMember(id: first.id, member: Member(id: "beta")))
            image.properties = Properties([Property("b", "2")])
            image[.checksum] = .absent
            let second = try await R.image(
                backend, .createImage(ImageCreation(image: image, source: .location, replacesAtLocation: true)))
            #expect(second.id == first.id)
            #expect(second.properties == image.properties)
            #expect(second.text(.checksum) == nil)
            #expect(second.text(.location) == "pithos://u/c/o%20x")
            #expect(try await R.members(backend, first.id).isEmpty)
            await R.delete(backend, first.id)
        }
    }
}

enum RealV1 {
    static let alice = "alice.acme.member"
    static let address: String? = getenv("GLANCE_V1_UNDER_TEST").map { String(cString: $0) }

    static func onLoop(
        _ registry: GlanceV1Registry = GlanceV1Registry(),
        _ work: @escaping @Sendable (any Backend) async throws -> Void
    ) async throws {
        let group = try EventLoopGroup(loops: 1)
        let url = try #require(UpstreamURL(address ?? ""))
        let result = await group.next().spawn { () -> Result<Void, any Error> in
            do {
                try await work(
                    GlanceV1Backend(transport: UpstreamEndpoint(url: url), registry: registry).underContract())
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
        token: String? = alice, caller: Caller? = nil
    ) async throws(Failure) -> Outcome {
        let body = data.map { BytesBody(Array($0.utf8)) }
        return try await backend.perform(
            BackendRequest(
                operation: operation, caller: caller ?? Caller(token: token), requestID: "req-test",
                data: isChunked ? body.map(UnmeasuredBody.init) : body))
    }

    static func image(
        _ backend: any Backend, _ operation: Images.Operation, data: String? = nil, isChunked: Bool = false,
        token: String? = alice
    ) async throws(Failure) -> Image {
        let outcome = try await perform(backend, operation, data: data, isChunked: isChunked, token: token)
        guard case .image(let image) = outcome else { throw Failure(.internal) }
        return image
    }

    static func failure(
        _ backend: any Backend, _ operation: Images.Operation, data: String? = nil, token: String? = alice,
        caller: Caller? = nil
    ) async -> Failure? {
        do throws(Failure) {
            _ = try await perform(backend, operation, data: data, token: token, caller: caller)
            return nil
        } catch {
            return error
        }
    }

    static func data(_ backend: any Backend, _ id: String, _ range: DataRange? = nil) async throws -> String {
        let body: any BodySource
        switch try await perform(backend, .downloadImage(id: id, range: range)) {
        case .data(_, let data), .part(_, let data, _): body = data
        default: throw Failure(.internal)
        }
        var bytes: [UInt8] = []
        while let piece = try await body.next() { bytes += piece }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func ids(
        _ backend: any Backend, _ query: ImageQuery, token: String = alice
    ) async throws(Failure) -> [String] {
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
private final class UnmeasuredBody: BodySource {
    private let source: any BodySource
    var length: Int64? { nil }

    init(_ source: any BodySource) { self.source = source }

    func next() async throws(BodyError) -> [UInt8]? { try await source.next() }
}
