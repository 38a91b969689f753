import Images
import Testing

@Suite struct ImageQueryTests {
    func image(_ id: String, name: String? = nil, size: Int64 = 0, created: Int64 = 0) -> Image {
        var image = Image()
        image[.id] = .text(id)
        image[.name] = name.map(FieldValue.text) ?? .null
        image[.size] = .integer(size)
        image[.createdAt] = .time(Timestamp(seconds: created))
        return image
    }

    @Test func `equal keys are ordered by creation and id in the key's direction`() {
        let images = [
            image("b", size: 1, created: 5), image("a", size: 1, created: 5), image("c", size: 1, created: 9),
        ]
        var query = ImageQuery(isDetailed: false, sort: [.init(.size, ascending: false)])
        #expect(images.sorted(by: query.areInOrder).map(\.id) == ["c", "b", "a"])
        query.sort = [.init(.size, ascending: true)]
        #expect(images.sorted(by: query.areInOrder).map(\.id) == ["a", "b", "c"])
    }

    @Test func `names order by code point and null comes first`() {
        let images = [image("1", name: "é"), image("2", name: "Z"), image("3"), image("4", name: "a")]
        let query = ImageQuery(isDetailed: false, sort: [.init(.name, ascending: true)])
        #expect(images.sorted(by: query.areInOrder).map(\.id) == ["3", "2", "4", "1"])
    }

    @Test func `bounds are inclusive and count no size as zero`() {
        var nothing = image("1")
        nothing[.size] = .null
        #expect(ImageQuery.Filter.atLeast(.size, 0).matches(nothing))
        #expect(!ImageQuery.Filter.atLeast(.size, 1).matches(nothing))
        #expect(ImageQuery.Filter.atMost(.size, 5).matches(image("2", size: 5)))
        #expect(!ImageQuery.Filter.oneOf(.name, [.text("x")]).matches(image("3")))
    }
}
