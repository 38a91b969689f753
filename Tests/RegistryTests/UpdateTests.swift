import Bytes
import Images
import Registry
import Testing

@Suite struct UpdateTests {
    static func update(_ id: String, _ image: Image, _ purges: Bool = false, source: DataSource = .none) -> Operation {
        .updateImage(ImageUpdate(id: id, image: image, purgesProperties: purges, source: source))
    }

    static func fields(_ fields: [ImageField: FieldValue], _ properties: [String: String] = [:]) -> Image {
        var image = Image()
        for (field, value) in fields { image[field] = value }
        for (name, value) in properties { image.properties.set(name, value) }
        return image
    }

    @Test func `what is said changes, the rest stays, and a restart keeps it`() async throws {
        let bench = try Bench()
        let image = try await bench.upload("data", .of("a", [:], ["os": "x", "kernel": "1"]))
        let changed = try await bench.image(
            Self.update(
                image.id, Self.fields([.name: .text("b"), .minRAM: .integer(5), .owner: .text("eve")], ["os": "y"])))
        #expect(changed.text(.name) == "b" && changed.integer(.minRAM) == 5 && changed.text(.owner) == "alice")
        #expect(changed.properties == Properties([Property("os", "y"), Property("kernel", "1")]))
        #expect(changed.integer(.size) == 4 && changed.status == .active)
        let purged = try await bench.image(Self.update(image.id, Self.fields([:], ["new": ""]), true))
        #expect(purged.properties == Properties([Property("new", "")]))
        try bench.reopen()
        #expect(try await bench.show(image.id) == purged)
        #expect(try await bench.data(image.id) == "data")
    }

    @Test func `what changes nothing keeps the time of change`() async throws {
        let bench = try Bench()
        let image = try await bench.create(.of("a", [:], ["os": "x"]))
        #expect(try await bench.image(Self.update(image.id, Self.fields([.name: .text("a")], ["os": "x"]))) == image)
    }

    @Test func `publishing and withdrawing keep the members`() async throws {
        let bench = try Bench()
        let image = try await bench.create(.of("a"))
        _ = try await bench.perform(.addMember(id: image.id, member: Member(id: "bob")))
        #expect(
            try await bench.image(Self.update(image.id, Self.fields([.isPublic: .boolean(true)]))).visibility == .public
        )
        let back = try await bench.image(Self.update(image.id, Self.fields([.isPublic: .boolean(false)])))
        #expect(back.visibility == .shared && !back.isPublic && back.members?.map(\.id) == ["bob"])
    }

    @Test func `only who may change does, and others are told as little as they may know`() async throws {
        let bench = try Bench()
        let hidden = try await bench.create(.of("a"))
        let open = try await bench.create(.of("b", [.isPublic: .boolean(true)]))
        let change = Self.fields([.name: .text("z")])
        #expect(await bench.kind(Self.update(hidden.id, change), .bob) == .imageNotFound)
        #expect(await bench.kind(Self.update(open.id, change), .bob) == .forbidden)
        #expect(await bench.kind(Self.update("none", change)) == .imageNotFound)
        #expect(await bench.kind(.deleteImage(id: open.id), .bob) == .forbidden)
        #expect(await bench.kind(.deleteImage(id: hidden.id), .bob) == .imageNotFound)
        let given = try await bench.image(Self.update(hidden.id, Self.fields([.owner: .text("bob")])), .admin)
        #expect(given.text(.owner) == "bob")
        #expect(await bench.kind(.showImage(id: hidden.id), .alice) == .imageNotFound)
    }

    @Test func `a guard that fails changes nothing`() async throws {
        let bench = try Bench()
        let image = try await bench.upload("data", .of("a"))
        let failure = Failure(.forbidden, "Forbidden to modify 'size' of active image.")
        let update = ImageUpdate(
            id: image.id, image: Self.fields([.name: .text("b"), .size: .integer(5)]),
            guards: [FieldGuard(.size, .whileActive, failure)])
        #expect(await bench.failure(.updateImage(update))?.message == failure.message)
        #expect(try await bench.show(image.id) == image)
    }

    @Test func `data comes to a queued image once, and meets what was announced`() async throws {
        let bench = try Bench()
        let image = try await bench.create(.of("a", [.size: .integer(5)]))
        #expect(image.integer(.size) == 5)
        let body = DataSource.body(length: nil)
        #expect(await bench.kind(Self.update(image.id, Image(), source: body), data: BytesBody([1, 2])) == .badRequest)
        #expect(try await bench.show(image.id).status == .queued)
        var during: (ImageStatus?, Failure.Kind?) = (nil, nil)
        let slow = SlowBody("hello") {
            during.0 = try? await bench.show(image.id).status
            during.1 = await bench.kind(Self.update(image.id, Image(), source: body), data: BytesBody([]))
        }
        let active = try await bench.image(
            Self.update(image.id, Self.fields([.name: .text("b")], ["k": "v"]), source: body), data: slow)
        #expect(during == (.saving, .conflict))
        #expect(active.status == .active && active.text(.name) == "b" && active.properties["k"] == "v")
        #expect(
            await bench.failure(Self.update(image.id, Image(), source: body), data: BytesBody([]))?.message
                == "Cannot upload to an unqueued image")
        try bench.reopen()
        #expect(try await bench.show(image.id) == active)
        #expect(try await bench.data(image.id) == "hello")
    }

    @Test func `an image deleted during its upload is gone, even when its id is used again`() async throws {
        let bench = try Bench()
        let image = try await bench.create(.of("a", [.id: .text("x")]))
        let slow = SlowBody("hello") {
            _ = try? await bench.perform(.deleteImage(id: image.id))
            _ = try? await bench.create(.of("second", [.id: .text("x")]))
        }
        #expect(await bench.kind(Self.update(image.id, Image(), source: .body(length: nil)), data: slow) == .imageGone)
        #expect(try await bench.show("x").status == .queued)
        #expect(try await bench.show("x").text(.name) == "second")
    }

    @Test func `deleting removes image and data, unless it is protected`() async throws {
        let bench = try Bench()
        let image = try await bench.upload("data", .of("a", [.protected: .boolean(true)]))
        #expect(await bench.failure(.deleteImage(id: image.id))?.message == "Image is protected")
        _ = try await bench.image(Self.update(image.id, Self.fields([.protected: .boolean(false)])))
        guard case .data(_, let body) = try await bench.perform(.downloadImage(id: image.id)) else { return }
        _ = try await bench.perform(.deleteImage(id: image.id))
        #expect(try await body.next() == Array("data".utf8), "a running download goes on")
        #expect(await bench.kind(.showImage(id: image.id)) == .imageNotFound)
        #expect(await bench.kind(.deleteImage(id: image.id)) == .imageNotFound)
        #expect(!Bench.exists("\(bench.directory)/state/images/\(image.id)"))
        try bench.reopen()
        #expect(bench.registry.count == 0 && bench.registry.findings.isEmpty)
    }

    @Test func `only active images have data to read`() async throws {
        let bench = try Bench()
        let image = try await bench.create(.of("a"))
        #expect(await bench.failure(.downloadImage(id: image.id))?.kind == .noData)
        #expect(await bench.failure(.downloadImage(id: image.id), .bob)?.kind == .imageNotFound)
    }

    @Test func `metadata too large to be read again is refused, before any data is asked for`() async throws {
        let bench = try Bench()
        let image = try await bench.create(.of("a"))
        let value = String(repeating: "\"", count: 20_000)
        var kind: Failure.Kind?
        var count = 0
        while kind == nil, count < 128 {
            kind = await bench.kind(Self.update(image.id, Self.fields([:], ["k\(count)": value])))
            count += 1
        }
        #expect(kind == .tooLarge && count == 27)
        let body = DataSource.body(length: nil)
        let large = Self.fields([.name: .text(String(repeating: "x", count: 1 << 20))])
        let upload = Self.update(image.id, large, source: body)
        #expect(await bench.kind(upload, data: BrokenBody([], .disconnected)) == .tooLarge)
        let creation = ImageCreation(image: .of(String(repeating: "x", count: 1 << 20)), source: body)
        #expect(await bench.kind(.createImage(creation), data: BrokenBody([], .disconnected)) == .tooLarge)
        let shown = try await bench.show(image.id)
        #expect(shown.status == .queued && shown.properties.count == 26)
        try bench.reopen()
        #expect(bench.registry.count == 1 && bench.registry.findings.isEmpty)
        #expect(try await bench.show(image.id) == shown)
    }
}
