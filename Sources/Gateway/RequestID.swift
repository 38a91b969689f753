import Bytes
import HTTP

/// Names one request in answers, logs and calls to the backend (glance-v1 §3, image-v2 §1).
enum RequestID {
    static let field = "x-openstack-request-id"
    /// Longer ones crash registries (image-v2 §1).
    private static let maximumBytes = 64

    /// The client's own id with `req-` in front, if it is harmless, else a new one.
    static func of(_ head: RequestHead) -> String {
        guard let sent = head.fields[field], !sent.isEmpty else { return new() }
        let id = sent.utf8.starts(with: "req-".utf8) ? sent : "req-" + sent
        let isHarmless = id.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || byte == 0x2d || byte == 0x2e
                || byte == 0x5f
        }
        return isHarmless && id.utf8.count <= maximumBytes ? id : new()
    }

    static func new() -> String { "req-" + UUIDText.random() }
}
