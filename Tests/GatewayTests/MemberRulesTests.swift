import Images
import Testing

@testable import Gateway

@Suite struct MemberRulesTests {
    private func operations(_ id: String) -> [Operation] {
        [
            .addMember(id: "1", member: Member(id: id)),
            .removeMember(id: "1", memberID: id, absentIsDone: false),
            .replaceMembers(id: "1", members: [Member(id: "first"), Member(id: id)]),
        ]
    }

    @Test(arguments: [
        "a", "tenant-1", "user@example.org", "a b", "a/b", "ü", "0", String(repeating: "x", count: 255),
        String(repeating: "ü", count: 255),
    ])
    func `a member id has 1 to 255 characters`(id: String) {
        for operation in operations(id) {
            #expect(throws: Never.self) { try MemberRules.check(operation) }
        }
    }

    @Test(arguments: [
        "", String(repeating: "x", count: 256), String(repeating: "e\u{301}", count: 128), "a\nb",
        "a\r\nX-Roles: admin",
        "\u{0}", "a\u{7f}", "\t",
    ])
    func `no other member id reaches a backend`(id: String) {
        for operation in operations(id) {
            let failure = #expect(throws: Failure.self) { try MemberRules.check(operation) }
            #expect(failure?.kind == .badRequest)
            #expect(failure?.message.contains("member_id") == true)
        }
    }

    @Test func `one request names at most 1024 members`() {
        let members = (0..<1024).map { Member(id: "m\($0)") }
        #expect(throws: Never.self) { try MemberRules.check(.replaceMembers(id: "1", members: members)) }
        #expect(throws: Never.self) { try MemberRules.check(.replaceMembers(id: "1", members: [])) }
        let failure = #expect(throws: Failure.self) {
            try MemberRules.check(.replaceMembers(id: "1", members: members + [Member(id: "x")]))
        }
        #expect(failure?.kind == .tooLarge)
    }
}
