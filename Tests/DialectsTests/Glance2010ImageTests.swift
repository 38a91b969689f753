import Dialects
import Images
import Testing

/// What a registry of the first Glance API has no field for comes back from its marks.
@Suite struct Glance2010ImageTests {
    private static let held = FieldMarks(Marks(prefix: "gw_"), .glance2010)

    /// As the registry stores and shows it: small letters, no empty texts, nothing it has no field for.
    private static func stored(_ native: Image) -> Image {
        var stored = native
        stored[.status] = .text("active")
        stored.properties = Properties(
            native.properties.list.map { property in
                Property(
                    PropertyFold.header.apply(property.name),
                    property.value.flatMap { $0.isEmpty || $0 == "None" ? nil : trimmed($0) })
            })
        return stored
    }

    private static func trimmed(_ text: String) -> String {
        var text = text[...]
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }

    private static func image(_ fields: [ImageField: FieldValue], _ properties: [Property] = []) -> Image {
        var image = Image()
        image[.id] = .text("1")
        for (field, value) in fields { image[field] = value }
        image.properties = Properties(properties)
        return image
    }

    @Test(
        arguments: [
            ("qcow2", "bare"), ("aki", "aki"), ("ari", "ari"), ("ami", "ami"), ("raw", "bare"), ("raw", "ova"),
            ("ntfsdump", "bare"), ("vhd", "ovf"), ("aki", "bare"), (nil, nil), ("raw", nil), (nil, "bare"),
        ] as [(String?, String?)])
    func `formats come back`(disk: String?, container: String?) throws {
        let image = Self.image([
            .diskFormat: disk.map { .text($0) } ?? .null, .containerFormat: container.map { .text($0) } ?? .null,
        ])
        let native = try Glance2010Image.native(of: image, Self.held)
        let read = Glance2010Image(Self.stored(native), Self.held).image
        #expect(read.text(.diskFormat) == disk)
        #expect(read.text(.containerFormat) == container)
        #expect(read.properties.isEmpty)
    }

    @Test(arguments: ["public", "shared", "private", "community"])
    func `visibility comes back`(word: String) throws {
        let native = try Glance2010Image.native(of: Self.image([.visibility: .text(word)]), Self.held)
        #expect(native.isPublic == (word == "public"))
        let read = Glance2010Image(Self.stored(native), Self.held).image
        #expect(read.text(.visibility) == word)
        #expect(read.isPublic == (word == "public"))
    }

    @Test func `a mark older than the registry's own word does not count`() throws {
        var native = Self.stored(
            try Glance2010Image.native(
                of: Self.image([.visibility: .text("private"), .diskFormat: .text("qcow2")]), Self.held))
        native[.isPublic] = .boolean(true)
        native[.diskFormat] = .text("aki")
        native[.containerFormat] = .text("aki")
        let read = Glance2010Image(native, Self.held).image
        #expect(read.visibility == .public)
        #expect(read.text(.diskFormat) == "aki")
    }

    @Test func `everything else comes back`() throws {
        var image = Self.image([
            .minRAM: .integer(512), .minDisk: .integer(7), .protected: .boolean(true), .hidden: .boolean(true),
            .checksum: .text("900150983cd24fb0d6963f7d28e17f72"), .location: .text("pithos://u/c/o"),
            .name: .text("n"), .size: .integer(3),
        ])
        image.tags = ["b", "ä", "a,\"", ""]
        let native = try Glance2010Image.native(of: image, Self.held)
        let read = Glance2010Image(Self.stored(native), Self.held).image
        for field in image.statedFields { #expect(read[field] == image[field]) }
        #expect(read.tags == image.tags)
        #expect(read.properties.isEmpty)
    }

    @Test(arguments: [
        Property("plain", "v"), Property("Kernel-ID", "7"), Property("a b", "v"), Property("ä", "ö"),
        Property("", "v"), Property("a%20b", "%41"), Property("gw_tags", "[]"), Property("gw_x_a", "v"),
        Property("a", ""), Property("a", nil), Property("A", nil), Property("a", "None"), Property("a", " v "),
        Property("a", "l1\nl2\t"), Property("A", "%"), Property("a", "%"), Property("A", ""),
        Property("\u{1F40B}", "x"),
    ])
    func `properties come back whatever their names and values`(property: Property) throws {
        let native = try Glance2010Image.native(of: Self.image([:], [property]), Self.held)
        for sent in native.properties.list { #expect(sent.name == PropertyFold.header.apply(sent.name)) }
        #expect(Glance2010Image(Self.stored(native), Self.held).image.properties.list == [property])
    }

    @Test func `without marks what needs them is refused`() throws {
        let none = FieldMarks(nil, .glance2010)
        for image in [
            Self.image([.visibility: .text("private")]), Self.image([.protected: .boolean(true)]),
            Self.image([.diskFormat: .text("qcow2")]), Self.image([:], [Property("A", "v")]),
        ] {
            let failure = #expect(throws: Failure.self) { try Glance2010Image.native(of: image, none) }
            #expect(failure?.kind == .badRequest)
        }
        let native = try Glance2010Image.native(of: Self.image([:], [Property("gw_a", "v")]), none)
        #expect(Glance2010Image(native, none).image.properties.contains("gw_a"))
    }

    @Test(arguments: [
        ("pithos://u/c/o", true), ("http://h/a", true), ("https://h:1/a", true), ("http://u:p@h/a", false),
        ("http://h/a?signature=x", false), ("swift://u:p@h/c/o", false), ("file:///etc/passwd", false),
    ])
    func `a location with credentials is kept out of properties`(location: String, isKept: Bool) throws {
        let native = try Glance2010Image.native(of: Self.image([.location: .text(location)]), Self.held)
        #expect(native.properties.contains("gw_location") == isKept)
    }

    @Test func `only what differs is sent, and what is public is said each time`() throws {
        let before = Self.image(
            [.visibility: .text("public"), .diskFormat: .text("qcow2"), .containerFormat: .text("bare")],
            [Property("a", "1"), Property("b", "2"), Property("C", "3")])
        let current = Glance2010Image(Self.stored(try Glance2010Image.native(of: before, Self.held)), Self.held)
        #expect(current.change(to: try Glance2010Image.native(of: current.image, Self.held)) == nil)
        var after = current.image
        after.properties.set("a", "x")
        after.properties.remove("b")
        after.properties.remove("C")
        let target = try Glance2010Image.native(of: after, Self.held, removed: ["b", "C"])
        let change = try #require(current.change(to: target))
        #expect(change.statedFields == [.isPublic])
        #expect(
            change.properties
                == Properties([
                    Property("a", "x"), Property("b", nil), Property("gw_x_%43", nil),
                    Property("gw_removed", #"["b","C"]"#),
                ]))
        var stored = Self.stored(target)
        stored.properties.set("b", nil)
        stored.properties.set("gw_x_%43", nil)
        let read = Glance2010Image(stored, Self.held)
        #expect(read.image.properties == Properties([Property("a", "x")]))
        #expect(read.removed == ["b", "C"])
    }

    @Test func `an image in no format of its own keeps the type it is shown with`() throws {
        var native = Image()
        native[.id] = .text("1")
        native[.status] = .text("queued")
        native[.diskFormat] = .null
        native[.containerFormat] = .null
        let read = Glance2010Image(native, Self.held)
        #expect(read.image[.diskFormat] == .null)
        var after = read.image
        after[.diskFormat] = .text("aki")
        after[.containerFormat] = .text("aki")
        let change = try #require(read.change(to: try Glance2010Image.native(of: after, Self.held)))
        #expect(change.text(.diskFormat) == "aki")
    }
}
