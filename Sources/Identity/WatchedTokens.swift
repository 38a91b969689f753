import EventLoop
import Glibc
import Posix
import Synchronization

/// The entries of a token file, read again when the file has changed.
///
/// At most once a second a request has the file looked at, on a thread for such work, and waits for that; all others go
/// on with what is there. A file that is gone or wrong changes nothing: who was known stays known, and the operator is
/// told once for each state of the file.
public final class WatchedTokens: Sendable {
    /// Reads and checks the file's entries; the error's text is for the operator.
    public typealias Loader = @Sendable () throws -> [StaticIdentity.Entry]

    private struct State {
        var entries: [StaticIdentity.Entry]
        /// The file as last read, for better or worse.
        var version: FileVersion?
        var nextLook: MonotonicTime
    }

    private struct Source: Sendable {
        var path: String
        var load: Loader
        var report: @Sendable (String) -> Void
    }

    private let state: Mutex<State>
    private let source: Source?
    private let now: @Sendable () -> MonotonicTime

    /// Between two looks at the file.
    static let interval = Duration.seconds(1)

    /// Reads the file for the first time. Blocks.
    ///
    /// - Parameters:
    ///   - path: the file whose changes count; links are followed.
    ///   - load: run here, later on a thread where it may block.
    ///   - report: takes a line for the log: that the file was read again, or could not be; from any thread.
    /// - Throws: what `load` throws.
    public convenience init(
        file path: String, load: @escaping Loader, report: @escaping @Sendable (String) -> Void
    ) throws {
        try self.init(file: path, now: { .now() }, load: load, report: report)
    }

    init(
        file path: String, now: @escaping @Sendable () -> MonotonicTime, load: @escaping Loader,
        report: @escaping @Sendable (String) -> Void
    ) throws {
        // The version first: what is written between the two is found by the next look.
        let version = FileVersion(path)
        state = Mutex(State(entries: try load(), version: version, nextLook: now() + Self.interval))
        source = Source(path: path, load: load, report: report)
        self.now = now
    }

    /// Entries that never change.
    init(_ entries: [StaticIdentity.Entry]) {
        state = Mutex(State(entries: entries, version: nil, nextLook: .distantFuture))
        source = nil
        now = { .now() }
    }

    /// The entries; called by a task of a loop, and resumes there.
    func current() async -> [StaticIdentity.Entry] {
        guard let source else { return state.withLock { $0.entries } }
        let time = now()
        let known = state.withLock { state -> [StaticIdentity.Entry]? in
            guard time >= state.nextLook else { return state.entries }
            // Nobody else looks until this look is done, however long a disk takes.
            state.nextLook = .distantFuture
            return nil
        }
        if let known { return known }
        let looked: [StaticIdentity.Entry]? = try? await OffloadPool.shared.run { [self] in look(source) }
        return looked ?? state.withLock { $0.entries }
    }

    /// Reads the file when it is another than before. Blocks.
    private func look(_ source: Source) -> [StaticIdentity.Entry] {
        let version = FileVersion(source.path)
        let isNew = state.withLock { $0.version != version }
        var entries: [StaticIdentity.Entry]?
        if isNew {
            do {
                let read = try source.load()
                entries = read
                source.report("\(source.path): read again, tokens: \(read.count)")
            } catch {
                source.report("\(source.path): the tokens known before stay in force: \(error)")
            }
        }
        let next = now() + Self.interval
        return state.withLock { state in
            state.version = version
            if let entries { state.entries = entries }
            state.nextLook = next
            return state.entries
        }
    }
}

/// What tells one content of a file from another without reading it.
public struct FileVersion: Sendable, Equatable {
    private var device: UInt64
    private var inode: UInt64
    private var size: Int64
    private var modified: [Int]

    /// Nil: there is no such file, or it may not be seen.
    public init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = [
            status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
        ]
    }
}
