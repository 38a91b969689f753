import Bytes
import Glibc
import Images
import Registry
import Testing

@Suite struct ObjectTests {
    static let hello = "5d41402abc4b2a76b9719d911017c592"

    static func withObject(
        workers: any DiskWorkers = InlineWorkers(), _ configure: (inout RegistrySettings) -> Void = { _ in }
    ) throws -> Bench {
        let bench = try Bench(workers: workers, configure)
        for folder in ["alice", "alice/pithos", "alice/pithos/sub", "bob", "bob/pithos"] {
            mkdir("\(bench.objects)/\(folder)", 0o755)
        }
        Bench.write("hello", to: "\(bench.objects)/alice/pithos/a b.img")
        Bench.write("secret", to: "\(bench.objects)/bob/pithos/b.img")
        symlink("../../bob/pithos/b.img", "\(bench.objects)/alice/pithos/link.img")
        symlink("../../bob/pithos", "\(bench.objects)/alice/pithos/way")
        mkfifo("\(bench.objects)/alice/pithos/pipe", 0o644)
        return bench
    }

    static func register(
        _ location: String, _ fields: [ImageField: FieldValue] = [:], _ properties: [String: String] = [:],
        replaces: Bool = true, mustExist: Bool = false
    ) -> Operation {
        var image = Image.of("n", fields, properties)
        image[.location] = .text(location)
        return .createImage(
            ImageCreation(image: image, source: .location, replacesAtLocation: replaces, mustExist: mustExist))
    }

    @Test func `a registered object is active with its size and MD5, and stays when the image goes`() async throws {
        let bench = try Self.withObject()
        let image = try await bench.image(
            Self.register("pithos://alice/pithos/a%20b.img", [.size: .integer(5), .checksum: .text(Self.hello)]))
        #expect(image.status == .active && image.integer(.size) == 5 && image.text(.checksum) == Self.hello)
        #expect(image.text(.location) == "pithos://alice/pithos/a%20b.img" && image.text(.store) == "pithos")
        #expect(try await bench.data(image.id) == "hello")
        try bench.reopen()
        #expect(try await bench.show(image.id) == image)
        _ = try await bench.perform(.deleteImage(id: image.id))
        #expect(Bench.exists("\(bench.objects)/alice/pithos/a b.img"))
    }

    @Test(arguments: [
        ("pithos://alice/pithos/none.img", Failure.Kind.locationNotFound), ("pithos://alice/none/a", .locationNotFound),
        ("pithos://alice/pithos/sub", .locationNotFound),
        ("pithos://alice/pithos/link.img", .locationNotFound), ("pithos://alice/pithos/way/b.img", .locationNotFound),
        ("pithos://alice/pithos/pipe", .locationNotFound),
        ("pithos://alice/pithos/a b.img/x", .locationNotFound),
        ("pithos://alice/pithos/../../bob/pithos/b.img", .badRequest), ("pithos://alice/pithos/%2E%2E/x", .badRequest),
        ("pithos://alice/pithos/sub%2F..%2F..%2Fx", .badRequest),
        ("pithos://alice%2F..%2Fbob/pithos/b.img", .badRequest), ("pithos://alice/pithos//a", .badRequest),
        ("pithos://alice/pithos/", .badRequest), ("pithos://alice/pithos", .badRequest),
        ("pithos:///pithos/a", .badRequest), ("pithos://alice/pithos/a%00", .badRequest),
        ("pithos://bob/pithos/b.img", .forbidden), ("PITHOS://alice/pithos/a", .badRequest),
        ("file:///etc/passwd", .badRequest), ("", .locationMissing),
    ])
    func `what is no object of the caller's is refused`(location: String, kind: Failure.Kind) async throws {
        let bench = try Self.withObject()
        #expect(await bench.kind(Self.register(location)) == kind)
        #expect(bench.registry.count == 0)
    }

    @Test func `assertions that do not hold are refused in the dialect's way`() async throws {
        let bench = try Self.withObject()
        let location = "pithos://alice/pithos/a%20b.img"
        #expect(await bench.kind(Self.register(location, [.size: .integer(6)])) == .badRequest)
        #expect(await bench.kind(Self.register(location, [.size: .integer(6)], replaces: false)) == .conflict)
        #expect(await bench.kind(Self.register(location, [.checksum: .text("0")])) == .badRequest)
    }

    @Test func `registering again starts anew, with the same id and birth`() async throws {
        let bench = try Self.withObject()
        let location = "pithos://alice/pithos/a%20b.img"
        #expect(await bench.kind(Self.register(location, mustExist: true)) == .imageNotFound)
        let first = try await bench.image(
            Self.register(location, [.isPublic: .boolean(true)], ["os": "x", "gone": "1"]))
        _ = try await bench.perform(.addMember(id: first.id, member: Member(id: "bob")))
        let second = try await bench.image(
            Self.register("pithos://alice/pithos/a b.img", [.name: .text("second")], ["os": "y"], mustExist: true))
        #expect(second.id == first.id && second[.createdAt] == first[.createdAt] && second.text(.name) == "second")
        #expect(second.properties == Properties([Property("os", "y")]) && second.members == [] && !second.isPublic)
        #expect(bench.registry.count == 1)
        var merge = ImageCreation(
            image: .of("third", [.location: .text(location)], ["new": "1"]), source: .location, replacesAtLocation: true
        )
        merge.purgesOnReplace = false
        #expect(
            try await bench.image(.createImage(merge)).properties
                == Properties([Property("os", "y"), Property("new", "1")]))
        try bench.reopen()
        #expect(try await bench.show(first.id).text(.name) == "third")
    }

    @Test func `an object written anew is noticed at the next download`() async throws {
        let bench = try Self.withObject()
        let image = try await bench.image(Self.register("pithos://alice/pithos/a%20b.img"))
        Bench.write("hello world", to: "\(bench.objects)/alice/pithos/a b.img")
        #expect(try await bench.data(image.id) == "hello world")
        let shown = try await bench.show(image.id)
        #expect(shown.integer(.size) == 11 && shown.text(.checksum) == "5eb63bbbe01eeed093cb22bb8f5acdc3")
        unlink("\(bench.objects)/alice/pithos/a b.img")
        #expect(await bench.kind(.downloadImage(id: image.id)) == .noData)
    }

    @Test func `a queued image may be given a location, another not`() async throws {
        let bench = try Self.withObject()
        let image = try await bench.create(.of("a"))
        var fields = Image()
        fields[.location] = .text("pithos://alice/pithos/a%20b.img")
        let update = Operation.updateImage(ImageUpdate(id: image.id, image: fields, source: .location))
        #expect(try await bench.image(update).status == .active)
        #expect(await bench.kind(update) == .badRequest)
        #expect(try await bench.data(image.id) == "hello")
    }

    @Test func `without an objects folder there are no objects`() async throws {
        let bench = try Bench { $0.objects = nil }
        #expect(await bench.kind(Self.register("pithos://alice/pithos/a")) == .badRequest)
        #expect(throws: RegistryOpenError.self) { try Bench { $0.objects = "/nowhere" } }
    }
}
