import Bytes
import Dialects
import HTTP
import Images
import Testing

/// What the vectors leave open: each setting alone, hostile values, and the rules that need two sides.
@Suite struct PlanktonSettingsTests {
    private func settings(_ change: (inout Plankton.Settings) -> Void) -> Plankton {
        var settings = Plankton.Settings()
        change(&settings)
        return Plankton(settings: settings)
    }

    private func decode(
        _ dialect: Plankton, _ method: String, _ target: String, _ fields: [(String, String)] = [],
        mountPrefix: String = ""
    ) throws -> Images.Operation {
        let request = Vectors.clientRequest(method, target, Fields(fields), mountPrefix: mountPrefix)
        guard case .operation(let operation) = try dialect.decode(try dialect.route(request), request) else {
            throw Vectors.Fault(description: "a document")
        }
        return operation
    }

    private func creation(_ dialect: Plankton, _ fields: [(String, String)]) throws -> ImageCreation {
        let all = [("X-Image-Meta-Name", "n"), ("X-Image-Meta-Location", "pithos://u/c/o")] + fields
        guard case .createImage(let creation) = try decode(dialect, "POST", "/images/", all) else {
            throw Vectors.Fault(description: "no creation")
        }
        return creation
    }

    private func update(_ fields: [(String, String)]) throws -> ImageUpdate {
        guard case .updateImage(let update) = try decode(Plankton(), "PUT", "/images/x", fields) else {
            throw Vectors.Fault(description: "no update")
        }
        return update
    }

    private func headers(_ dialect: Plankton, _ change: (inout Image) -> Void) throws -> Fields {
        var image = Image()
        change(&image)
        let request = Vectors.clientRequest("HEAD", "/images/x")
        return try dialect.render(.image(image), of: .showImage(id: "x"), for: request).head.fields
    }

    @Test func `each part of a profile is settable on its own`() throws {
        #expect(
            try creation(settings { $0.refusesOddIsPublic = false }, [("X-Image-Meta-Is-Public", "yes")])
                .image.boolean(.isPublic) == false)
        #expect(try creation(settings { $0.postReplaces = false }, []).purgesOnReplace == false)
        guard
            case .downloadImage(id: "x", range: nil) = try decode(settings { $0.serveData = true }, "GET", "/images/x"),
            case .listSharedImages(.sharedWith("m")) = try decode(
                settings { $0.sharedImages = .with }, "GET", "/shared-images/m"),
            case .listImages(let query) = try decode(settings { $0.sortsAscending = false }, "GET", "/images")
        else { throw Vectors.Fault(description: "other operations") }
        #expect(query.sort.allSatisfy { !$0.isAscending })
        let upper = try headers(settings { $0.statusCase = .upper }) { $0[.status] = .text("queued") }
        #expect(upper["x-image-meta-status"] == "SAVING" && !upper.contains("x-image-meta-is-snapshot"))
        let open = try headers(settings { $0.showLocation = true }) { $0[.location] = .text("http://h/x y\n.img") }
        #expect(open["x-image-meta-location"] == "http://h/x y%0A.img")
        let full = try headers(settings { $0.encoding = .full }) { $0[.name] = .text("a b") }
        #expect(full["x-image-meta-name"] == "a%20b")
        let snapshot = try headers(settings { $0.showsSnapshotFields = true }) { _ in }
        #expect(snapshot["x-image-meta-is-snapshot"] == "False" && snapshot["x-image-meta-description"] == "")
    }

    @Test(arguments: [
        ("/image/v1.0", "/images/", "list_images"), ("/image/v1", "/images/detail", "list_images_detail"),
        ("/plankton", "/v1.0/images", "list_images"), ("/plankton", "/", "list_versions"),
        ("/image/v1.0", "/v1.0/images", "list_images"), ("/image", "/.json", "list_versions"),
        ("", "/versionsXYZ", "list_versions"), ("", "/images/a%40b", "unknown"), ("/image/v1.0", "/", "unknown"),
        ("/image/v1.0", "/versions", "unknown"), ("", "/images/%00", "unknown"), ("", "/images/a%2Fb", "unknown"),
        ("", "/images/%FF", "unknown"), ("", "/images//", "unknown"), ("", "//images", "unknown"),
    ])
    func `paths below mounts of every form`(mountPrefix: String, path: String, expected: String) throws {
        do {
            #expect(try decode(Plankton(), "GET", path, mountPrefix: mountPrefix).name == expected)
        } catch let failure as Failure {
            #expect(expected == "unknown")
            #expect(failure.kind == .unknownPath || path == "/images/a%40b" && failure.kind == .notImplemented)
        }
    }

    @Test func `the token in the query wins, an empty one says nothing`() {
        let both = Fields([("X-Auth-Token", "header")])
        let token = { Plankton().token(in: Vectors.clientRequest("GET", $0, $1)) }
        #expect(token("/images?X-Auth-Token=qu%65ry", both) == "query")
        #expect(token("/images?X-Auth-Token=", both) == "header")
        #expect(token("/images?x=%FF&x-auth-token=query", both) == "header")
        #expect(token("/images", Fields([("x-auth-token", "")])) == nil)
    }

    @Test func `a rejected token has the server's fault name in profile synnefo only`() throws {
        let request = Vectors.clientRequest("GET", "/images")
        for (profile, name) in [(Plankton.Settings.Profile.guide, "unauthorized"), (.synnefo, "fault")] {
            let response = Plankton(settings: .init(profile)).render(Failure(.tokenRejected), for: request)
            guard case .bytes(let bytes) = response.body else { throw Vectors.Fault(description: "no body") }
            #expect(
                String(decoding: bytes, as: UTF8.self)
                    == #"{"\#(name)": {"code": 401, "message": "Unauthorized", "details": ""}}"#)
        }
    }

    @Test(arguments: Failure.Kind.allCases) func `every kind of failure has a fault document`(kind: Failure.Kind) throws
    {
        for profile in Plankton.Settings.Profile.allCases {
            let request = Vectors.clientRequest("PUT", "/images/x/members/m")
            let failure = Failure(kind, "why", retryAfter: "7")
            let response = Plankton(settings: .init(profile), date: { "now" }).render(failure, for: request)
            guard case .bytes(let bytes) = response.body else { throw Vectors.Fault(description: "no body") }
            let fault = try #require(try JSONReader.parse(bytes).object?.members.first?.value.object)
            #expect(fault["code"]?.integer == Int64(response.head.status))
            #expect(response.head.fields.contains("allow") == (response.head.status == 405))
            #expect(response.head.fields["retry-after"] == (kind == .unavailable ? "7" : nil))
            #expect(response.head.fields["cache-control"] == "no-cache, no-store, must-revalidate, max-age=0")
            #expect(response.head.fields["vary"] == "X-Auth-Token" && response.head.fields["expires"] == "now")
        }
    }

    @Test func `keys that fold to one share one header, the folded key first`() throws {
        let fields = try headers(Plankton()) {
            $0.properties.set("hw-disk", "hyphen")
            $0.properties.set("hw_disk", "folded")
            $0.properties.set("HW.DISK", "dot")
            $0.properties.set("b-c", "second")
            $0.properties.set("B-C", "first")
            $0.properties.set("", "nameless")
            $0.properties.set("a\r\nEvil: 1/%", "v\r\n")
        }
        let shown = fields.filter { $0.nameText.hasPrefix("x-image-meta-property-") }
            .map { "\($0.nameText.dropFirst(22)): \($0.valueText ?? "?")" }
        #expect(shown == ["hw-disk: folded", "B-C: first", "a%0D%0AEvil%3A%201%2F%25: v%0D%0A"])
    }

    @Test func `capitals win over small letters only when they are two`() throws {
        let update = try update([
            ("X-Image-Meta-Property-a", "1"), ("X-Image-Meta-Property-A", "2"), ("X-Image-Meta-Property-a", "3"),
            ("X-Image-Meta-Property-Mixed", "1"), ("X-Image-Meta-Property-mixed", "2"),
            ("X-Image-Meta-Property-9", "1"), ("X-Image-Meta-Property-9", "2"),
        ])
        #expect(
            update.image.properties
                == Properties([
                    Property("a", "1,2,3"), Property("mixed", "1,2"), Property("9", "1,2"),
                ]))
    }

    @Test(arguments: [
        [("X-Image-Meta-Name", "a%00b")], [("X-Image-Meta-Property-K", "%00")], [("X-Image-Meta-Property-%00", "v")],
        [("X-Image-Meta-Property-%FF", "v")], [("X-Image-Meta-Min-Ram", "-1")],
        [("X-Image-Meta-Size", "99999999999999999999")], [("X-Image-Meta-Checksum", "")],
        [("X-Image-Meta-Description", "d")], [("X-Image-Meta-Store", "pithos")],
        [("X-Meta-Location", "pithos://u/c/o")],
    ])
    func `an update with a bad value is refused`(fields: [(String, String)]) throws {
        do {
            _ = try update(fields)
            Issue.record("accepted")
        } catch let failure as Failure {
            #expect(failure.kind == .badRequest)
        }
    }

    @Test func `what a client was shown may be sent back`() throws {
        var current = Image()
        current[.id] = .text("x")
        current[.diskFormat] = .text("raw")
        current[.visibility] = .text("public")
        current[.size] = .integer(5)
        current[.checksum] = .text("ABC")
        current[.status] = .text("active")
        current.properties.set("hw-disk", "1")
        let shown = try headers(Plankton()) { $0 = current }
        #expect(shown["x-image-meta-disk-format"] == "diskdump")
        let echo = try update([
            ("X-Image-Meta-Disk-Format", "diskdump"), ("X-Image-Meta-Is-Public", "True"), ("X-Image-Meta-Size", "5"),
            ("X-Image-Meta-Checksum", "abc"), ("X-Image-Meta-Status", "frozen"), ("X-Image-Meta-Property-Hw-Disk", "1"),
        ])
        #expect(try echo.changes(on: current, by: Caller()).isEmpty)
        let change = try update([
            ("X-Image-Meta-Disk-Format", "extdump"), ("X-Image-Meta-Property-Hw_Disk", ""),
        ])
        let changes = try change.changes(on: current, by: Caller())
        #expect(changes.fields.map(\.field) == [.diskFormat] && changes.removedProperties == ["hw-disk"])
        #expect(throws: Failure.self) {
            try self.update([("X-Image-Meta-Size", "6")]).changes(on: current, by: Caller())
        }
    }

    @Test(arguments: ["name=%00", "status=a%00", "disk_format=%00", "container_format=%00", "size_min=%00"])
    func `a NUL in a filter is refused`(query: String) {
        #expect { try decode(Plankton(), "GET", "/images?\(query)") } throws: { error in
            (error as? Failure)?.kind == .badRequest
        }
    }

    @Test func `filters know what foreign images are shown as`() throws {
        let target =
            "/images?disk_format=diskdump&size_min=-99999999999999999999&size_max=%2099999999999999999999&name=%FF"
        guard case .listImages(let query) = try decode(Plankton(), "GET", target),
            case .listImages(let raw) = try decode(Plankton(), "GET", "/images?disk_format=raw")
        else { throw Vectors.Fault(description: "no list") }
        #expect(query.filters.contains(.oneOf(.diskFormat, [.text("diskdump"), .text("raw")])))
        #expect(query.filters.contains(.atLeast(.size, -Int64.max)) && query.filters.contains(.atMost(.size, .max)))
        var image = Image()
        image[.diskFormat] = .text("raw")
        #expect(!raw.matches(image))
    }
}
