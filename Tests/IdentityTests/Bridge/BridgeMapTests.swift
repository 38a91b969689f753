import Images
import Testing

@testable import Identity

/// Who works in which project.
@Suite struct BridgeMapTests {
    private static let secret = BridgeMap.Access.applicationCredential(id: "ac", secretFile: "/secret")

    private static let map = BridgeMap(
        users: ["alice": "research", "bob": "unlisted", "caf\u{e9}": "research"],
        tenants: ["acme": "sales", "lab": "research"],
        projects: [
            "research": secret, "sales": .trust(id: "t"), "synnefo-carol": secret, "synnefo-": secret,
            "synnefo-a/b": secret, "synnefo-{user}": secret, "synnefo-alice": secret, "synnefo-d@e.f_g-1": secret,
        ],
        template: BridgeTemplate("synnefo-{user}"))

    struct Case: Sendable, CustomTestStringConvertible {
        let user: String?
        var tenant: String?
        let project: String?
        var testDescription: String { "\(user ?? "-") of \(tenant ?? "-")" }
    }

    @Test(arguments: [
        Case(user: "alice", project: "research"),
        Case(user: "alice", tenant: "acme", project: "research"),
        Case(user: "x", tenant: "acme", project: "sales"),
        Case(user: nil, tenant: "lab", project: "research"),
        // Named, but the project is not to be used: no other rule helps.
        Case(user: "bob", tenant: "acme", project: nil),
        Case(user: "carol", project: "synnefo-carol"),
        Case(user: "d@e.f_g-1", project: "synnefo-d@e.f_g-1"),
        Case(user: "dave", project: nil),
        Case(user: "", project: nil),
        Case(user: "a/b", project: nil),
        Case(user: "{user}", project: nil),
        Case(user: "carol\n", project: nil),
        Case(user: "Alice", project: nil),
        Case(user: nil, tenant: "carol", project: nil),
        Case(user: nil, project: nil),
        Case(user: "caf\u{e9}", project: "research"),
        // The same for Unicode, not for us.
        Case(user: "cafe\u{301}", project: nil),
    ])
    func `the project of a caller`(_ wanted: Case) {
        #expect(Self.map.project(of: Caller(user: wanted.user, tenant: wanted.tenant)) == wanted.project)
    }

    @Test(arguments: [
        ("{user}", "u", "t"), ("{tenant}", "t", "t"), ("x-{tenant}-y", "x-t-y", "t"), ("{user}.", "u.", "t"),
    ])
    func `a template fills in one claim`(text: String, filled: String, tenant: String) {
        #expect(BridgeTemplate(text)?.filled(for: Caller(user: "u", tenant: tenant)) == filled)
    }

    @Test(arguments: [
        "", "plain", "{user", "user}", "}user{", "{}", "{role}", "{USER}", "{user}{tenant}", "{user}-{user}", "{user}}",
        "{{user}}", "{ user }",
    ])
    func `other templates are none`(text: String) {
        #expect(BridgeTemplate(text) == nil)
    }

    @Test(arguments: (0...255).map { UInt8($0) })
    func `only letters, digits and four marks fill a template`(byte: UInt8) {
        let value = "a" + String(Unicode.Scalar(byte)) + "b"
        let isGood =
            (byte < 128 && Unicode.Scalar(byte).properties.isAlphabetic) || "0123456789._@-".utf8.contains(byte)
        #expect((BridgeTemplate("{user}")?.filled(for: Caller(user: value)) != nil) == isGood)
    }
}
