import Posix

/// One entry of `locations.hosts`: hosts that clients may name.
///
/// `images.example.org`, `*.example.org` (every name below it, not itself), `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`; a name or
/// an IPv4 address may be followed by `:8080`, IPv6 then stands in brackets, for that port alone.
struct HostRule: Sendable, Equatable {
    enum Subject: Sendable, Equatable {
        case host(String)
        /// Names that end in a dot and this.
        case below(String)
        case block(AddressBlock)
    }

    let subject: Subject
    /// Nil: the ports of `locations.ports`.
    let port: UInt16?

    /// Nil for anything else.
    init?(_ text: String) {
        if let block = AddressBlock(text) {
            (subject, port) = (.block(block), nil)
            return
        }
        if text.hasPrefix("*.") {
            guard let host = LocationHost(text.dropFirst(2), standardPort: 1), case .name(let name) = host.name else {
                return nil
            }
            subject = .below(name)
        } else {
            guard let host = LocationHost(text[...], standardPort: 1) else { return nil }
            switch host.name {
            case .name(let name): subject = .host(name)
            case .address(let address):
                guard let literal = SocketAddress(text), let block = AddressBlock(address.host), literal == address
                else { return nil }
                subject = .block(block)
            }
        }
        port = Self.port(text)
    }

    /// The port behind a host that was read.
    private static func port(_ text: String) -> UInt16? {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        return UInt16(text[colon...].dropFirst())
    }

    /// Whether it names this host, whatever its addresses are.
    func names(_ name: String) -> Bool {
        switch subject {
        case .host(let host): host.utf8.elementsEqual(name.utf8)
        case .below(let domain): name.utf8.count > domain.utf8.count + 1 && name.hasSuffix("." + domain)
        case .block: false
        }
    }

    /// Whether it lets somebody connect to this address of a host (nil: named by its address).
    ///
    /// A name that is listed in full may be inside: that is what it is listed for. Of a whole domain only public hosts are
    /// meant, unless their addresses are listed as well.
    func admits(_ address: SocketAddress, of name: String?, allowsPrivate: Bool) -> Bool {
        switch subject {
        case .block(let block): block.contains(address)
        case .host: name.map(names) ?? false
        case .below: (name.map(names) ?? false) && (allowsPrivate || address.isPublic)
        }
    }
}
