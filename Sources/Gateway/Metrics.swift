import EventLoop
import Identity
import Server
import Synchronization

/// Counters of requests, one shard a loop, so that counting needs no lock; read through `/metrics`.
final class Metrics: Sendable {
    /// One loop's counters.
    final class Shard {
        struct Key: Hashable {
            var dialect: String
            var operation: String
            var status: Int
        }

        var requests: [Key: Int] = [:]
        var inFlight = 0
        var sentBytes: Int64 = 0
        var receivedBytes: Int64 = 0
    }

    private let shards = LoopLocal<Shard> { _ in Shard() }
    private let loops: [EventLoop]
    /// What is remembered of tokens, by the identity's place in the configuration.
    private let identities = Mutex<[(name: String, identity: CachedIdentity)]>([])

    init(_ loops: [EventLoop]) { self.loops = loops }

    func watch(_ found: [(name: String, identity: CachedIdentity)]) { identities.withLock { $0 += found } }

    private var shard: Shard? { EventLoop.current.map(shards.value) }

    func begin() { shard?.inFlight += 1 }

    func end(_ record: AccessRecord, _ report: ResponseReport) {
        guard let shard else { return }
        if record.dialect != "-" { shard.inFlight -= 1 }
        shard.requests[
            Shard.Key(dialect: record.dialect, operation: record.operation, status: report.status), default: 0] += 1
        shard.sentBytes += report.sentBytes
        shard.receivedBytes += report.receivedBytes
    }

    /// In the text form of Prometheus.
    func text() async -> String {
        var requests: [Shard.Key: Int] = [:]
        var inFlight = 0
        var sent: Int64 = 0
        var received: Int64 = 0
        for loop in loops {
            let shards = shards
            let copy = await loop.spawn {
                let shard = shards.value(on: loop)
                return (shard.requests, shard.inFlight, shard.sentBytes, shard.receivedBytes)
            }.value
            requests.merge(copy.0, uniquingKeysWith: +)
            inFlight += copy.1
            sent += copy.2
            received += copy.3
        }
        var lines = ["# TYPE baleen_requests_total counter"]
        lines += requests.map { key, count in
            "baleen_requests_total{dialect=\"\(key.dialect)\",operation=\"\(key.operation)\",status=\"\(key.status)\"} \(count)"
        }.sorted()
        lines += ["# TYPE baleen_requests_in_flight gauge", "baleen_requests_in_flight \(inFlight)"]
        lines += ["# TYPE baleen_body_sent_bytes_total counter", "baleen_body_sent_bytes_total \(sent)"]
        lines += ["# TYPE baleen_body_received_bytes_total counter", "baleen_body_received_bytes_total \(received)"]
        lines += identityLines()
        return lines.joined(separator: "\n") + "\n"
    }

    private func identityLines() -> [String] {
        let usages = identities.withLock { $0.map { ($0.name, $0.identity.usage) } }
        guard !usages.isEmpty else { return [] }
        return Self.identityFamilies.flatMap { family in
            ["# TYPE \(family.name) \(family.type)"]
                + usages.flatMap { place, usage in
                    family.values(usage).map { label, value in
                        "\(family.name){identity=\"\(place)\"\(label)} \(value)"
                    }
                }
        }
    }

    private struct IdentityFamily {
        let name: String
        let type: String
        /// Further labels, and the value.
        let values: @Sendable (TokenCacheUsage) -> [(String, UInt64)]
    }

    private static let identityFamilies = [
        IdentityFamily(name: "baleen_identity_tokens", type: "gauge") {
            [(",answer=\"known\"", UInt64($0.known)), (",answer=\"unknown\"", UInt64($0.unknown))]
        },
        IdentityFamily(name: "baleen_identity_cache_bytes", type: "gauge") { [("", UInt64($0.bytes))] },
        IdentityFamily(name: "baleen_identity_hits_total", type: "counter") { [("", $0.hits)] },
        IdentityFamily(name: "baleen_identity_lookups_total", type: "counter") { [("", $0.lookups)] },
    ]
}
