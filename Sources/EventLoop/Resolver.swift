import Glibc
public import Posix

/// Name look-ups off the loop.
public enum Resolver {
    /// No address for that name; the text is the resolver's.
    public struct Failure: Error, Sendable, Equatable {
        public let reason: String
    }

    /// The addresses of a host in the resolver's order, never empty; a literal address needs no look-up.
    public static func resolve(_ host: String, port: UInt16) async throws(Failure) -> [SocketAddress] {
        if let literal = SocketAddress(literal: host, port: port) { return [literal] }
        guard !host.isEmpty, !host.utf8.contains(0) else { throw Failure(reason: "no host name") }
        do {
            return try await OffloadPool.shared.run { try lookUp(host, port) }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(reason: "look-up failed")
        }
    }

    private static func lookUp(_ host: String, _ port: UInt16) throws(Failure) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else { throw Failure(reason: String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var entry = list
        while let current = entry {
            if let address = current.pointee.ai_addr {
                let kernel = SocketAddress(pointer: address, length: current.pointee.ai_addrlen)
                if let kernel, !found.contains(kernel) { found.append(kernel) }
            }
            entry = current.pointee.ai_next
        }
        guard !found.isEmpty else { throw Failure(reason: "no usable address") }
        return found
    }
}
