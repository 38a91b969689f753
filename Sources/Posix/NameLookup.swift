import Glibc

/// The system's resolver. Blocks: only on threads that may.
public enum NameLookup {
    /// No address for that name; the text is the resolver's.
    public struct Failure: Error, Sendable, Equatable {
        public let reason: String
        public init(reason: String) { self.reason = reason }
    }

    /// The stream addresses of a host in the resolver's order, never empty.
    ///
    /// - Parameter ofEveryFamily: also addresses of a family that this machine has none of itself.
    public static func addresses(
        of host: String, port: UInt16, ofEveryFamily: Bool = false
    ) throws(Failure) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = ofEveryFamily ? 0 : AI_ADDRCONFIG
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
