import EventLoop
import Posix

/// The addresses of one endpoint on one loop: looked up off the loop, kept for a while, and kept longer while the
/// resolver fails.
final class AddressBook: @unchecked Sendable {
    private let loop: EventLoop
    private let host: String
    private let port: UInt16
    private let literal: SocketAddress?
    private let tuning: UpstreamTuning
    private var known: [SocketAddress] = []
    private var lookedUp = MonotonicTime(nanoseconds: 0)
    private var isRefreshing = false

    init(loop: EventLoop, url: UpstreamURL, tuning: UpstreamTuning) {
        self.loop = loop
        self.tuning = tuning
        host = url.host
        port = url.port
        literal = SocketAddress(literal: url.host, port: url.port)
    }

    /// Addresses to try in order, never empty.
    func addresses() async throws(TransportError) -> [SocketAddress] {
        if let literal { return [literal] }
        let age = loop.now - lookedUp
        if !known.isEmpty, age < tuning.staleAddressTime {
            if age > tuning.addressTime, !isRefreshing {
                isRefreshing = true
                loop.spawn {
                    try? await self.refresh()
                    self.isRefreshing = false
                }
            }
            return known
        }
        do {
            try await refresh()
        } catch {
            throw .resolveFailed("\(host): \(error.reason)")
        }
        return known
    }

    private func refresh() async throws(NameLookup.Failure) {
        known = try await Resolver.resolve(host, port: port)
        lookedUp = loop.now
    }
}
