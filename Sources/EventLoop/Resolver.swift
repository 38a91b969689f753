public import Posix

/// Name look-ups off the loop, limited in time.
///
/// The system's resolver cannot be stopped: a look-up that takes too long goes on in its thread, and nobody waits for it.
public enum Resolver {
    /// Whose names are looked up. Each has threads of its own, so that names chosen by clients cannot keep the
    /// backends' waiting.
    public enum Purpose: Sendable {
        /// Addresses to connect to from here.
        case connecting
        /// Every address that anybody could connect to, also of families that this machine does not have.
        case judging

        fileprivate var pool: OffloadPool {
            switch self {
            case .connecting: .shared
            case .judging: Resolver.judges
            }
        }
    }

    private static let judges = OffloadPool(threads: 2)

    /// The addresses of a host in the resolver's order, never empty; a literal address needs no look-up. Off a loop the
    /// time is not limited.
    public static func resolve(
        _ host: String, port: UInt16, for purpose: Purpose = .connecting, within time: Duration
    ) async throws(NameLookup.Failure) -> [SocketAddress] {
        if let literal = SocketAddress(literal: host, port: port) { return [literal] }
        guard !host.isEmpty, !host.utf8.contains(0) else { throw NameLookup.Failure(reason: "no host name") }
        let isAll = purpose == .judging
        let lookUp = {
            @Sendable () -> Result<[SocketAddress], NameLookup.Failure> in
            Result { () throws(NameLookup.Failure) in
                try NameLookup.addresses(of: host, port: port, ofEveryFamily: isAll)
            }
        }
        guard let loop = EventLoop.current else {
            return try await withUnsafeContinuation { waiting in
                purpose.pool.post { waiting.resume(returning: lookUp()) }
            }.get()
        }
        let wait = LoopWait<Result<[SocketAddress], NameLookup.Failure>>(loop)
        purpose.pool.post {
            let found = lookUp()
            loop.execute { wait.end(found) }
        }
        switch await wait.outcome(within: time) {
        case .ended(let found): return try found.get()
        case .timedOut: throw NameLookup.Failure(reason: "no answer from the resolver in time")
        case .cancelled: throw NameLookup.Failure(reason: "cancelled")
        }
    }
}
