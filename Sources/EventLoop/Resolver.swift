public import Posix

/// Name look-ups off the loop.
public enum Resolver {
    /// The addresses of a host in the resolver's order, never empty; a literal address needs no look-up.
    public static func resolve(_ host: String, port: UInt16) async throws(NameLookup.Failure) -> [SocketAddress] {
        if let literal = SocketAddress(literal: host, port: port) { return [literal] }
        guard !host.isEmpty, !host.utf8.contains(0) else { throw NameLookup.Failure(reason: "no host name") }
        do {
            return try await OffloadPool.shared.run { try NameLookup.addresses(of: host, port: port) }
        } catch let failure as NameLookup.Failure {
            throw failure
        } catch {
            throw NameLookup.Failure(reason: "look-up failed")
        }
    }
}
