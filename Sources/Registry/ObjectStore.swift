import Bytes
import Glibc
import Images

/// The folder that stands in for Pithos+: accounts, in them containers, in them objects.
struct ObjectStore: Sendable {
    /// Where an object is: `pithos://ACCOUNT/CONTAINER/PATH` (plankton §5).
    struct Location: Sendable, Equatable {
        let account: String
        /// The location with every part fully encoded; two locations are one if this is.
        let canonical: String
        /// Account, container and the parts of the path, decoded.
        let components: [String]

        /// What full encoding keeps (plankton §5).
        private static let kept = ByteSet.alphanumeric.union(ByteSet("_.-/"))

        /// Nil for another scheme.
        init?(_ text: String) throws(Failure) {
            let scheme = "pithos://"
            guard text.utf8.starts(with: scheme.utf8) else { return nil }
            let parts = text.utf8.dropFirst(scheme.utf8.count).split(
                separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)
            var components: [String] = []
            for part in parts.prefix(2) { components.append(try Self.decoded(part, of: text)) }
            if let path = parts.dropFirst(2).first {
                for part in path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
                    components.append(try Self.decoded(part, of: text))
                }
            }
            guard components.count >= 3 else { throw Self.invalid(text) }
            account = components[0]
            self.components = components
            canonical = scheme + PercentCoding.encode(components.joined(separator: "/"), keeping: Self.kept)
        }

        /// One part of the path: no separator in it, hidden or not, and none of the two names that lead elsewhere.
        private static func decoded(_ part: Substring.UTF8View, of text: String) throws(Failure) -> String {
            let bytes = PercentCoding.decode(part)
            guard let name = String(validating: bytes, as: UTF8.self), !bytes.isEmpty, bytes.count <= 255,
                !bytes.contains(UInt8(ascii: "/")),
                bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), bytes != [0x2E], bytes != [0x2E, 0x2E]
            else { throw invalid(text) }
            return name
        }

        private static func invalid(_ text: String) -> Failure { Failure(.badRequest, "Invalid location '\(text)'") }
    }

    private let root: OpenFile

    init(_ folder: String) throws(RegistryOpenError) {
        let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .noObjects(folder) }
        root = OpenFile(descriptor, folder)
    }

    /// Opens the object's file. Follows no symbolic link anywhere below the folder, opens regular files only. Blocks.
    func open(_ location: Location) throws(Failure) -> (OpenFile, OpenFile.Status) {
        var directory = root
        for name in location.components.dropLast() {
            directory = try step(directory, name, O_RDONLY | O_DIRECTORY, location)
        }
        // Not blocking: opening a pipe would wait for its other end.
        let file = try step(directory, location.components.last ?? "", O_RDONLY | O_NONBLOCK, location)
        guard let status = try? file.status(), status.isRegular else { throw Self.missing(location) }
        return (file, status)
    }

    private func step(_ directory: OpenFile, _ name: String, _ flags: Int32, _ location: Location) throws(Failure)
        -> OpenFile
    {
        let descriptor = openat(directory.descriptor, name, flags | O_NOFOLLOW | O_CLOEXEC)
        if descriptor < 0 {
            let code = errno
            if code == EMFILE || code == ENFILE || code == ENOMEM || code == EIO {
                throw Failure(
                    .unavailable, "The object store cannot be read.",
                    cause: "openat \(name): \(String(cString: strerror(code)))")
            }
            throw Self.missing(location)
        }
        return OpenFile(descriptor, location.canonical)
    }

    static func missing(_ location: Location) -> Failure {
        Failure(.locationNotFound, "Object '\(location.canonical)' does not exist.")
    }
}
