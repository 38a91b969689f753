import EventLoop
import Posix

/// The addresses of one endpoint on one loop: looked up off the loop, kept for a while, and kept longer while the
/// resolver fails.
final class AddressBook: @unchecked Sendable {
    private let loop: EventLoop
    private let host: String
    private let port: UInt16
    /// Known without a look-up: pinned, or a literal host.
    private let fixed: [SocketAddress]?
    private let tuning: UpstreamTuning
    private var known: [SocketAddress] = []
    private var lookedUp = MonotonicTime(nanoseconds: 0)
    private var isRefreshing = false
    /// Calls that wait for the refresh.
    private var waiting: [LoopWait<Void>] = []
    private var failure: NameLookup.Failure?

    init(loop: EventLoop, url: UpstreamURL, tuning: UpstreamTuning) {
        self.loop = loop
        self.tuning = tuning
        host = url.host
        port = url.port
        fixed = tuning.pinnedAddresses ?? SocketAddress(literal: url.host, port: url.port).map { [$0] }
    }

    /// Addresses to try in order, never empty. However many calls ask, there is one look-up.
    func addresses(within time: Duration) async throws(TransportError) -> [SocketAddress] {
        if let fixed {
            guard !fixed.isEmpty else { throw .resolveFailed("\(host): no address is allowed") }
            return fixed
        }
        let age = loop.now - lookedUp
        if !known.isEmpty, age < tuning.staleAddressTime {
            if age > tuning.addressTime { refresh() }
            return known
        }
        refresh()
        let wait = LoopWait<Void>(loop)
        waiting.append(wait)
        switch await wait.outcome(within: time) {
        case .ended: break
        case .timedOut: throw .timedOut(.connect)
        case .cancelled: throw .cancelled
        }
        if let failure { throw .resolveFailed("\(host): \(failure.reason)") }
        return known
    }

    private func refresh() {
        guard !isRefreshing else { return }
        isRefreshing = true
        loop.spawn {
            do throws(NameLookup.Failure) {
                self.known = try await Resolver.resolve(self.host, port: self.port, within: Self.longestLookUp)
                self.lookedUp = self.loop.now
                self.failure = nil
            } catch {
                self.failure = error
            }
            self.isRefreshing = false
            let waiting = self.waiting
            self.waiting = []
            for wait in waiting { wait.end(()) }
        }
    }

    /// A resolver that takes longer is asked anew.
    private static let longestLookUp = Duration.seconds(30)
}
