import Bytes
import HTTP
import Testing
import Upstream

@testable import Identity

/// One call to an identity service and what is made of its answer, or of none.
@Suite struct IdentityCallsTests {
    private func send(_ service: ScriptedService, document: JSONValue? = nil) async throws -> IdentityCalls.Answer {
        try await onLoop { _ in
            try await IdentityCalls(service, name: "Testing").send(
                .init(document == nil ? "GET" : "POST", "/tokens", document: document))
        }
    }

    @Test func `a document goes as JSON and the answer comes back parsed`() async throws {
        let service = ScriptedService(.answer(201, #"{"a": {"b": "é"}}"#))
        let answer = try await send(service, document: .object(JSONObject(["x": .string("y")])))
        #expect(answer.status == 201 && answer.fields["X-Test"] == "yes")
        #expect(answer["a", "b"] == .string("é"))
        #expect(answer["a", "c"] == nil && answer["b"] == nil)
        let seen = try #require(service.seen.first)
        #expect(seen.method == "POST" && seen.target == "/tokens" && seen.body == #"{"x":"y"}"#)
        #expect(seen.fields == ["content-type": "application/json", "accept": "application/json"])
    }

    @Test(arguments: ["", "Invalid X-Auth-Token\n", "{", #"{"a": 1, "a": 2}"#])
    func `an answer that is not JSON has no document`(body: String) async throws {
        let answer = try await send(ScriptedService(.answer(401, body)))
        #expect(answer.status == 401 && answer.document == nil && answer["a"] == nil)
    }

    @Test(arguments: [
        TransportError.connectFailed("refused"), .resolveFailed("no such name"), .closed(sentAnything: false),
        .closed(sentAnything: true), .timedOut(.connect),
    ])
    func `a failed connection is tried twice more, each time a fresh one`(fault: TransportError) async throws {
        let recovering = ScriptedService(.fails(fault), .fails(fault), .answer(200, "{}"))
        #expect(try await send(recovering, document: .null).status == 200)
        #expect(recovering.seen.map(\.isFresh) == [false, true, true])
        #expect(Set(recovering.seen.map(\.body)) == ["null"])
        let dead = ScriptedService(.fails(fault))
        let error = await #expect(throws: IdentityFault.self) { try await send(dead) }
        #expect(error == .unavailable("Testing: \(fault)"))
        #expect(dead.seen.count == 3)
    }

    @Test(arguments: [
        TransportError.timedOut(.head), .tlsFailed("certificate"), .malformed("head"), .overloaded, .cancelled,
    ])
    func `other faults are not tried again`(fault: TransportError) async throws {
        let service = ScriptedService(.fails(fault))
        let error = await #expect(throws: IdentityFault.self) { try await send(service) }
        #expect(error == .unavailable("Testing: \(fault)"))
        #expect(service.seen.count == 1)
    }

    @Test func `half an answer and one beyond the limit are none`() async throws {
        for service in [
            ScriptedService(.breaks(200, #"{"access": {"#)),
            ScriptedService(.answer(200, String(repeating: " ", count: IdentityCalls.maxAnswerBytes + 1))),
        ] {
            let error = await #expect(throws: IdentityFault.self) { try await send(service) }
            guard case .unavailable(let cause)? = error else { return }
            #expect(cause.hasPrefix("Testing: ") && cause.contains("status 200"))
        }
    }

    @Test(arguments: [
        (#"{"m": "no"}"#, #"status 401 "{"m": "no"}""#), ("", "status 401"), ("Invalid\r\n", #"status 401 "Invalid""#),
        (#"token aa/bb= unknown"#, "status 401 (body withheld)"),
        (#"token aa\/bb= unknown"#, "status 401 (body withheld)"),
    ])
    func `a cause shows what the service said, unless it says a secret`(body: String, summary: String) {
        #expect(IdentityCalls.Answer(status: 401, body: Array(body.utf8)).summary(hiding: ["aa/bb=", ""]) == summary)
    }

    @Test(arguments: [
        ("abc/+=_-", true), ("", false), ("a b", false), ("a\r\nb", false), ("é", false), ("\u{7f}", false),
    ])
    func `a token for a header is visible ASCII`(token: String, fits: Bool) {
        #expect(IdentityCalls.fitsField(token) == fits)
    }
}
