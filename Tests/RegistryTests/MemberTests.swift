import Images
import Registry
import Testing

@Suite struct MemberTests {
    static func members(_ bench: Bench, _ id: String, _ caller: Caller = .alice) async throws -> [Member] {
        guard case .members(let list) = try await bench.perform(.listMembers(id: id), caller) else { return [] }
        #expect(list.owner == "alice")
        #expect(list.members.allSatisfy { $0.createdAt != nil && $0.updatedAt != nil })
        return list.members.map { Member(id: $0.id, canShare: $0.canShare, status: $0.status) }
    }

    @Test func `members are added, changed, replaced and removed`() async throws {
        let bench = try Bench()
        let id = try await bench.create(.of("a")).id
        _ = try await bench.perform(.addMember(id: id, member: Member(id: "bob", canShare: true)))
        _ = try await bench.perform(.addMember(id: id, member: Member(id: "bob")))
        #expect(try await Self.members(bench, id) == [Member(id: "bob", canShare: true, status: "pending")])
        _ = try await bench.perform(
            .replaceMembers(
                id: id, members: [Member(id: "bob"), Member(id: "x", canShare: true), Member(id: "x", canShare: false)])
        )
        #expect(
            try await Self.members(bench, id) == [
                Member(id: "bob", canShare: true, status: "pending"),
                Member(id: "x", canShare: false, status: "pending"),
            ])
        _ = try await bench.perform(.removeMember(id: id, memberID: "x", absentIsDone: false))
        #expect(await bench.kind(.removeMember(id: id, memberID: "x", absentIsDone: false)) == .memberNotFound)
        #expect(await bench.kind(.removeMember(id: id, memberID: "x", absentIsDone: true)) == nil)
        try bench.reopen()
        #expect(try await Self.members(bench, id).map(\.id) == ["bob"])
        _ = try await bench.perform(.replaceMembers(id: id, members: []))
        #expect(try await Self.members(bench, id).isEmpty)
    }

    @Test func `members see themselves, strangers nothing, and only sharers share`() async throws {
        let bench = try Bench()
        let id = try await bench.create(.of("a")).id
        #expect(await bench.kind(.listMembers(id: id), .bob) == .imageNotFound)
        _ = try await bench.perform(
            .replaceMembers(id: id, members: [Member(id: "bob"), Member(id: "carol", canShare: true)]))
        #expect(try await Self.members(bench, id, .bob).map(\.id) == ["bob"])
        #expect(try await Self.members(bench, id, .admin).count == 2)
        #expect(await bench.kind(.addMember(id: id, member: Member(id: "dave")), .bob) == .membershipForbidden)
        #expect(await bench.kind(.addMember(id: id, member: Member(id: "dave")), .carol) == nil)
        #expect(await bench.kind(.updateImage(ImageUpdate(id: id, image: .of("z"))), .bob) == .forbidden)
        #expect(await bench.kind(.addMember(id: id, member: Member(id: "x")), .nobody) == .imageNotFound)
        let open = try await bench.create(.of("b", [.isPublic: .boolean(true)])).id
        #expect(try await Self.members(bench, open, .bob).isEmpty)
        #expect(await bench.kind(.addMember(id: open, member: Member(id: "x")), .nobody) == .unauthorized)
    }

    @Test func `shared images are told in both directions`() async throws {
        let bench = try Bench()
        let a = try await bench.create(.of("a")).id
        let b = try await bench.create(.of("b", [.isPublic: .boolean(true)])).id
        let c = try await bench.create(.of("c")).id
        _ = try await bench.perform(.addMember(id: a, member: Member(id: "bob", canShare: true)))
        _ = try await bench.perform(.addMember(id: b, member: Member(id: "bob")))
        func shared(_ query: SharedImagesQuery, _ caller: Caller) async throws -> [SharedImage] {
            guard case .sharedImages(let list) = try await bench.perform(.listSharedImages(query), caller) else {
                return []
            }
            return list
        }
        let both = [SharedImage(imageID: a, canShare: true), SharedImage(imageID: b, canShare: false)]
        #expect(try await shared(.sharedWith("bob"), .bob) == both)
        #expect(try await shared(.sharedWith("bob"), .alice) == both)
        #expect(try await shared(.sharedWith("bob"), .admin) == both)
        #expect(try await shared(.sharedWith("bob"), .carol).isEmpty)
        #expect(try await shared(.ownedBy("alice"), .bob).map(\.imageID) == [a])
        #expect(try await shared(.ownedBy("alice"), .alice).map(\.imageID) == [a, c])
        #expect(try await shared(.ownedBy("nobody"), .alice).isEmpty)
    }
}
