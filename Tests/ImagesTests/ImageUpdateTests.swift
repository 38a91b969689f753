import Images
import Testing

@Suite struct ImageUpdateTests {
    let caller = Caller(user: "alice", tenant: "acme")

    func image(_ name: String, format: String = "raw", _ properties: [Property] = []) -> Image {
        var image = Image()
        image[.id] = .text("1")
        image[.name] = .text(name)
        image[.status] = .text("active")
        image[.diskFormat] = .text(format)
        image[.size] = .integer(3)
        image.properties = Properties(properties)
        return image
    }

    @Test func `a value equal to the present one changes nothing`() throws {
        var wanted = Image()
        wanted[.name] = .text("n")
        wanted[.owner] = .null
        let changes = try ImageUpdate(id: "1", image: wanted).changes(on: image("n"), by: caller)
        #expect(changes.isEmpty)
    }

    @Test func `a value equal to the shown one changes nothing`() throws {
        var wanted = Image()
        wanted[.diskFormat] = .text("raw")
        let update = ImageUpdate(
            id: "1", image: wanted, shown: { field, _ in field == .diskFormat ? .text("raw") : nil })
        #expect(try update.changes(on: image("n", format: "qcow2"), by: caller).isEmpty)
    }

    @Test func `names that differ only in Unicode composition are two names`() throws {
        var wanted = Image()
        wanted[.name] = .text("e\u{301}")
        let changes = try ImageUpdate(id: "1", image: wanted).changes(on: image("\u{e9}"), by: caller)
        #expect(changes.fields.map(\.field) == [.name])
    }

    @Test func `purging removes what is not named and keeps what must stay`() throws {
        var wanted = Image()
        wanted.properties = Properties([Property("a", "2")])
        let current = image("n", [Property("a", "1"), Property("b", "1"), Property("os_glance_x", "1")])
        let changes = try ImageUpdate(id: "1", image: wanted, purgesProperties: true)
            .changes(on: current, by: caller, keeping: { $0.hasPrefix("os_glance") })
        #expect(changes.setProperties == [Property("a", "2")])
        #expect(changes.removedProperties == ["b"])
    }

    @Test func `a folded name addresses the one it folds to, an exact one first`() throws {
        var wanted = Image()
        wanted.properties = Properties([Property("hw_disk", "9")])
        let update = ImageUpdate(id: "1", image: wanted, purgesProperties: true, fold: .header)
        let folded = try update.changes(on: image("n", [Property("HW-disk", "1")]), by: caller)
        #expect(folded.setProperties == [Property("HW-disk", "9")] && folded.removedProperties.isEmpty)
        let exact = try update.changes(
            on: image("n", [Property("HW-disk", "1"), Property("hw_disk", "1")]), by: caller)
        #expect(exact.setProperties == [Property("hw_disk", "9")] && exact.removedProperties == ["HW-disk"])
    }

    @Test func `a guard refuses a change and lets the same value pass`() throws {
        var wanted = Image()
        wanted[.size] = .integer(4)
        let guarding = FieldGuard(.size, .whileActive, Failure(.forbidden, "size"))
        let update = ImageUpdate(id: "1", image: wanted, guards: [guarding])
        #expect(throws: Failure.self) { try update.changes(on: image("n"), by: caller) }
        #expect(try update.changes(on: image("n"), by: Caller(roles: ["Admin"])).isEmpty)
        wanted[.size] = .integer(3)
        #expect(try ImageUpdate(id: "1", image: wanted, guards: [guarding]).changes(on: image("n"), by: caller).isEmpty)
    }
}
