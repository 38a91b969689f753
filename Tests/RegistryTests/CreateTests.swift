import Bytes
import Images
import Registry
import Testing

@Suite struct CreateTests {
    @Test func `a created image is queued and has what the registry adds`() async throws {
        let bench = try Bench()
        let image = try await bench.create(
            .of("a", [.isPublic: .boolean(true), .owner: .text("mallory"), .status: .text("active")], ["os": "x"]))
        #expect(UUIDText.isCanonical(image.id))
        #expect(image.status == .queued)
        #expect(image.text(.owner) == "alice")
        #expect(image.visibility == .public && image.isPublic)
        #expect(image.integer(.size) == 0 && image.integer(.minRAM) == 0)
        #expect(image.time(.createdAt) != nil && image.time(.createdAt) == image.time(.updatedAt))
        #expect(try await bench.show(image.id) == image)
    }

    @Test func `an upload is active with the size and MD5 of its data`() async throws {
        let bench = try Bench()
        let image = try await bench.upload(
            "hello", .of("a", [.size: .integer(5), .checksum: .text("5d41402abc4b2a76b9719d911017c592")]))
        #expect(image.status == .active)
        #expect(image.integer(.size) == 5)
        #expect(image.text(.checksum) == "5d41402abc4b2a76b9719d911017c592")
        #expect(try await bench.data(image.id) == "hello")
        let empty = try await bench.create(.of("b"), .body(length: nil), data: BytesBody([]))
        #expect(empty.status == .active && empty.text(.checksum) == "d41d8cd98f00b204e9800998ecf8427e")
    }

    @Test(arguments: [
        (Image.of("a", [.size: .integer(7)]), Failure.Kind.badRequest),
        (.of("a", [.checksum: .text("00")]), .badRequest),
        (.of("a", [.diskFormat: .null]), .badRequest), (.of("a", [.diskFormat: .text("zip")]), .badRequest),
        (.of("a", [.containerFormat: .text("RAW")]), .badRequest), (.of("a", [.id: .text("a\nb")]), .badRequest),
        (.of("a", [.id: .text(String(repeating: "x", count: 81))]), .badRequest),
    ])
    func `what data and fields are not as demanded leaves nothing`(image: Image, kind: Failure.Kind) async throws {
        let bench = try Bench()
        let creation = Operation.createImage(ImageCreation(image: image, source: .body(length: nil)))
        #expect(await bench.kind(creation, data: BytesBody(Array("hello".utf8))) == kind)
        #expect(bench.registry.count == 0)
        #expect(try await bench.ids().isEmpty)
        try bench.reopen()
        #expect(bench.registry.findings.isEmpty)
        #expect(bench.registry.count == 0)
    }

    @Test func `a body that breaks leaves nothing, and its id is free again`() async throws {
        let bench = try Bench()
        let creation = Operation.createImage(
            ImageCreation(image: .of("a", [.id: .text("x")]), source: .body(length: nil)))
        #expect(await bench.kind(creation, data: BrokenBody([[1, 2], [3]], .disconnected)) == .clientDisconnected)
        #expect(await bench.kind(creation, data: BrokenBody([], .timedOut)) == .clientTimedOut)
        #expect(await bench.kind(creation, data: BrokenBody([], .tooLarge("limit"))) == .tooLarge)
        #expect(bench.registry.count == 0)
        #expect(try await bench.upload("ok", .of("a", [.id: .text("x")])).id == "x")
    }

    @Test func `an id is taken once, while its data is on the way too`() async throws {
        let bench = try Bench()
        let image = Image.of("a", [.id: .text("../etc/passwd é")])
        let again = Operation.createImage(ImageCreation(image: image, source: .none))
        var during: Failure.Kind?
        try await bench.create(
            image, .body(length: nil), data: SlowBody("x") { during = await bench.kind(again, .bob) })
        #expect(during == .conflict)
        #expect(await bench.failure(again)?.message == "An image with identifier ../etc/passwd é already exists")
        #expect(Bench.exists("\(bench.directory)/state/images/%2E%2E%2Fetc%2Fpasswd%20%C3%A9/data"))
    }

    @Test func `size 0 and no data is an active image when formats are set`() async throws {
        let bench = try Bench()
        var creation = ImageCreation(image: .of("a", [.size: .integer(0)]), source: .none, isActiveWhenEmpty: true)
        let image = try await bench.image(.createImage(creation))
        #expect(image.status == .active)
        #expect(try await bench.data(image.id) == "")
        creation.image[.diskFormat] = .absent
        #expect(try await bench.image(.createImage(creation)).status == .queued)
    }

    @Test func `external sources are refused by name`() async throws {
        let bench = try Bench()
        let copy = Operation.createImage(ImageCreation(image: .of("a"), source: .copyFrom("http://h/x")))
        #expect(await bench.failure(copy)?.message == "External sources are not supported: 'http://h/x'")
        let location = Operation.createImage(
            ImageCreation(image: .of("a", [.location: .text("http://h/x")]), source: .location))
        #expect(await bench.kind(location) == .badRequest)
        #expect(bench.registry.count == 0)
    }

    @Test func `limits of properties, members and size hold`() async throws {
        let bench = try Bench {
            $0.maxProperties = 2
            $0.maxMembers = 1
            $0.maxImageBytes = 10
        }
        let many = Operation.createImage(
            ImageCreation(image: .of("a", [:], ["a": "1", "b": "2", "c": "3"]), source: .none))
        #expect(
            await bench.failure(many)?.message
                == "The limit has been exceeded on the number of allowed image properties. Attempted: 3, Maximum: 2")
        let big = Operation.createImage(ImageCreation(image: .of("a"), source: .body(length: nil)))
        #expect(await bench.kind(big, data: SlowBody("12345678901") {}) == .tooLarge)
        #expect(await bench.kind(big, data: BytesBody([UInt8](repeating: 0, count: 11))) == .tooLarge)
        let image = try await bench.create(.of("a"))
        #expect(
            await bench.kind(.replaceMembers(id: image.id, members: [Member(id: "x"), Member(id: "y")])) == .tooLarge)
    }

    @Test func `who may publish is a setting, and nobody writes without a name`() async throws {
        let bench = try Bench { $0.publish = .admin }
        let creation = Operation.createImage(ImageCreation(image: .of("a", [.isPublic: .boolean(true)]), source: .none))
        #expect(await bench.kind(creation) == .forbidden)
        #expect(try await bench.image(creation, .admin).isPublic)
        #expect(await bench.failure(creation, .nobody)?.message == "Read-only access")
    }
}
