import Dialects
import HTTP
import Identity
import Images

/// A path prefix with the dialect its clients speak and the backend behind it.
struct Mount: Sendable {
    /// Without a slash at the end; empty for the root.
    var prefix: String
    var dialects: DialectDetector
    var backend: any Backend
    var backendName: String
    var identity: any IdentityProvider
}

/// All mounts; the longest prefix of whole segments wins.
struct MountTable: Sendable {
    private let mounts: [Mount]

    init(_ mounts: [Mount]) { self.mounts = mounts.sorted { $0.prefix.utf8.count > $1.prefix.utf8.count } }

    /// The mount for a path, and the path below it, which begins with `/`. The path stays percent-encoded: a prefix is
    /// never found behind an encoded slash.
    func find(_ path: Substring) -> (mount: Mount, path: String)? {
        for mount in mounts {
            guard path.utf8.starts(with: mount.prefix.utf8) else { continue }
            let rest = path.utf8.dropFirst(mount.prefix.utf8.count)
            if rest.isEmpty { return (mount, "/") }
            if rest.first == UInt8(ascii: "/") { return (mount, String(Substring(rest))) }
        }
        return nil
    }
}

extension Configuration {
    /// The mount that a path belongs to.
    func mount(of path: String) -> Mount? {
        mounts.filter { mount in
            guard path.utf8.starts(with: mount.prefix.utf8) else { return false }
            let rest = path.utf8.dropFirst(mount.prefix.utf8.count)
            return rest.isEmpty || rest.first == UInt8(ascii: "/")
        }.max { $0.prefix.utf8.count < $1.prefix.utf8.count }
    }
}
