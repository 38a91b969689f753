import Bytes
import Dialects
import HTTP
import Images
import Testing

/// What a Plankton server is given comes back as it was, whatever it folds, drops and has no words for.
@Suite struct PlanktonHoldingTests {
    private static let marks = PlanktonHolding.marks(prefix: "gw_")
    private static let id = "5583ffe1-5273-4c84-9e32-2fbe476bd7b7"

    /// The server's answer to a call: what it was sent, with an id, less the properties with empty values.
    private static func answer(to call: RegistryCall) throws -> PlanktonImage {
        var fields = call.fields
        fields.append("x-image-meta-id", id)
        fields.append("x-image-meta-is-snapshot", "False")
        return PlanktonImage(try Plankton.Record(fields), marks: marks)
    }

    private static func held(_ image: Image) throws -> PlanktonImage {
        let calls = Plankton.Calls(token: nil, requestID: "")
        return try answer(to: calls.register(try PlanktonHolding(marks: marks).registration(of: image)))
    }

    private static func image(_ fields: [ImageField: FieldValue] = [:], _ properties: [Property] = []) -> Image {
        var image = Image()
        image[.name] = .text("n")
        image[.location] = .text("pithos://a/b/c")
        for (field, value) in fields { image[field] = value }
        image.properties = Properties(properties)
        return image
    }

    @Test func `any property comes back`() throws {
        var random = SplitMix(seed: 20_261_121)
        for _ in 0..<2000 {
            var properties = Properties()
            for _ in 0..<4 { properties.set(Self.text(&random, longest: 12), Self.value(&random)) }
            let read = try Self.held(Self.image([:], properties.list)).image
            #expect(read.properties == properties, "\(properties.list) came back as \(read.properties.list)")
        }
    }

    private static func value(_ random: inout SplitMix) -> String? {
        random.next(below: 8) == 0 ? nil : text(&random, longest: 40)
    }

    private static let pieces: [String] = [
        "a", "B", "z9", "-", "_", ".", "%", "%41", " ", "é", "e\u{301}", "☂", "😀", "\u{0}", "\r\n", "\t", "gw_",
        "gw_x_",
        "=", "/", ",", "+", "h", "61",
    ]

    private static func text(_ random: inout SplitMix, longest: Int) -> String {
        var text = ""
        for _ in 0..<random.next(below: 6) {
            let piece = pieces[random.next(below: pieces.count)]
            if text.utf8.count + piece.utf8.count <= longest { text += piece }
        }
        return text
    }

    @Test(arguments: [
        ("qcow2", "diskdump", "qcow2"), ("raw", "diskdump", "raw"), ("", "diskdump", "raw"),
        ("diskdump", "diskdump", "raw"), ("extdump", "extdump", "extdump"), ("vmdk", "diskdump", "vmdk"),
    ])
    func `disk formats are kept`(said: String, remote: String, shown: String) throws {
        let held = try Self.held(Self.image([.diskFormat: .text(said)]))
        #expect(held.remote.text(.diskFormat) == remote)
        #expect(held.image.text(.diskFormat) == shown)
    }

    @Test(arguments: [("ova", "bare"), ("docker", "bare"), ("ovf", "ovf"), ("bare", "bare"), ("aki", "aki")])
    func `container formats are kept`(said: String, remote: String) throws {
        let held = try Self.held(Self.image([.containerFormat: .text(said)]))
        #expect(held.remote.text(.containerFormat) == remote)
        #expect(held.image.text(.containerFormat) == said)
    }

    @Test(arguments: Visibility.allCases)
    func `visibilities are kept`(visibility: Visibility) throws {
        let held = try Self.held(Self.image([.visibility: .text(visibility.rawValue)]))
        #expect(held.remote.isPublic == (visibility == .public))
        #expect(held.image.knownVisibility == visibility)
    }

    @Test func `what the server has no field for is kept in marks`() throws {
        var image = Self.image([
            .minRAM: .integer(512), .minDisk: .integer(3), .protected: .boolean(true), .hidden: .boolean(true),
        ])
        image.tags = ["b", "a,\"é\""]
        let held = try Self.held(image)
        for field in [ImageField.minRAM, .minDisk, .protected, .hidden] { #expect(held.image[field] == image[field]) }
        #expect(held.image.tags == image.tags)
        #expect(held.image.properties.isEmpty)
        #expect(held.remote.properties.count == 5)
    }

    @Test func `usual values need no marks`() throws {
        let held = try Self.held(
            Self.image([
                .minRAM: .integer(0), .protected: .boolean(false), .hidden: .null, .visibility: .text("shared"),
                .store: .text("pithos"), .owner: .text("somebody"), .size: .integer(7),
            ]))
        #expect(held.remote.properties.isEmpty)
    }

    // MARK: Changes

    private static func changes(_ edit: (inout ImageChanges) -> Void) -> ImageChanges {
        var changes = ImageChanges()
        edit(&changes)
        return changes
    }

    @Test func `only what changes is sent`() throws {
        let current = try Self.held(
            Self.image([.diskFormat: .text("qcow2"), .minRAM: .integer(1)], [Property("a", "1"), Property("B", "2")]))
        let holding = PlanktonHolding(marks: Self.marks)
        #expect(try holding.update(ImageChanges(), on: current) == nil)
        let sent = try #require(
            try holding.update(
                Self.changes {
                    $0.fields = [(.diskFormat, .text("raw")), (.isPublic, .boolean(true)), (.minRAM, .integer(2))]
                    $0.setProperties = [Property("a", "2"), Property("c", "3")]
                    $0.removedProperties = ["B"]
                }, on: current))
        #expect(sent.image.statedFields == [.isPublic])
        let wanted = Properties([Property("a", "2"), Property("c", "3"), Property("gw_min_ram", "2")])
        #expect(sent.image.properties == wanted)
        #expect(sent.removals.sorted() == ["gw_disk_format", "gw_x_42"])
    }

    @Test func `a value that cannot stay plain moves to an escaped property`() throws {
        let current = try Self.held(Self.image([:], [Property("a", "1")]))
        let sent = try #require(
            try PlanktonHolding(marks: Self.marks).update(
                Self.changes { $0.setProperties = [Property("a", "")] }, on: current))
        #expect(sent.image.properties == Properties([Property("gw_x_61", "=")]))
        #expect(sent.removals == ["a"])
    }

    @Test(arguments: [PlanktonRegistrySettings.Release.r13, .r14])
    func `releases that replace get all properties and no removals`(release: PlanktonRegistrySettings.Release) throws {
        let current = try Self.held(Self.image([:], [Property("a", "1"), Property("b", "2"), Property("c", "3")]))
        let sent = try #require(
            try PlanktonHolding(marks: Self.marks, release: release).update(
                Self.changes {
                    $0.setProperties = [Property("a", "2")]
                    $0.removedProperties = ["b"]
                }, on: current))
        #expect(sent.image.properties == Properties([Property("a", "2"), Property("c", "3")]))
        #expect(sent.removals == [])
    }

    @Test func `an old release gets ASCII only`() throws {
        let holding = PlanktonHolding(marks: Self.marks, release: .r14)
        let remote = try holding.registration(of: Self.image([:], [Property("é", "ü"), Property("k", "☂")]))
        #expect(remote.properties.list.allSatisfy { ($0.name + ($0.value ?? "")).utf8.allSatisfy { $0 < 0x80 } })
        let calls = Plankton.Calls(token: nil, requestID: "")
        let read = try Self.answer(to: calls.register(remote)).image
        #expect(read.properties == Properties([Property("é", "ü"), Property("k", "☂")]))
    }

    @Test(arguments: [("active", "UNAVAILABLE", "AVAILABLE"), ("killed", "AVAILABLE", "ERROR"), ("odd", "x", "odd")])
    func `a status is said in the lists' words`(status: String, _: String, word: String) throws {
        let sent = try #require(
            try PlanktonHolding(marks: Self.marks).update(
                ImageChanges(), status: status, on: try Self.held(Self.image())))
        #expect(sent.image.text(.status) == word)
    }

    // MARK: Refusals

    private static let refused: [(what: String, fields: [ImageField: FieldValue], properties: [Property])] = [
        ("an id", [.id: .text(id)], []), ("a store", [.store: .text("s3")], []), ("no name", [.name: .null], []),
        ("an empty name", [.name: .text("")], []),
        ("a long name", [.name: .text(String(repeating: "é", count: 257))], []),
        ("another location", [.location: .text("http://h/x")], []),
        ("a broken location", [.location: .text("pithos://a/b")], []),
        ("a long key", [:], [Property(String(repeating: "k", count: 94), "v")]),
        ("a long escaped key", [:], [Property(String(repeating: "K", count: 45), "v")]),
        ("a long value", [:], [Property("k", String(repeating: "v", count: 257))]),
        ("29 properties", [:], (0..<29).map { Property("k\($0)", "v") }),
        ("28 properties and a mark", [.minRAM: .integer(1)], (0..<28).map { Property("k\($0)", "v") }),
    ]

    @Test(arguments: refused.map(\.what))
    func `what a server cannot hold is refused before it is asked`(what: String) throws {
        let vector = try #require(Self.refused.first { $0.what == what })
        let failure = #expect(throws: Failure.self) {
            try PlanktonHolding(marks: Self.marks).registration(of: Self.image(vector.fields, vector.properties))
        }
        #expect(failure?.kind == .badRequest)
    }

    @Test func `limits are inclusive, in characters`() throws {
        let properties = (0..<27).map { Property("k\($0)", "v") }
        let longest = Property(String(repeating: "é", count: 93), String(repeating: "☂", count: 256))
        let held = try Self.held(Self.image([.name: .text(String(repeating: "é", count: 256))], properties + [longest]))
        #expect(held.image.properties.count == 28)
    }

    @Test(arguments: [
        [ImageField.diskFormat: FieldValue.text("qcow2")], [.minDisk: .integer(1)], [.protected: .boolean(true)],
        [.visibility: .text("community")],
    ])
    func `without marks what needs one is refused`(fields: [ImageField: FieldValue]) {
        #expect(throws: Failure.self) { try PlanktonHolding(marks: nil).registration(of: Self.image(fields)) }
    }

    @Test func `a prefix is spelled as the server will`() {
        #expect(PlanktonHolding.marks(prefix: "GW-")?.prefix == "gw_")
    }

    @Test(arguments: [
        (nil, PlanktonRegistrySettings.Release.automatic, "/image", "/v1.0"), (nil, .r13, "/plankton", ""),
        (nil, .automatic, "/image/v1.0", ""), (nil, .r16, "/image/v1", ""), ("", .r16, "/image", ""),
        ("/v1", .automatic, "", "/v1"),
    ])
    func `the version stands in the path once`(
        configured: String?, release: PlanktonRegistrySettings.Release, root: String, prefix: String
    ) {
        #expect(
            PlanktonRegistrySettings.versionPrefix(configured, release: release, rootPath: root) == prefix)
    }
}

/// SplitMix64: small, seeded, the same everywhere.
private struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next(below bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        word ^= word >> 31
        return Int(word % UInt64(bound))
    }
}
