import Bytes
import EventLoop
import Images
import Posix

/// Which URLs a client may name for somebody to fetch (`locations`; reliability trap 11).
///
/// Refused are local files and the stores' own configuration always, schemes that are not listed, and, unless private
/// addresses are allowed, every http host that is or resolves to an address inside: compared after parsing and after
/// resolving.
struct LocationPolicy: Sendable {
    var schemes: [String]
    var allowsPrivate: Bool

    /// Never fetched for a client, whatever the configuration says (glance-v1 §5.1).
    private static let forbiddenSchemes = ["file", "filesystem", "swift+config"]
    /// Schemes whose host is an address on a network.
    private static let networkSchemes = ["http", "https"]
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
        guard url.utf8.count <= Self.maximumBytes, url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != 0x5c }) else {
            throw Failure(.badRequest, "The location is not a URL of at most \(Self.maximumBytes) printable characters")
        }
        guard let mark = url.range(of: "://") else { throw Self.refusal(url, "it has no scheme") }
        let scheme = url[..<mark.lowerBound].lowercased()
        guard schemes.contains(scheme), !Self.forbiddenSchemes.contains(scheme) else {
            throw Self.refusal(url, "its scheme is not allowed")
        }
        guard Self.networkSchemes.contains(scheme) else {
            guard Self.isPlainPath(url[mark.upperBound...]) else { throw Self.refusal(url, "its path climbs") }
            return
        }
        let authority = url[mark.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let host = Host(authority) else { throw Self.refusal(url, "its host is malformed") }
        if allowsPrivate { return }
        guard await isPublic(host) else {
            throw Failure(
                .badRequest, "External sources are not supported: '\(url)' is not a public address",
                cause: "location refused: it is not a public address")
        }
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

    private func isPublic(_ host: Host) async -> Bool {
        switch host {
        case .address(let address): return address.isPublic
        case .name(let name):
            let labels = name.split(separator: ".")
            guard labels.count > 1, let last = labels.last, !Self.privateNames.contains(String(last)) else {
                return false
            }
            guard
                let found = try? await Resolver.resolve(
                    name, port: 80, for: .judging, within: Self.lookUpTime)
            else { return false }
            return !found.isEmpty && found.allSatisfy(\.isPublic)
        }
    }

    /// The client is told its URL, the log is not: it may hold a password or a signature.
    private static func refusal(_ url: String, _ cause: String) -> Failure {
        Failure(.badRequest, "External sources are not supported: '\(url)'", cause: "location refused: \(cause)")
    }

    /// The host of an authority, as a network stack would understand it.
    private enum Host {
        case address(SocketAddress)
        /// Small letters, no dot at the end.
        case name(String)

        /// Nil for user information, odd ports and characters that no host name has.
        init?(_ authority: Substring) {
            var host = authority
            if host.hasPrefix("[") {
                guard let end = host.firstIndex(of: "]"), Self.isPort(host[host.index(after: end)...]),
                    let address = SocketAddress(literal: host[...end], port: 80)
                else { return nil }
                self = .address(address)
                return
            }
            if let colon = host.firstIndex(of: ":") {
                guard Self.isPort(host[colon...]) else { return nil }
                host = host[..<colon]
            }
            var name = host.lowercased()
            if name.hasSuffix(".") { name.removeLast() }
            let isName = name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x2d || byte == 0x2e
                    || byte == 0x5f
            }
            guard !name.isEmpty, isName else { return nil }
            if let number = Self.number(name) {
                self = .address(.v4(number, port: 80))
            } else {
                self = .name(name)
            }
        }

        private static func isPort(_ text: Substring) -> Bool {
            if text.isEmpty { return true }
            guard text.hasPrefix(":"), let port = UInt16(text.dropFirst()), port > 0 else { return false }
            return text.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
        }

        /// IPv4 in every notation of inet_aton(3): one to four parts, decimal, octal or hexadecimal. Numbers that do not fit
        /// count as 0, which is no public address.
        private static func number(_ name: String) -> UInt32? {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            var values: [UInt64] = []
            for part in parts {
                guard let first = part.utf8.first, (0x30...0x39).contains(first) else { return nil }
                let value: UInt64?
                if part.hasPrefix("0x") {
                    value = part.count == 2 ? 0 : UInt64(part.dropFirst(2), radix: 16)
                } else if first == 0x30, part.count > 1 {
                    value = UInt64(part, radix: 8)
                } else {
                    value = UInt64(part)
                }
                guard let value else { return parts.count <= 4 && parts.last.map(Self.isNumeric) == true ? 0 : nil }
                values.append(value)
            }
            guard (1...4).contains(values.count), let last = values.popLast() else { return 0 }
            var result: UInt64 = 0
            for value in values {
                guard value <= 255 else { return 0 }
                result = result << 8 | value
            }
            let bits = UInt64(32 - 8 * values.count)
            guard last < 1 << bits else { return 0 }
            return UInt32(truncatingIfNeeded: result << bits | last)
        }

        private static func isNumeric(_ part: Substring) -> Bool {
            part.utf8.first.map { (0x30...0x39).contains($0) } ?? false
        }
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
