import HTTP
import Testing

@testable import Gateway

@Suite struct RequestIDTests {
    private func id(_ sent: String?) -> String {
        RequestID.of(
            RequestHead(
                method: "GET", target: "/", fields: Fields(sent.map { [("X-OpenStack-Request-ID", $0)] } ?? [])))
    }

    /// `req-` and a UUID of version 4.
    private func isNew(_ id: String) -> Bool {
        let parts = id.dropFirst(4).split(separator: "-", omittingEmptySubsequences: false)
        return id.hasPrefix("req-") && parts.map(\.count) == [8, 4, 4, 4, 12] && parts[2].hasPrefix("4")
            && id.dropFirst(4).allSatisfy { $0.isHexDigit || $0 == "-" }
    }

    @Test func `without an id of the client there is a new one each time`() {
        let ids = (0..<100).map { _ in id(nil) }
        #expect(ids.allSatisfy(isNew))
        #expect(Set(ids).count == 100)
    }

    @Test(arguments: [
        ("req-1", "req-1"), ("1", "req-1"), ("A.b_C-9", "req-A.b_C-9"), ("Req-1", "req-Req-1"),
        (String(repeating: "x", count: 60), "req-" + String(repeating: "x", count: 60)),
        ("req-" + String(repeating: "x", count: 60), "req-" + String(repeating: "x", count: 60)),
    ])
    func `a harmless id of the client is kept`(sent: String, kept: String) {
        #expect(id(sent) == kept)
    }

    @Test(arguments: [
        "", "a b", "a\nb", "a\r\nX-Roles: admin", "\u{1b}[31m", "a=b", "a\"b", "a/b", "a,b", "{}", "é", "a\u{0}", "a@b",
        "a[b", "a`b", String(repeating: "x", count: 61), "req-" + String(repeating: "x", count: 61),
    ])
    func `every other id is replaced`(sent: String) {
        #expect(isNew(id(sent)))
    }

    @Test func `bytes that are no text are replaced`() {
        var fields = Fields()
        fields.append(name: RequestID.field.utf8, value: [0x61, 0xff])
        #expect(isNew(RequestID.of(RequestHead(method: "GET", target: "/", fields: fields))))
    }
}
