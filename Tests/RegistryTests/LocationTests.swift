import Bytes
import Glibc
import Images
import Registry
import Testing

/// Locations and stores of the Image API v2 (image-v2 §7, §12).
@Suite struct LocationTests {
    static func objects() throws -> Bench {
        let bench = try Bench()
        for folder in ["alice", "alice/c"] { mkdir("\(bench.objects)/\(folder)", 0o755) }
        Bench.write("0123456789", to: "\(bench.objects)/alice/c/disk")
        return bench
    }

    static func locations(_ bench: Bench, _ id: String) async throws -> [ImageLocation] {
        guard case .locations(let list) = try await bench.perform(.listLocations(id: id), .admin) else { return [] }
        return list
    }

    @Test func `a location of the objects folder makes a queued image active`() async throws {
        let bench = try Self.objects()
        let id = try await bench.create(.of("a")).id
        #expect(try await Self.locations(bench, id).isEmpty)
        #expect(await bench.kind(.addLocation(id: id, url: "http://example.org/x")) == .badRequest)
        #expect(await bench.kind(.addLocation(id: id, url: "file:///etc/passwd")) == .badRequest)
        #expect(await bench.kind(.addLocation(id: id, url: "pithos://bob/c/disk")) == .forbidden)
        #expect(await bench.kind(.addLocation(id: id, url: "pithos://alice/c/none")) == .locationNotFound)
        #expect(await bench.kind(.addLocation(id: id, url: "pithos://alice/c/disk"), .bob) == .imageNotFound)
        _ = try await bench.perform(.addLocation(id: id, url: "pithos://alice/c/disk"))
        let image = try await bench.show(id)
        #expect(image.status == .active && image.integer(.size) == 10)
        #expect(image.text(.osHashValue) == Hex.encode(try Digest.hash(.sha512, Array("0123456789".utf8))))
        #expect(await bench.kind(.addLocation(id: id, url: "pithos://alice/c/disk")) == .conflict)
        #expect(await bench.kind(.listLocations(id: id)) == .forbidden)
        #expect(try await Self.locations(bench, id) == [ImageLocation(url: "pithos://alice/c/disk", store: "pithos")])
        #expect(try await ImageV2Tests.part(bench, id, "bytes=2-4") == "2-5/10 234")
    }

    @Test func `an object that changes under a deactivated image leaves it deactivated`() async throws {
        let bench = try Self.objects()
        let id = try await bench.create(.of("a")).id
        _ = try await bench.perform(.addLocation(id: id, url: "pithos://alice/c/disk"))
        _ = try await bench.perform(.deactivateImage(id: id))
        Bench.write("other", to: "\(bench.objects)/alice/c/disk")
        #expect(try await bench.data(id, .admin) == "other")
        let image = try await bench.show(id)
        #expect(image.status == .deactivated && image.integer(.size) == 5)
        #expect(await bench.kind(.downloadImage(id: id)) == .deactivated)
    }

    @Test func `the only copy of an image's data is not deleted`() async throws {
        let bench = try Bench()
        let id = try await bench.upload("data", .of("a")).id
        #expect(await bench.kind(.deleteFromStore(id: id, store: "file")) == .forbidden)
        #expect(await bench.kind(.deleteFromStore(id: id, store: "file"), .admin) == .forbidden)
        #expect(await bench.kind(.deleteFromStore(id: id, store: "other"), .admin) == .imageNotFound)
        #expect(await bench.kind(.deleteFromStore(id: "none", store: "file"), .admin) == .imageNotFound)
        let queued = try await bench.create(.of("b")).id
        #expect(await bench.kind(.deleteFromStore(id: queued, store: "file"), .admin) == .imageNotFound)
        #expect(try await bench.data(id) == "data")
    }
}
