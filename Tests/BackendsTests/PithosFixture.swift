import Backends
import Bytes
import Dialects
import Images
import Testing

/// A scripted store and what is said to it.
enum PithosFixture {
    static let uuid = "5583ffe1-5273-4c84-9e32-2fbe476bd7b7"
    static let data = Array("abcdefghij".utf8)
    /// Of the data in blocks of four (astakos-pithos §2.4).
    static let hash = "18374008371944fcd365918bfd1187d4edcaaad1ce8dc23e746347129b1f22d1"
    static let path = "/alice/my%20images/d%C3%A9b/x.img"
    static let container = "/alice/my%20images"

    static func location() throws -> PithosLocation {
        try PithosLocation("pithos://alice/my%20images/d%C3%A9b/x.img")
    }

    static func object(size: Int64 = 10, hash: String = hash, isOwn: Bool = true) throws -> PithosObject {
        PithosObject(
            location: try location(), content: VerifiedObject(size: size, hash: hash, uuid: uuid), version: "v/7",
            changed: nil, isOwn: isOwn)
    }

    static let headFields: [(String, String)] = [
        ("Content-Length", "10"), ("X-Object-UUID", uuid.uppercased()), ("X-Object-Hash", hash.uppercased()),
        ("X-Object-Version", "v/7"), ("ETag", hash), ("Content-Type", "application/octet-stream"),
        ("X-Object-Version-Timestamp", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ]

    /// The answer to HEAD; nil takes a field away.
    static func described(_ changes: [(String, String?)] = []) -> ScriptedTransport.Reply {
        var fields = headFields
        for (name, value) in changes {
            fields.removeAll { $0.0 == name }
            if let value { fields.append((name, value)) }
        }
        return .answer(200, fields, [])
    }

    static let blocks = ScriptedTransport.Reply.answer(
        204, [("X-Container-Block-Size", "4"), ("X-Container-Block-Hash", "sha256")], [])

    static func head(_ reply: ScriptedTransport.Reply = described()) -> ScriptedTransport.Step {
        step("HEAD", path, reply)
    }

    static func head(container reply: ScriptedTransport.Reply) -> ScriptedTransport.Step {
        step("HEAD", container, reply)
    }

    static func get(_ reply: ScriptedTransport.Reply, range: String? = nil) -> ScriptedTransport.Step {
        var step = step("GET", path + "?version=v%2F7", reply)
        if let range { step.headers.append(("Range", range)) }
        return step
    }

    static func step(_ method: String, _ target: String, _ reply: ScriptedTransport.Reply) -> ScriptedTransport.Step {
        ScriptedTransport.Step(method: method, target: target, headers: [("X-Auth-Token", "t")], reply: reply)
    }

    static func part(_ range: Range<Int>) -> ScriptedTransport.Reply {
        .answer(206, [contentRange(range)], Array(data[range]))
    }

    static func contentRange(_ range: Range<Int>) -> (String, String) {
        ("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/10")
    }

    static func status(_ status: Int) -> ScriptedTransport.Reply { .answer(status, [], Array("no".utf8)) }
}

/// What became of a call to a store.
func pithosResult<Value>(
    _ work: () async throws(PithosFault) -> Value
) async -> (value: Value?, fault: PithosFault?) {
    do throws(PithosFault) {
        return (try await work(), nil)
    } catch {
        return (nil, error)
    }
}
