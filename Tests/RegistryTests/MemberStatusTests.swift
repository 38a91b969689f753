import Images
import Registry
import Testing

/// Members as the Image API v2 knows them (image-v2 §13).
@Suite struct MemberStatusTests {
    static func add(_ bench: Bench, _ id: String, _ member: String, _ caller: Caller = .alice) async throws(Failure)
        -> Member?
    {
        let operation = Operation.addMember(id: id, member: Member(id: member, status: "pending"))
        guard case .member(let added, let imageID) = try await bench.perform(operation, caller), imageID == id else {
            return nil
        }
        return added
    }

    static func status(_ bench: Bench, _ id: String, _ member: String, _ caller: Caller) async throws(Failure)
        -> String?
    {
        guard case .member(let member, _) = try await bench.perform(.showMember(id: id, memberID: member), caller)
        else { return nil }
        return member.status
    }

    @Test func `a member begins as pending, answers for itself, and a restart keeps the answer`() async throws {
        let bench = try Bench()
        let id = try await bench.create(.of("a")).id
        let added = try await Self.add(bench, id, "bob")
        #expect(added?.status == "pending" && added?.createdAt != nil && added?.createdAt == added?.updatedAt)
        let accept = Operation.setMemberStatus(id: id, memberID: "bob", status: "accepted")
        #expect(await bench.kind(accept) == .forbidden, "the owner may not")
        #expect(await bench.kind(accept, .carol) == .imageNotFound)
        guard case .member(let accepted, _) = try await bench.perform(accept, .bob) else { return }
        #expect(accepted.status == "accepted" && accepted.createdAt == added?.createdAt)
        try bench.reopen()
        guard case .members(let list) = try await bench.perform(.listMembers(id: id)) else { return }
        #expect(list.members == [accepted] && list.visibility == .shared)
        #expect(await bench.kind(.setMemberStatus(id: id, memberID: "bob", status: "rejected"), .admin) == nil)
        #expect(try await Self.status(bench, id, "bob", .alice) == "rejected")
        #expect(await bench.kind(.setMemberStatus(id: id, memberID: "bob", status: "maybe"), .bob) == .badRequest)
        #expect(await bench.kind(.setMemberStatus(id: id, memberID: "eve", status: "accepted")) == .memberNotFound)
    }

    @Test func `nobody is added twice, and no member shares on`() async throws {
        let bench = try Bench()
        let id = try await bench.create(.of("a")).id
        _ = try await bench.perform(.addMember(id: id, member: Member(id: "bob", canShare: true)))
        await #expect(throws: Failure.self) { try await Self.add(bench, id, "bob") }
        let again = Operation.addMember(id: id, member: Member(id: "bob", status: "pending"))
        let other = Operation.addMember(id: id, member: Member(id: "carol", status: "pending"))
        #expect(await bench.kind(again) == .conflict)
        #expect(await bench.kind(other, .bob) == .membershipForbidden)
        #expect(await bench.kind(.addMember(id: id, member: Member(id: "carol")), .bob) == nil, "v1 lets it share")
        #expect(try await Self.status(bench, id, "carol", .carol) == "pending")
        #expect(await bench.kind(.showMember(id: id, memberID: "carol"), .bob) == .memberNotFound)
    }

    @Test(arguments: [Visibility.private, .public, .community])
    func `only shared images take members, and what is kept comes back with them`(visibility: Visibility) async throws {
        let bench = try Bench()
        let id = try await bench.create(.of("a")).id
        _ = try await Self.add(bench, id, "bob")
        func set(_ visibility: Visibility) async throws {
            var image = Image()
            image[.visibility] = .text(visibility.rawValue)
            #expect(
                try await bench.image(.updateImage(ImageUpdate(id: id, image: image))).visibility == visibility)
        }
        try await set(visibility)
        let add = Operation.addMember(id: id, member: Member(id: "carol", status: "pending"))
        #expect(await bench.kind(add) == .forbidden)
        #expect(await bench.kind(.showMember(id: id, memberID: "bob")) == .forbidden)
        let accept = Operation.setMemberStatus(id: id, memberID: "bob", status: "accepted")
        #expect(await bench.kind(accept, .bob) == (visibility == .private ? .imageNotFound : .forbidden))
        #expect(await bench.kind(.showImage(id: id), .bob) == (visibility == .private ? .imageNotFound : nil))
        guard case .members(let list) = try await bench.perform(.listMembers(id: id)) else { return }
        #expect(list.visibility == visibility)
        try await set(.shared)
        #expect(await bench.kind(accept, .bob) == nil)
    }

    @Test func `the first member of a v1 client makes a private image a shared one`() async throws {
        let bench = try Bench()
        let own = try await bench.create(.of("a", [.visibility: .text("private")])).id
        let everybodys = try await bench.create(.of("b", [.visibility: .text("community")])).id
        let open = try await bench.create(.of("c", [.visibility: .text("public")])).id
        let bob = Member(id: "bob")
        _ = try await bench.perform(.replaceMembers(id: own, members: []))
        #expect(try await bench.show(own).visibility == .private)
        _ = try await bench.perform(.addMember(id: own, member: bob))
        #expect(try await bench.show(own, .bob).visibility == .shared)
        #expect(await bench.kind(.addMember(id: everybodys, member: bob)) == .forbidden)
        #expect(await bench.kind(.replaceMembers(id: everybodys, members: [bob])) == .forbidden)
        #expect(await bench.kind(.addMember(id: open, member: bob)) == nil)
        #expect(try await bench.show(open).visibility == .public)
    }

    @Test(arguments: [
        (ImageQuery.VisibilityChoice.usual, "accepted" as String?, ["own", "public"]),
        (.usual, "pending", ["own", "public", "shared"]), (.usual, nil, ["own", "public", "shared"]),
        (.all, "accepted", ["community", "own", "public"]), (.only(.community), nil, ["community"]),
        (.only(.shared), nil, ["own", "shared"]), (.only(.private), nil, []), (.only(.public), nil, ["public"]),
    ])
    func `a list of the Image API v2 goes by visibility and member status`(
        choice: ImageQuery.VisibilityChoice, status: String?, names: [String]
    ) async throws {
        let bench = try Bench()
        try await bench.create(.of("own"))
        for visibility in Visibility.allCases {
            let image = Image.of(visibility.rawValue, [.visibility: .text(visibility.rawValue)])
            let id = try await bench.create(image, .none, .bob).id
            if visibility == .shared { _ = try await Self.add(bench, id, "alice", .bob) }
        }
        let query = ImageQuery(
            isDetailed: true, scope: .reachable(choice, memberStatus: status), sort: [.init(.name, ascending: true)])
        #expect(try await bench.ids(query) == names)
    }

    @Test func `hidden images, tags and times are filtered`() async throws {
        let bench = try Bench()
        var tagged = Image.of("tagged")
        tagged.tags = ["a", "b"]
        let first = try await bench.create(tagged)
        try await bench.create(.of("hidden", [.hidden: .boolean(true)]))
        let cases: [([ImageQuery.Filter], [String])] = [
            ([.tag("a"), .tag("b")], ["tagged"]), ([.tag("a"), .tag("c")], []),
            ([.oneOf(.hidden, [.boolean(false)])], ["tagged"]), ([.oneOf(.hidden, [.boolean(true)])], ["hidden"]),
            ([.oneOf(.visibility, [.text("shared")])], ["hidden", "tagged"]),
            ([.time(.createdAt, .less, Timestamp(seconds: 0))], []),
            ([.time(.createdAt, .greaterOrEqual, first.time(.createdAt) ?? .init(seconds: 0))], ["hidden", "tagged"]),
        ]
        for (filters, names) in cases {
            let query = ImageQuery(
                isDetailed: true, scope: .reachable(.usual, memberStatus: "accepted"), filters: filters,
                sort: [.init(.name, ascending: true)])
            #expect(try await bench.ids(query) == names, "\(filters)")
        }
    }
}
