import EventLoop
import Identity
import Posix
import Synchronization

/// A secret in a file of its own, such as a service's token, read again when the file has changed.
///
/// Asking for it never waits: at most once a second it has the file looked at on a thread for such work, and who asks
/// after that gets the new one. A file that is gone or empty changes nothing, and is told once.
final class WatchedSecret: Sendable {
    private struct State {
        var text: String
        var version: FileVersion?
        var nextLook: MonotonicTime
    }

    private let path: String
    private let report: @Sendable (String) -> Void
    private let state: Mutex<State>

    private static let interval = Duration.seconds(1)

    /// Blocks. Nil: the file cannot be read, or holds no secret.
    init?(_ path: String, report: @escaping @Sendable (String) -> Void = OperatorLog.line) {
        let version = FileVersion(path)
        guard let text = Self.read(path) else { return nil }
        self.path = path
        self.report = report
        state = Mutex(State(text: text, version: version, nextLook: .now() + Self.interval))
    }

    /// The secret as last read.
    var current: String {
        let (text, isDue) = state.withLock { state in
            let isDue = MonotonicTime.now() >= state.nextLook
            // Nobody else looks until this look is done.
            if isDue { state.nextLook = .distantFuture }
            return (state.text, isDue)
        }
        if isDue { OffloadPool.shared.post { [self] in look() } }
        return text
    }

    private func look() {
        let version = FileVersion(path)
        let isNew = state.withLock { $0.version != version }
        let text = isNew ? Self.read(path) : nil
        if isNew, text == nil { report("\(path): cannot be read, or is empty; what it held before stays in force") }
        state.withLock { state in
            state.version = version
            if let text { state.text = text }
            state.nextLook = .now() + Self.interval
        }
    }

    /// Nil: the file cannot be read, or holds nothing that a header can carry.
    private static func read(_ path: String) -> String? {
        guard let secret = try? SecretFile.contents(of: path),
            secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { return nil }
        return secret
    }
}
