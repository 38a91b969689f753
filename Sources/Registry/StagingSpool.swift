public import Bytes
import Glibc
public import Images
import Synchronization

/// Data that wait on this machine's disk to be sent to a registry which cannot keep them waiting itself (image-v2 §17).
///
///     DIRECTORY/lock        held while a process uses the directory
///     DIRECTORY/KEY         whole data, acknowledged
///     DIRECTORY/KEY.part    data on their way in: swept away at the next start
///
/// Data are on the disk, file and name, before they are acknowledged, and stay until they are sent or removed.
public final class StagingSpool: Sendable {
    /// What is happening to the data of one key.
    public enum Phase: Sendable, Equatable {
        case arriving, waiting, leaving
    }

    private struct Entry {
        var phase: Phase
        /// Removed while data were on their way: whoever moves them removes them.
        var isGone = false
    }

    /// Most sets of data at one time; their keys are in memory.
    private static let maxEntries = 10_000
    private static let keyBytes = 64

    private let directory: String
    private let maxBytes: Int64
    private let workers: any DiskWorkers
    private let disk: Disk
    private let lock: OpenFile
    private let entries: Mutex<[String: Entry]>
    /// What was swept away or is no work of this spool, for the log.
    public let findings: [String]

    /// Opens the directory, made if it is missing, and sweeps what an unclean end left. Blocks.
    ///
    /// - Parameter maxBytes: the largest data taken.
    /// - Throws: when the directory cannot be used, or another spool has it (``DiskError/isLocked``).
    public init(
        directory: String, maxBytes: Int64, workers: any DiskWorkers, calls: DiskCalls = DiskCalls()
    ) throws(DiskError) {
        self.directory = directory
        self.maxBytes = maxBytes
        self.workers = workers
        disk = Disk(calls: calls)
        try disk.makeDirectories(directory)
        lock = try disk.lock(directory)
        var found: [String: Entry] = [:]
        var findings: [String] = []
        for name in try disk.names(in: directory) where name != "lock" {
            if Self.isKey(name) {
                found[name] = Entry(phase: .waiting)
            } else if name.hasSuffix(Self.partSuffix), Self.isKey(String(name.dropLast(Self.partSuffix.count))) {
                unlink("\(directory)/\(name)")
                findings.append("removed \(name), whose staging never finished")
            } else {
                findings.append("\(name) is no staged data and left alone")
            }
        }
        entries = Mutex(found)
        self.findings = findings
    }

    private static let partSuffix = ".part"

    private static func isKey(_ name: String) -> Bool {
        name.utf8.count == keyBytes && name.utf8.allSatisfy(ByteSet.hexDigits.contains)
    }

    /// A name for data: the SHA-256 of what tells them from all others.
    public static func key(_ parts: [String]) throws(Failure) -> String {
        do throws(DigestError) {
            return Hex.encode(try Digest.hash(.sha256, Array(parts.joined(separator: "\u{0}").utf8)))
        } catch {
            throw Failure(.internal, cause: "OpenSSL refuses \(error.algorithm.rawValue)")
        }
    }

    public var isEmpty: Bool { entries.withLock { $0.isEmpty } }

    /// Nil: nothing of this key is here.
    public func phase(of key: String) -> Phase? { entries.withLock { $0[key]?.phase } }

    /// Lets another process, or another spool of this one, have the directory.
    public func close() { flock(lock.descriptor, LOCK_UN) }

    // MARK: In

    /// Takes data in. They are safe when this returns; nothing is left of them when it throws.
    ///
    /// - Parameters:
    ///   - admit: asked when all data are here, before they are kept.
    ///   - taken: what is thrown when there are data of this key already.
    public func receive(
        _ body: any BodySource, as key: String, orElse taken: Failure, admit: () async throws(Failure) -> Void
    ) async throws(Failure) {
        if let length = body.length { try checkSize(length) }
        try begin(key, taken)
        do throws(Failure) {
            try await fill(path(key) + Self.partSuffix, from: body)
            try await admit()
            try await onWorker { [self] () throws(DiskError) in
                try disk.rename(path(key) + Self.partSuffix, path(key))
                try disk.synchronizeDirectory(directory)
            }
        } catch {
            await erase(key)
            throw error
        }
        guard settle(key) else {
            await erase(key)
            throw Failure(.imageGone, "The image was deleted or filled while its data were staged.")
        }
    }

    private func begin(_ key: String, _ taken: Failure) throws(Failure) {
        try entries.withLock { entries throws(Failure) in
            guard entries[key] == nil else { throw taken }
            guard entries.count < Self.maxEntries else {
                throw Failure(.unavailable, "Too many images wait for their import.", cause: "\(directory) is full")
            }
            entries[key] = Entry(phase: .arriving)
        }
    }

    private func fill(_ part: String, from body: any BodySource) async throws(Failure) {
        let file = try await onWorker { [disk] () throws(DiskError) in
            try disk.open(part, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        }
        try await BodyDrain.run(body, checking: checkSize) { batch async throws(Failure) in
            try await onWorker { [disk] () throws(DiskError) in
                for piece in batch { try disk.write(piece, to: file) }
            }
        }
        try await onWorker { [disk] () throws(DiskError) in try disk.synchronize(file) }
    }

    private func checkSize(_ size: Int64) throws(Failure) {
        if size > maxBytes {
            throw Failure(.tooLarge, "Denying attempt to upload image larger than \(maxBytes) bytes.")
        }
    }

    // MARK: Out

    /// Hands waiting data out and removes them when `use` succeeds; else they wait on.
    ///
    /// - Parameter absent: what is thrown when no data wait.
    public func send<Result>(
        _ key: String, orElse absent: Failure, _ use: (any BodySource) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        guard take(key) else { throw absent }
        let result: Result
        do throws(Failure) {
            let (file, size) = try await onWorker { [self] () throws(DiskError) in
                let file = try disk.open(path(key), O_RDONLY)
                return (file, try file.status().size)
            }
            result = try await use(FileBody(file, 0..<size, workers))
        } catch {
            if !settle(key) { await erase(key) }
            throw error
        }
        await erase(key)
        return result
    }

    /// Removes what waits, or what is on its way once it has come to an end.
    public func remove(_ key: String) async {
        let waits = take(key)
        guard waits else { return entries.withLock { $0[key]?.isGone = true } }
        await erase(key)
    }

    // MARK: Steps

    /// Waiting data become leaving ones; false: none wait.
    private func take(_ key: String) -> Bool {
        entries.withLock {
            guard $0[key]?.phase == .waiting else { return false }
            $0[key]?.phase = .leaving
            return true
        }
    }

    /// Data that were on their way wait from now on; false: they were removed meanwhile.
    private func settle(_ key: String) -> Bool {
        entries.withLock {
            guard $0[key]?.isGone == false else { return false }
            $0[key]?.phase = .waiting
            return true
        }
    }

    /// Files first: while they are there, nobody else may take the key.
    private func erase(_ key: String) async {
        await workers.run { [self] in
            unlink(path(key) + Self.partSuffix)
            unlink(path(key))
            // What a crash brings back is of an image that waits for no data any more.
            try? disk.synchronizeDirectory(directory)
        }
        entries.withLock { $0[key] = nil }
    }

    private func path(_ key: String) -> String { "\(directory)/\(key)" }

    private func onWorker<R: Sendable>(
        _ work: @escaping @Sendable () throws(DiskError) -> R
    ) async throws(Failure) -> R {
        let result = await workers.run { () -> Result<R, DiskError> in
            do throws(DiskError) {
                return .success(try work())
            } catch {
                return .failure(error)
            }
        }
        do throws(DiskError) { return try result.get() } catch {
            if error.isFull {
                throw Failure(.tooLarge, "There is not enough space left for staged data.", cause: "\(error)")
            }
            throw Failure(.unavailable, "The data could not be staged safely.", cause: "\(error)")
        }
    }
}
