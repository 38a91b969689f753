import Bytes
import Images

/// `pithos://ACCOUNT/CONTAINER/OBJECT`: the key of a Plankton image, split first and decoded then (plankton §5).
public struct PithosLocation: Equatable, Sendable {
    public enum Fault: Error {
        case malformed
        /// The decoded bytes of a part are not UTF-8.
        case notText
    }

    /// The owner's user UUID, decoded.
    public let account: String
    /// Decoded.
    public let container: String
    /// Decoded; may hold slashes.
    public let object: String

    public static let scheme = "pithos://"

    /// The scheme in small letters, three parts that are not empty, no slash hidden in the first two, no NUL.
    public init(_ text: String) throws(Fault) {
        guard text.utf8.starts(with: Self.scheme.utf8) else { throw .malformed }
        let parts = text.utf8.dropFirst(Self.scheme.utf8.count)
            .split(separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed }
        account = try Self.decoded(parts[0])
        container = try Self.decoded(parts[1])
        object = try Self.decoded(parts[2])
        guard !account.utf8.contains(UInt8(ascii: "/")), !container.utf8.contains(UInt8(ascii: "/")) else {
            throw .malformed
        }
    }

    private static func decoded(_ part: some Collection<UInt8>) throws(Fault) -> String {
        let bytes = PercentCoding.decode(part)
        guard !bytes.isEmpty, !bytes.contains(0) else { throw .malformed }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notText }
        return text
    }

    /// Parts fully encoded again: the one form in which locations are compared, kept and shown.
    public var canonical: String {
        Self.scheme
            + [account, container, object].map { PercentCoding.encode($0, keeping: Plankton.fullyKept) }
            .joined(separator: "/")
    }
}
