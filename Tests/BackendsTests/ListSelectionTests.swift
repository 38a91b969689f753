import Images
import Testing

@testable import Backends

@Suite struct ListSelectionTests {
    /// Images made as they are asked for.
    final class Source: ReleasableImages {
        private let count: Int
        private let make: (Int) -> Image
        private(set) var pulled = 0
        private(set) var isFinished = false

        init(_ count: Int, _ make: @escaping (Int) -> Image) {
            self.count = count
            self.make = make
        }

        func next() async throws(Failure) -> Image? {
            guard pulled < count else { return nil }
            pulled += 1
            return make(pulled)
        }

        func finish() async { isFinished = true }
    }

    static func image(_ number: Int, second: Int? = nil, name: String = "n") -> Image {
        var image = Image()
        image[.id] = .text("id-\(number)")
        image[.name] = .text(name)
        image[.createdAt] = .time(Timestamp(seconds: Int64(second ?? number)))
        return image
    }

    private static func ids(_ source: some ImageSource) async throws -> [String] {
        var ids: [String] = []
        while let image = try await source.next() { ids.append(image.id) }
        return ids
    }

    private static func query(
        _ sort: [ImageQuery.Sort] = [], filters: [ImageQuery.Filter] = [], limit: Int? = nil, marker: String? = nil
    ) -> ImageQuery {
        ImageQuery(isDetailed: true, filters: filters, sort: sort, limit: limit, marker: marker)
    }

    private static let byTime = ImageQuery.Sort(.createdAt, ascending: true)
    private static let byTimeDown = ImageQuery.Sort(.createdAt, ascending: false)

    /// Six images in a shuffled order.
    private static func shuffled() -> ImageArray { ImageArray([3, 5, 1, 6, 2, 4].map { image($0) }) }

    @Test func `without a wanted order images stream through filter, marker and limit`() async throws {
        let source = Source(50_000) { Self.image($0, name: $0.isMultiple(of: 2) ? "even" : "odd") }
        let query = Self.query(
            filters: [.oneOf(.name, [.text("even")])], limit: 3, marker: "id-5")
        let selection = ListSelection(source, query)
        #expect(try await selection.next()?.id == "id-6")
        #expect(source.pulled == 6)
        #expect(try await Self.ids(selection) == ["id-8", "id-10"])
        #expect(source.pulled == 10)
        #expect(source.isFinished)
    }

    @Test func `a list in the wanted order keeps only the images of one moment`() async throws {
        // Three images a second, the ids of each second backwards.
        let source = Source(50_000) { number in
            let second = (number - 1) / 3
            return Self.image(second * 3 + 3 - (number - 1) % 3, second: second)
        }
        let selection = ListSelection(source, Self.query([Self.byTime]), order: [Self.byTime], maxSorted: 3)
        for second in 0..<100 {
            let ids = ["id-\(second * 3 + 1)", "id-\(second * 3 + 2)", "id-\(second * 3 + 3)"].sorted()
            for id in ids { #expect(try await selection.next()?.id == id) }
            #expect(source.pulled == second * 3 + 4)
        }
        var rest = 300
        while try await selection.next() != nil { rest += 1 }
        #expect(rest == 50_000)
    }

    @Test(
        arguments: [
            (nil, nil, ["id-6", "id-5", "id-4", "id-3", "id-2", "id-1"]), (2, nil, ["id-6", "id-5"]),
            (nil, "id-3", ["id-2", "id-1"]), (1, "id-3", ["id-2"]), (3, "id-1", []), (0, nil, []),
        ] as [(Int?, String?, [String])])
    func `a page is cut from the sorted list`(limit: Int?, marker: String?, expected: [String]) async throws {
        let query = Self.query([Self.byTimeDown], limit: limit, marker: marker)
        #expect(try await Self.ids(ListSelection(Self.shuffled(), query)) == expected)
        // The same when the marker was looked up.
        let image = marker.flatMap { $0.last?.wholeNumberValue }.map { Self.image($0) }
        let known = ListSelection(Self.shuffled(), query, markerImage: image)
        #expect(try await Self.ids(known) == expected)
        // An order that is not the wanted one helps nobody.
        let other = ListSelection(Self.shuffled(), query, order: [Self.byTime])
        #expect(try await Self.ids(other) == expected)
    }

    @Test func `the marker need not pass the filters`() async throws {
        let images = (1...4).map { Self.image($0, name: $0 == 2 ? "other" : "n") }
        let filters = [ImageQuery.Filter.oneOf(.name, [.text("n")])]
        for sort in [[], [Self.byTime]] {
            let query = Self.query(sort, filters: filters, marker: "id-2")
            #expect(try await Self.ids(ListSelection(ImageArray(images), query)) == ["id-3", "id-4"])
        }
    }

    @Test func `filters that the registry has applied are left out`() async throws {
        let query = Self.query(filters: [.oneOf(.name, [.text("other")])])
        #expect(try await Self.ids(ListSelection(Self.shuffled(), query, filters: [])).count == 6)
        #expect(try await Self.ids(ListSelection(Self.shuffled(), query)) == [])
    }

    @Test(arguments: [[], [ImageQuery.Sort(.name, ascending: true)]])
    func `an unknown marker is the client's mistake`(sort: [ImageQuery.Sort]) async throws {
        let selection = ListSelection(Self.shuffled(), Self.query(sort, marker: "id-9"))
        let failure = await #expect(throws: Failure.self) { try await selection.next() }
        #expect(failure?.kind == .badRequest)
        #expect(failure?.message == "Invalid marker. Image could not be found.")
    }

    @Test func `too many images to sort are refused, not a page of them`() async throws {
        let source = Source(1000) { Self.image($0) }
        let all = ListSelection(source, Self.query([Self.byTimeDown]), maxSorted: 100)
        let failure = await #expect(throws: Failure.self) { try await all.next() }
        #expect(failure?.kind == .unavailable)
        #expect(source.isFinished)
        #expect(source.pulled == 101)
        let page = ListSelection(
            Source(1000) { Self.image($0) }, Self.query([Self.byTimeDown], limit: 2), maxSorted: 100)
        #expect(try await Self.ids(page) == ["id-1000", "id-999"])
    }

    @Test func `a failing source fails the list`() async throws {
        final class Failing: ImageSource {
            func next() async throws(Failure) -> Image? { throw Failure(.badGateway, cause: "broken") }
        }
        for sort in [[], [Self.byTime]] {
            let failure = await #expect(throws: Failure.self) {
                try await ListSelection(Failing(), Self.query(sort)).next()
            }
            #expect(failure?.kind == .badGateway)
        }
    }

    @Test func `an image comes out of its waiting as it went in`() {
        var image = Self.image(1, name: "ä \u{1F40B}")
        for (field, value) in [
            (.size, .integer(.max)), (.minRAM, .integer(0)), (.virtualSize, .integer(-1)), (.checksum, .null),
            (.protected, .boolean(true)), (.hidden, .boolean(false)), (.owner, .text("")),
            (.updatedAt, .time(Timestamp(seconds: -5, microseconds: 999_999))),
        ] as [(ImageField, FieldValue)] { image[field] = value }
        func packed(_ image: Image) -> Image { PackedImage(image, sortValues: []).image }
        #expect(packed(image) == image)
        image.properties = Properties([
            Property("a", nil), Property("", ""), Property("b", String(repeating: "x", count: 300)),
        ])
        image.tags = ["t", ""]
        image.members = [
            Member(id: "m", canShare: true, status: "pending", createdAt: Timestamp(seconds: 1)), Member(id: ""),
        ]
        #expect(packed(image) == image)
        image.tags = []
        image.members = []
        #expect(packed(image) == image)
        #expect(packed(Image()) == Image())
    }
}
