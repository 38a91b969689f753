import Bytes
import EventLoop
import Images
import Posix
import Upstream

/// Which URLs a client may name for somebody to fetch (`locations`; reliability trap 11).
///
/// Refused are local files and the stores' own configuration always, schemes, hosts and ports that are not listed, and,
/// unless they are listed or private addresses are allowed, every http host that is or resolves to an address inside:
/// compared after parsing and after resolving.
///
/// A registry that fetches by itself resolves the name anew: only what the gateway fetches (``GuardedFetch``) is connected
/// to the address that was judged.
struct LocationPolicy: Sendable {
    /// The addresses of a name for a port; nil: there are none to be had.
    typealias LookUp = @Sendable (String, UInt16) async -> [SocketAddress]?

    var schemes: [String]
    var allowsPrivate: Bool
    /// Empty: every public host.
    var hosts: [HostRule] = []
    /// Of hosts that are not listed with a port of their own; empty: every one.
    var ports: [UInt16] = []
    var lookUp: LookUp = { name, port in
        try? await Resolver.resolve(name, port: port, for: .judging, within: Self.lookUpTime)
    }

    /// Never fetched for a client, whatever the configuration says (glance-v1 §5.1).
    private static let forbiddenSchemes = ["file", "filesystem", "swift+config"]
    /// Schemes whose host is an address on a network, with their own ports.
    private static let networkSchemes: [(name: String, port: UInt16)] = [("http", 80), ("https", 443)]
    private static let privateNames = ["localhost", "local", "internal", "localdomain", "lan", "home", "intranet"]
    private static let maximumBytes = 2048
    /// A name whose addresses are not known by then is refused.
    private static let lookUpTime = Duration.seconds(5)

    func check(_ operation: Operation) async throws(Failure) {
        switch operation {
        case .importImage(let request):
            if case .webDownload(let url) = request.method { try await check(url) }
        case .addLocation(_, let url): try await check(url)
        default: break
        }
        switch operation.source {
        case .location?:
            let image: Image
            switch operation {
            case .createImage(let creation): image = creation.image
            case .updateImage(let update): image = update.image
            default: return
            }
            if let url = image.text(.location) { try await check(url) }
        case .copyFrom(let url)?: try await check(url)
        default: return
        }
    }

    func check(_ url: String) async throws(Failure) {
        guard let place = try parse(url) else { return }
        try checkHost(of: place, url)
        // Where everything is allowed, nothing hangs on addresses.
        if allowsPrivate, hosts.isEmpty { return }
        _ = try await addresses(of: place, url)
    }

    // MARK: The URL

    /// An http URL in its parts.
    private struct Place {
        var scheme: String
        var host: LocationHost
        /// From the end of the authority on.
        var rest: Substring
    }

    /// Nil for a store's own scheme, which names no host.
    private func parse(_ url: String) throws(Failure) -> Place? {
        guard url.utf8.count <= Self.maximumBytes, url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != 0x5c }) else {
            throw Failure(.badRequest, "The location is not a URL of at most \(Self.maximumBytes) printable characters")
        }
        guard let mark = url.range(of: "://") else { throw Self.refusal(url, "it has no scheme") }
        let scheme = ASCII.lowercased(String(url[..<mark.lowerBound]))
        guard schemes.contains(scheme), !Self.forbiddenSchemes.contains(scheme) else {
            throw Self.refusal(url, "its scheme is not allowed")
        }
        let rest = url[mark.upperBound...]
        guard let network = Self.networkSchemes.first(where: { $0.name == scheme }) else {
            guard Self.isPlainPath(rest) else { throw Self.refusal(url, "its path climbs") }
            return nil
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let host = LocationHost(authority, standardPort: network.port) else {
            throw Self.refusal(url, "its host is malformed")
        }
        return Place(scheme: scheme, host: host, rest: rest[authority.endIndex...])
    }

    /// Whether no part of a store's path climbs or hides something, however it is encoded.
    private static func isPlainPath(_ path: Substring) -> Bool {
        // Decoded first, so that a slash that is encoded parts as well.
        let decoded = PercentCoding.decode(path.utf8)
        guard decoded.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return false }
        return decoded.split(separator: UInt8(ascii: "/")).allSatisfy { part in
            !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
        }
    }

    // MARK: The host

    /// Refuses what no address could make right, before anybody is asked for one.
    private func checkHost(of place: Place, _ url: String) throws(Failure) {
        let isListed = hosts.contains { $0.port == place.host.port }
        guard isListed || isCommon(place.host.port) else { throw Self.refusal(url, "its port is not allowed") }
        guard case .name(let name) = place.host.name else { return }
        if hosts.isEmpty {
            let labels = name.split(separator: ".")
            let isInside = labels.count < 2 || labels.last.map { Self.privateNames.contains(String($0)) } ?? true
            guard allowsPrivate || !isInside else { throw Self.notPublic(url) }
            return
        }
        let mayBeListed = hosts.contains { rule in
            if case .block = rule.subject { return true }
            return rule.names(name)
        }
        guard mayBeListed else { throw Self.refusal(url, "its host is not listed") }
    }

    /// Every address of the host, each of them allowed.
    private func addresses(of place: Place, _ url: String) async throws(Failure) -> [SocketAddress] {
        let found: [SocketAddress]
        var asked: String?
        switch place.host.name {
        case .address(let address): found = [address]
        case .name(let name):
            asked = name
            found = await lookUp(name, place.host.port) ?? []
        }
        let (name, port) = (asked, place.host.port)
        guard !found.isEmpty, found.allSatisfy({ isAllowed($0, of: name, port: port) }) else {
            throw hosts.isEmpty
                ? Self.notPublic(url) : Self.refusal(url, "its host is not listed, or its name leads inside")
        }
        return found
    }

    private func isAllowed(_ address: SocketAddress, of name: String?, port: UInt16) -> Bool {
        if hosts.isEmpty { return isCommon(port) && (allowsPrivate || address.isPublic) }
        return hosts.contains { rule in
            (rule.port.map { $0 == port } ?? isCommon(port))
                && rule.admits(address, of: name, allowsPrivate: allowsPrivate)
        }
    }

    private func isCommon(_ port: UInt16) -> Bool { ports.isEmpty || ports.contains(port) }

    // MARK: Refusals

    private static func notPublic(_ url: String) -> Failure {
        Failure(
            .badRequest, "External sources are not supported: '\(url)' is not a public address",
            cause: "location refused: it is not a public address")
    }

    /// The client is told its URL, the log is not: it may hold a password or a signature.
    private static func refusal(_ url: String, _ cause: String) -> Failure {
        Failure(.badRequest, "External sources are not supported: '\(url)'", cause: "location refused: \(cause)")
    }
}

extension LocationPolicy: FetchPolicy {
    func approve(_ url: String) async throws(FetchRefusal) -> FetchTarget {
        do throws(Failure) {
            guard let place = try parse(url) else { throw Self.refusal(url, "its scheme is not allowed") }
            try checkHost(of: place, url)
            let addresses = try await addresses(of: place, url)
            guard let origin = UpstreamURL("\(place.scheme)://\(place.host.text):\(place.host.port)") else {
                throw Self.refusal(url, "its host is malformed")
            }
            return FetchTarget(origin: origin, target: Self.target(place.rest), addresses: addresses)
        } catch {
            throw FetchRefusal(error.cause ?? error.kind.rawValue)
        }
    }

    /// Path and query for a request-line: what is not ASCII is encoded, the fragment stays here.
    private static func target(_ rest: Substring) -> String {
        var bytes: [UInt8] = rest.utf8.first == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]
        for byte in rest.utf8.prefix(while: { $0 != UInt8(ascii: "#") }) {
            if byte < 0x80 { bytes.append(byte) } else { bytes += Array("%\(Hex.encode([byte]))".utf8) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension LocationPolicy {
    /// The keys below `locations`; entries that are wrong were refused when the configuration was read.
    init(_ configuration: Configuration) {
        self.init(
            schemes: configuration.texts("locations.schemes").map(ASCII.lowercased),
            allowsPrivate: configuration.boolean("locations.private") == true,
            hosts: configuration.texts("locations.hosts").compactMap(HostRule.init),
            ports: configuration.texts("locations.ports").compactMap(UInt16.init))
    }
}

extension String {
    /// The first place of a short text, compared by bytes.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        let wanted = Array(text.utf8)
        var start = utf8.startIndex
        while start < utf8.endIndex {
            if utf8[start...].starts(with: wanted) { return start..<utf8.index(start, offsetBy: wanted.count) }
            start = utf8.index(after: start)
        }
        return nil
    }
}
