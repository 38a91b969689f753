import Images
import Registry
import Testing

@Suite struct ListTests {
    static func filled() async throws -> Bench {
        let bench = try Bench()
        try await bench.upload("four", .of("b-own", [:], ["os": "linux"]))
        try await bench.create(.of("a-own", [.diskFormat: .text("qcow2"), .minRAM: .integer(7)]))
        try await bench.create(.of("c-public", [.isPublic: .boolean(true)]), .none, .bob)
        let shared = try await bench.create(.of("d-shared"), .none, .bob)
        _ = try await bench.perform(.addMember(id: shared.id, member: Member(id: "alice")), .bob)
        try await bench.create(.of("e-hidden"), .none, .bob)
        return bench
    }

    @Test(arguments: [
        (ImageQuery.Scope.visible, Caller.alice, ["a-own", "b-own", "c-public", "d-shared"]),
        (.visible, .carol, ["c-public"]),
        (.visible, .nobody, ["c-public"]), (.visible, .admin, ["c-public"]), (.publicOnly, .alice, ["c-public"]),
        (.notPublic, .alice, ["a-own", "b-own", "c-public", "d-shared"]),
        (.notPublic, .admin, ["a-own", "b-own", "d-shared", "e-hidden"]),
        (.everything, .admin, ["a-own", "b-own", "c-public", "d-shared", "e-hidden"]),
        (.everything, .carol, ["c-public"]),
    ])
    func `a list holds what its caller may see`(scope: ImageQuery.Scope, caller: Caller, names: [String]) async throws {
        let bench = try await Self.filled()
        let query = ImageQuery(isDetailed: true, scope: scope, sort: [.init(.name, ascending: true)])
        #expect(try await bench.ids(query, caller) == names)
    }

    @Test(arguments: [
        (ImageQuery.Filter.oneOf(.name, [.text("a-own")]), ["a-own"]), (.oneOf(.status, [.text("active")]), ["b-own"]),
        (.oneOf(.diskFormat, [.text("qcow2"), .text("iso")]), ["a-own"]), (.atLeast(.size, 4), ["b-own"]),
        (.atMost(.size, 3), ["a-own", "c-public", "d-shared"]),
        (.property("os", "linux"), ["b-own"]), (.deleted(true), []), (.oneOf(.minRAM, [.integer(7)]), ["a-own"]),
        (.changedSince(Timestamp(seconds: 0)), ["a-own", "b-own", "c-public", "d-shared"]),
    ])
    func `filters hold`(filter: ImageQuery.Filter, names: [String]) async throws {
        let bench = try await Self.filled()
        #expect(
            try await bench.ids(ImageQuery(isDetailed: true, filters: [filter], sort: [.init(.name, ascending: true)]))
                == names)
    }

    @Test func `pages by marker and limit are the list, whatever the order`() async throws {
        let bench = try Bench()
        for number in 0..<40 {
            try await bench.create(
                .of("image-\(number)", [.id: .text("id-\(number)"), .minDisk: .integer(Int64(number % 5))]))
        }
        for sort in [
            [], [ImageQuery.Sort(.minDisk, ascending: false)],
            [.init(.minDisk, ascending: true), .init(.name, ascending: false)],
        ] {
            let whole = try await bench.ids(ImageQuery(isDetailed: true, sort: sort))
            #expect(Set(whole).count == 40)
            var paged: [String] = []
            var marker: String?
            while true {
                let page = try await bench.ids(ImageQuery(isDetailed: true, sort: sort, limit: 7, marker: marker))
                paged += page
                guard page.count == 7, let last = page.last else { break }
                marker = "id-\(last.dropFirst(6))"
            }
            #expect(paged == whole)
        }
        #expect(try await bench.ids(ImageQuery(isDetailed: true, limit: 0)).isEmpty)
        #expect(
            await bench.failure(.listImages(ImageQuery(isDetailed: true, marker: "none")))?.message
                == "Invalid marker. Image could not be found.")
        #expect(await bench.kind(.listImages(ImageQuery(isDetailed: true, marker: "id-1")), .bob) == .badRequest)
    }
}
