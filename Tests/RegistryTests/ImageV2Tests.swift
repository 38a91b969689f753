import Bytes
import Images
import Registry
import Testing

/// What the Image API v2 asks of an image (image-v2 §5 to §12).
@Suite struct ImageV2Tests {
    static func part(_ bench: Bench, _ id: String, _ range: String, _ caller: Caller = .alice) async throws -> String {
        let operation = Operation.downloadImage(id: id, range: DataRange(range))
        guard case .part(let image, let body, let offsets) = try await bench.perform(operation, caller) else {
            return "no part"
        }
        #expect(body.length == offsets.upperBound - offsets.lowerBound)
        var bytes: [UInt8] = []
        while let piece = try await body.next() { bytes += piece }
        return "\(offsets.lowerBound)-\(offsets.upperBound)/\(image.integer(.size) ?? -1) \(Self.text(bytes))"
    }

    static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test(arguments: [
        ("bytes=0-3", "0-4/10 0123"), ("bytes=4-", "4-10/10 456789"), ("bytes=-2", "8-10/10 89"),
        ("bytes=0-99", "0-10/10 0123456789"), ("bytes=-100", "0-10/10 0123456789"),
    ])
    func `a range of the data is read`(range: String, expected: String) async throws {
        let bench = try Bench()
        let id = try await bench.upload("0123456789", .of("a")).id
        #expect(try await Self.part(bench, id, range) == expected)
    }

    @Test(arguments: ["bytes=10-", "bytes=5-2", "abc", "lines=0-1", "bytes=-0"])
    func `a range that is not there is refused`(range: String) async throws {
        let bench = try Bench()
        let id = try await bench.upload("0123456789", .of("a")).id
        #expect(await bench.kind(.downloadImage(id: id, range: DataRange(range))) == .rangeNotSatisfiable)
    }

    @Test func `an empty image has no range, and one without data has no data`() async throws {
        let bench = try Bench()
        let range = DataRange("bytes=0-")
        let empty = try await bench.upload("", .of("a"))
        #expect(empty.integer(.size) == 0 && empty.status == .active)
        #expect(await bench.kind(.downloadImage(id: empty.id, range: range)) == .rangeNotSatisfiable)
        let announced = ImageCreation(image: .of("b", [.size: .integer(0)]), source: .none, isActiveWhenEmpty: true)
        let ready = try await bench.image(.createImage(announced))
        #expect(await bench.kind(.downloadImage(id: ready.id, range: range)) == .rangeNotSatisfiable)
        let queued = try await bench.create(.of("c"))
        #expect(await bench.kind(.downloadImage(id: queued.id, range: range)) == .noData)
    }

    @Test func `a range crosses pieces of a large file`() async throws {
        let bench = try Bench()
        let data = String(repeating: "0123456789", count: 60_000)
        let id = try await bench.upload(data, .of("a")).id
        let offset = (256 << 10) - 5
        let expected = data.dropFirst(offset).prefix(262_160)
        #expect(
            try await Self.part(bench, id, "bytes=\(offset)-\(offset + 262_159)")
                == "\(offset)-\(offset + 262_160)/600000 \(expected)")
    }

    @Test func `data are hashed twice while they come`() async throws {
        let bench = try Bench()
        let expected = Hex.encode(try Digest.hash(.sha512, Array("data".utf8)))
        let image = try await bench.upload("data", .of("a"))
        #expect(image.text(.checksum) == "8d777f385d3dfec8815d20f7496026dc")
        #expect(image.text(.osHashAlgo) == "sha512" && image.text(.osHashValue) == expected)
        let queued = try await bench.create(.of("b"))
        #expect(queued[.osHashAlgo].text == nil)
        let update = ImageUpdate(id: queued.id, image: Image(), source: .body(length: 4))
        let later = try await bench.image(.updateImage(update), data: BytesBody(Array("data".utf8)))
        #expect(later.text(.osHashValue) == expected)
        try bench.reopen()
        #expect(try await bench.show(later.id) == later)
    }

    @Test func `the data of a deactivated image are an administrator's only`() async throws {
        let bench = try Bench()
        let id = try await bench.upload("data", .of("a", [.visibility: .text("public")])).id
        #expect(await bench.kind(.deactivateImage(id: id), .bob) == .forbidden)
        for _ in 0..<2 { _ = try await bench.perform(.deactivateImage(id: id)) }
        try bench.reopen()
        #expect(try await bench.show(id).status == .deactivated)
        #expect(await bench.kind(.downloadImage(id: id)) == .deactivated)
        #expect(await bench.kind(.downloadImage(id: id, range: DataRange("bytes=0-")), .bob) == .deactivated)
        #expect(try await bench.data(id, .admin) == "data")
        for _ in 0..<2 { _ = try await bench.perform(.reactivateImage(id: id)) }
        #expect(try await bench.data(id) == "data")
        let queued = try await bench.create(.of("b")).id
        for operation in [Operation.deactivateImage(id: queued), .reactivateImage(id: queued)] {
            #expect(await bench.kind(operation) == .forbidden)
        }
        #expect(await bench.kind(.deactivateImage(id: "none")) == .imageNotFound)
    }

    @Test func `tags are a set that lasts`() async throws {
        let bench = try Bench { $0.maxTags = 3 }
        var image = Image.of("a")
        image.tags = ["x", "y", "x"]
        let created = try await bench.create(image)
        #expect(created.tags == ["x", "y"])
        for _ in 0..<2 { _ = try await bench.perform(.addTag(id: created.id, tag: "z")) }
        let tagged = try await bench.show(created.id)
        #expect(tagged.tags == ["x", "y", "z"])
        #expect(try #require(tagged.time(.updatedAt)) > #require(created.time(.updatedAt)))
        #expect(await bench.kind(.addTag(id: created.id, tag: "w")) == .tooLarge)
        #expect(await bench.kind(.removeTag(id: created.id, tag: "X")) == .imageNotFound)
        #expect(await bench.kind(.addTag(id: created.id, tag: "z"), .bob) == .imageNotFound)
        _ = try await bench.perform(.removeTag(id: created.id, tag: "x"))
        try bench.reopen()
        #expect(try await bench.show(created.id).tags == ["y", "z"])
        var update = Image()
        update.tags = ["z", "y", "z"]
        let same = try await bench.image(.updateImage(ImageUpdate(id: created.id, image: update)))
        #expect(same.tags == ["y", "z"], "the same set is no change")
        update.tags = ["1", "2", "3", "4"]
        #expect(await bench.kind(.updateImage(ImageUpdate(id: created.id, image: update))) == .tooLarge)
        update.tags = []
        #expect(try await bench.image(.updateImage(ImageUpdate(id: created.id, image: update))).tags == [])
    }

    @Test(arguments: Visibility.allCases)
    func `every visibility is taken at creation and by an update`(visibility: Visibility) async throws {
        let bench = try Bench { $0.publish = .admin }
        let fields: [ImageField: FieldValue] = [.visibility: .text(visibility.rawValue), .hidden: .boolean(true)]
        let creation = Operation.createImage(ImageCreation(image: .of("a", fields), source: .none))
        if visibility == .public { #expect(await bench.kind(creation) == .forbidden) }
        let caller: Caller = visibility == .public ? .admin : .alice
        let created = try await bench.image(creation, caller)
        #expect(created.visibility == visibility && created.isPublic == (visibility == .public))
        #expect(created.boolean(.hidden) == true)
        let other = try await bench.create(.of("b"), .none, caller)
        let update = ImageUpdate(id: other.id, image: UpdateTests.fields(fields))
        #expect(try await bench.image(.updateImage(update), caller).visibility == visibility)
        try bench.reopen()
        #expect(try await bench.show(other.id, caller).visibility == visibility)
        let isSeen = visibility == .public || visibility == .community
        #expect(await bench.kind(.showImage(id: other.id), .bob) == (isSeen ? nil : .imageNotFound))
    }

    @Test func `what an update needs to be there, or not there, decides it as a whole`() async throws {
        let bench = try Bench()
        let id = try await bench.upload("data", .of("a", [:], ["os": "linux"])).id
        var image = UpdateTests.fields([.name: .text("b")])
        let missing = ImageUpdate(id: id, image: image, required: ["none"])
        #expect(await bench.failure(.updateImage(missing))?.message == "Property none does not exist.")
        #expect(await bench.kind(.updateImage(ImageUpdate(id: id, image: image, forbidden: ["os"]))) == .conflict)
        image[.diskFormat] = .text("raw")
        let guarding = FieldGuard(.diskFormat, .unlessQueued, Failure(.forbidden, "queued only"))
        #expect(await bench.kind(.updateImage(ImageUpdate(id: id, image: image, guards: [guarding]))) == .forbidden)
        #expect(try await bench.show(id).text(.name) == "a")
        let good = ImageUpdate(id: id, image: UpdateTests.fields([:]), removals: ["os"], required: ["os"])
        #expect(try await bench.image(.updateImage(good)).properties.isEmpty)
    }

    @Test func `the registry says what it can do`() async throws {
        let bench = try Bench()
        guard case .capabilities(let said) = try await bench.perform(.describe(.importMethods)) else { return }
        #expect(said == bench.registry.capabilities)
        #expect(said.importMethods == ["glance-direct"] && said.stores.isEmpty && said.hasLocationCalls)
        for format in said.diskFormats { try await bench.create(.of("a", [.diskFormat: .text(format)])) }
        for format in said.containerFormats { try await bench.create(.of("a", [.containerFormat: .text(format)])) }
    }
}
