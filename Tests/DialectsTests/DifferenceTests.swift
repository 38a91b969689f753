import Bytes
import Dialects
import HTTP
import Images
import Testing

/// The numbered differences of docs/compatibility.md, as far as translation alone shows them.
@Suite struct DifferenceTests {
    private static let pithosHash = String(repeating: "ab", count: 32)

    private static func image(_ fields: [ImageField: FieldValue] = [:], _ properties: [Property] = []) -> Image {
        var image = Image()
        image[.id] = .text("71c675ab-d94f-49cd-a114-e12490b328d9")
        image[.status] = .text("active")
        for (field, value) in fields { image[field] = value }
        image.properties = Properties(properties)
        return image
    }

    private static func headers(_ dialect: any ClientDialect, _ image: Image) throws -> Fields {
        let request = Vectors.clientRequest("HEAD", "/images/" + image.id)
        return try dialect.render(.image(image), of: .showImage(id: image.id), for: request).head.fields
    }

    private static func creation(_ dialect: any ClientDialect, _ headers: [(String, String)]) throws -> ImageCreation {
        let request = Vectors.clientRequest("POST", "/images", Fields(headers))
        guard case .operation(.createImage(let creation)) = try dialect.decode(try dialect.route(request), request)
        else { throw Vectors.Fault(description: "no creation") }
        return creation
    }

    private static func entry(_ dialect: any ClientDialect, _ image: Image) async throws -> JSONObject {
        let request = Vectors.clientRequest("GET", dialect.name == "image-v2" ? "/v2/images" : "/images/detail")
        let query = ImageQuery(isDetailed: true)
        let response = try dialect.render(.images(ImageArray([image])), of: .listImages(query), for: request)
        guard case .list(let rendering) = response.body else { throw Vectors.Fault(description: "no list") }
        let document = try JSONReader.parse(try await Vectors.bytes(of: rendering))
        let list = document.array ?? document.object?["images"]?.array
        guard let entry = list?.first?.object else { throw Vectors.Fault(description: "no entry") }
        return entry
    }

    private static func v2(_ image: Image) throws -> JSONObject {
        try ImageV2Creation(image: image, properties: ImageV2Properties(marks: Marks(prefix: "gw_"))).document()
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private static let clients: [any ClientDialect] = [Glance2010(), GlanceV1(), Plankton()]

    @Test func `difference 1: a v2 registry has no deleted images to show`() {
        let asked = ImageQuery(isDetailed: true, filters: [.deleted(true)])
        let query = ImageV2Query(
            asked, properties: ImageV2Properties(marks: nil), knowsCaller: true, isAdministrator: true)
        #expect(query.matchesNothing)
    }

    @Test func `difference 2: times that a client sets are dropped`() throws {
        let headers = ["created_at", "updated_at", "deleted_at"].map { ("x-image-meta-" + $0, "2010-02-03T09:34:01") }
        for dialect in [Glance2010(), GlanceV1()] as [any ClientDialect] {
            #expect(try Self.creation(dialect, headers).image.statedFields.isEmpty)
        }
    }

    @Test func `difference 3: v2 has whole seconds`() async throws {
        let time = try #require(Timestamp("2010-02-03T09:34:01.654321Z"))
        #expect(time.text(.zulu) == "2010-02-03T09:34:01Z")
        #expect(
            try await Self.entry(ImageV2(), Self.image([.createdAt: .time(time)]))["created_at"]?.text
                == time.text(.zulu))
        let object = JSONObject([
            "id": .string("i"), "status": .string("active"), "created_at": .string(time.text(.zulu)),
        ])
        let read = try ImageV2Image(object, marks: nil).image
        #expect(read[.createdAt] == .time(time.wholeSeconds))
        #expect(try Self.headers(GlanceV1(), read)["x-image-meta-created_at"] == "2010-02-03T09:34:01.000000")
    }

    @Test func `difference 4: a Pithos hash is not shown as an MD5`() async throws {
        let image = Self.image([.checksum: .text(Self.pithosHash)])
        let v1 = try Self.headers(GlanceV1(), image)
        #expect(v1["x-image-meta-checksum"] == nil && v1["etag"] == nil)
        #expect(try await Self.entry(GlanceV1(), image)["checksum"] == .null)
        #expect(try await Self.entry(ImageV2(), image)["checksum"] == .null)
        #expect(try Self.headers(Plankton(), image)["x-image-meta-checksum"] == Self.pithosHash)
    }

    @Test func `difference 5: only v2 clients see a secure hash`() async throws {
        let image = Self.image([.osHashAlgo: .text("sha512"), .osHashValue: .text("cafe")])
        for dialect in Self.clients {
            #expect(try Self.headers(dialect, image).allSatisfy { !($0.valueText?.contains("cafe") ?? false) })
            #expect(try await Self.entry(dialect, image)["os_hash_value"] == nil)
        }
        #expect(try await Self.entry(ImageV2(), image)["os_hash_value"]?.text == "cafe")
    }

    @Test func `difference 6: all members of other registries have accepted`() throws {
        let members = MemberList([Member(id: "a", status: "pending"), Member(id: "b", status: "rejected")])
        for dialect in [GlanceV1(), Plankton()] as [any ClientDialect] {
            let request = Vectors.clientRequest("GET", "/images/x/members")
            let response = try dialect.render(.members(members), of: .listMembers(id: "x"), for: request)
            guard case .bytes(let bytes) = response.body else { throw Vectors.Fault(description: "no document") }
            let list = try JSONReader.parse(bytes).object?["members"]?.array?.compactMap(\.object) ?? []
            #expect(list.map { $0["member_id"]?.text } == ["a", "b"])
            #expect(list.allSatisfy { $0["status"] == nil })
        }
        let document = try JSONReader.parse(Array(#"{"members": [{"member_id": "a", "can_share": false}]}"#.utf8))
        let held = try Plankton.members(try #require(document.object))
        let request = Vectors.clientRequest("GET", "/v2/images/x/members")
        let response = try ImageV2().render(.members(MemberList(held)), of: .listMembers(id: "x"), for: request)
        guard case .bytes(let bytes) = response.body else { throw Vectors.Fault(description: "no document") }
        let shown = try JSONReader.parse(bytes).object?["members"]?.array?.first?.object
        #expect(shown?["status"]?.text == "accepted")
    }

    @Test func `difference 7: can_share is kept but lets nobody share`() throws {
        let mark = ImageV2Names.sharers(["a,b", "c"])
        let object = JSONObject(["id": .string("i"), "status": .string("active"), "gw_can_share": .string(mark)])
        #expect(try ImageV2Image(object, marks: Marks(prefix: "gw_")).sharers == ["a,b", "c"])
        let members = MemberList([Member(id: "a", canShare: true)])
        let request = Vectors.clientRequest("GET", "/images/x/members")
        func shown(_ dialect: any ClientDialect) throws -> Bool? {
            let response = try dialect.render(.members(members), of: .listMembers(id: "x"), for: request)
            guard case .bytes(let bytes) = response.body else { throw Vectors.Fault(description: "no document") }
            return try JSONReader.parse(bytes).object?["members"]?.array?.first?.object?["can_share"]?.boolean
        }
        #expect(try shown(GlanceV1()) == true)
        #expect(try shown(Plankton()) == false)
        #expect(try shown(ImageV2()) == nil)
    }

    @Test func `difference 8: 2010 clients list public images only`() throws {
        for path in ["/images", "/images/detail"] {
            let request = Vectors.clientRequest("GET", path)
            let dialect = Glance2010()
            guard case .operation(.listImages(let query)) = try dialect.decode(try dialect.route(request), request)
            else { throw Vectors.Fault(description: "no list") }
            #expect(query.scope == .publicOnly)
        }
    }

    @Test func `difference 9: 2010 knows no owners and no members`() async throws {
        let image = Self.image([.owner: .text("acme"), .name: .text("n")])
        let dialect = Glance2010()
        #expect(try Self.headers(dialect, image).allSatisfy { $0.valueText != "acme" })
        #expect(try await Self.entry(dialect, image)["owner"] == nil)
        let held = try Glance2010Image.native(of: image, FieldMarks(Marks(prefix: "gw_"), .glance2010))
        #expect(held[.owner].isAbsent && held.properties.list.allSatisfy { $0.value != "acme" })
        #expect(throws: Failure.self) { try dialect.route(Vectors.clientRequest("GET", "/images/x/members")) }
    }

    @Test func `difference 10: tags are a set`() throws {
        var present = Self.image()
        present.tags = ["b", "a"]
        var wanted = Image()
        wanted.tags = ["a", "b", "a"]
        let update = ImageUpdate(id: present.id, image: wanted)
        #expect(try update.changes(on: present, by: Caller()).isEmpty)
    }

    @Test func `difference 11: property names of header dialects are folded`() throws {
        let headers = [
            ("X-Image-Meta-Name", "n"), ("X-Image-Meta-Location", "pithos://u/c/o"),
            ("X-Image-Meta-Property-Kernel-ID", "7"),
        ]
        for dialect in Self.clients {
            let creation = try Self.creation(dialect, dialect.name == "plankton" ? headers : Array(headers.suffix(1)))
            #expect(creation.image.properties.list == [Property("kernel_id", "7")])
        }
        let present = Self.image([:], [Property("Kernel-ID", "7")])
        let update = ImageUpdate(id: present.id, image: Self.image([:], [Property("kernel_id", "8")]), fold: .header)
        #expect(try update.changes(on: present, by: Caller()).setProperties == [Property("Kernel-ID", "8")])
    }

    @Test func `difference 12: a null property is an empty one`() async throws {
        let image = Self.image([:], [Property("a", nil)])
        #expect(try Self.v2(image)["a"] == .string(""))
        #expect(try await Self.entry(GlanceV1(), image)["properties"]?.object?["a"] == .null)
        #expect(try await Self.entry(Plankton(), image)["properties"]?.object?["a"] == nil)
        #expect(try await Self.entry(ImageV2(), image)["a"] == .string(""))
    }

    @Test func `difference 14: locations are shown where they belong`() async throws {
        for (location, isPithos) in [("http://u:p@h/x", false), ("pithos://u/c/o", true)] {
            let image = Self.image([.location: .text(location)])
            for dialect in [Glance2010(), GlanceV1()] as [any ClientDialect] {
                #expect(try Self.headers(dialect, image).allSatisfy { $0.valueText != location })
                #expect(try await Self.entry(dialect, image)["location"] == nil)
            }
            let modern = try await Self.entry(ImageV2(), image)
            #expect(modern["direct_url"] == nil && modern["locations"] == nil && modern["location"] == nil)
            let shown = isPithos ? location : ""
            #expect(try Self.headers(Plankton(), image)["x-image-meta-location"] == shown)
            #expect(try await Self.entry(Plankton(), image)["location"]?.text == shown)
        }
    }

    @Test func `difference 16: a raw image shows as diskdump to Plankton clients`() async throws {
        #expect(
            try Self.headers(Plankton(), Self.image([.diskFormat: .text("raw")]))["x-image-meta-disk-format"]
                == "diskdump")
        #expect(
            try await Self.entry(ImageV2(), Self.image([.diskFormat: .text("ntfsdump")]))["disk_format"]?.text == "raw")
        let dump = try Self.v2(Self.image([.diskFormat: .text("ntfsdump")]))
        #expect(dump["disk_format"]?.text == "raw" && dump["gw_disk_format"]?.text == "ntfsdump")
    }

    @Test(arguments: Visibility.allCases)
    func `difference 17: private, shared and community are all not public`(visibility: Visibility) async throws {
        let isPublic = visibility == .public
        let image = Self.image([.visibility: .text(visibility.rawValue), .isPublic: .boolean(isPublic)])
        for dialect in Self.clients {
            #expect(try await Self.entry(dialect, image)["is_public"]?.boolean == isPublic)
            #expect(try await Self.entry(dialect, image)["visibility"] == nil)
        }
        let echo = ImageUpdate(id: image.id, image: Self.image([.isPublic: .boolean(isPublic)]))
        #expect(try echo.changes(on: image, by: Caller()).fields.isEmpty)
    }

    @Test func `difference 18: what a dialect has no word for stays on the image`() async throws {
        for shown in ShownFields.all {
            guard let dialect = Self.clients.first(where: { $0.name == shown.dialect }) else { continue }
            for field in ImageField.allCases where shown[field].answer == .withheld(.noWord) {
                #expect(try await Self.entry(dialect, Self.image())[field.rawValue] == nil, "\(dialect.name) \(field)")
            }
        }
        let request = Vectors.clientRequest("PUT", "/images/x", Fields([("x-image-meta-name", "n")]))
        for dialect in Self.clients {
            guard case .operation(.updateImage(let update)) = try dialect.decode(try dialect.route(request), request)
            else { throw Vectors.Fault(description: "no update") }
            var present = Self.image([.minRAM: .integer(7), .hidden: .boolean(true), .protected: .boolean(true)])
            present.tags = ["a"]
            #expect(try update.changes(on: present, by: Caller()).fields.map(\.field) == [.name], "\(dialect.name)")
        }
    }

    @Test func `difference 19: whom an image belongs to is the registry's rule`() throws {
        let image = Self.image([.name: .text("n"), .owner: .text("acme"), .location: .text("pithos://u/c/o")])
        var wanted = image
        wanted[.id] = .absent
        let holding = PlanktonHolding(marks: Marks(prefix: "gw_"))
        #expect(try holding.registration(of: wanted)[.owner].isAbsent)
        var creation = ImageV2Creation(image: image, properties: ImageV2Properties(marks: nil))
        #expect(creation.asksForOwner)
        creation.namesOwner = false
        #expect(try creation.document()["owner"] == nil)
    }

    @Test func `difference 20: a property named like an attribute is not shown to v2 clients`() async throws {
        let image = Self.image(
            [.size: .integer(3)], [Property("size", "x"), Property("self", "y"), Property("k", "z")])
        let shown = try await Self.entry(ImageV2(), image)
        #expect(shown["size"] == .integer(3) && shown["self"]?.text != "y" && shown["k"]?.text == "z")
        #expect(try await Self.entry(GlanceV1(), image)["properties"]?.object?["size"]?.text == "x")
        #expect(try Self.v2(image)["gw_x_size"]?.text == "x")
    }

    @Test func `difference 21: a v1 registry completes Amazon formats`() throws {
        for dialect in [Glance2010(), GlanceV1()] as [any ClientDialect] {
            let creation = try Self.creation(dialect, [("x-image-meta-disk_format", "aki")])
            #expect(creation.image.text(.containerFormat) == "aki")
        }
    }

    @Test func `difference 22: an empty name is none for v1 and 2010`() throws {
        let image = Self.image([.name: .text("")])
        #expect(try Glance2010.Reply(profile: .seed).image(try Self.headers(Glance2010(), image))[.name] == .null)
        #expect(try GlanceV1.Reply.image(try Self.headers(GlanceV1(), image)).text(.name) == nil)
    }
}
