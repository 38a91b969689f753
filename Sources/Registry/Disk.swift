public import Glibc

/// A system call on a file that failed.
public struct DiskError: Error, Sendable, Equatable, CustomStringConvertible {
    public let call: String
    public let code: Int32
    public let path: String

    public var description: String { "\(call) \(path): \(String(cString: strerror(code)))" }

    /// Whether there is no room: the disk, a quota or the largest file size. Not for a directory whose fsync failed: then
    /// nobody knows which of two states a crash would leave.
    var isFull: Bool { call != "fsync directory" && (code == ENOSPC || code == EDQUOT || code == EFBIG) }

    /// Whether the lock of a directory is another one's.
    public var isLocked: Bool { call == "flock" && code == EWOULDBLOCK }

    /// Whether the disk can no longer be trusted with writes.
    var isFatal: Bool { call == "fsync" || call == "fsync directory" || code == EIO || code == EROFS }
}

/// The calls whose failures have consequences; tests put failing ones in their place.
public struct DiskCalls: Sendable {
    public var fsync: @Sendable (Int32) -> Int32
    public var write: @Sendable (Int32, UnsafeRawPointer, Int) -> Int
    public var readdir: @Sendable (OpaquePointer) -> UnsafeMutablePointer<dirent>?

    /// The real ones.
    public init() {
        fsync = { Glibc.fsync($0) }
        write = { Glibc.write($0, $1, $2) }
        readdir = { Glibc.readdir($0) }
    }
}

/// Files as the registry needs them. Every function blocks.
struct Disk: Sendable {
    let calls: DiskCalls

    static func check(_ result: Int32, _ call: String, _ path: String) throws(DiskError) {
        guard result >= 0 else { throw DiskError(call: call, code: errno, path: path) }
    }

    func open(_ path: String, _ flags: Int32, mode: mode_t = 0o640) throws(DiskError) -> OpenFile {
        let descriptor = Glibc.open(path, flags | O_CLOEXEC, mode)
        try Self.check(descriptor, "open", path)
        return OpenFile(descriptor, path)
    }

    func write(_ bytes: [UInt8], to file: OpenFile) throws(DiskError) {
        let outcome = bytes.withUnsafeBytes { buffer -> Result<Void, DiskError> in
            guard let start = buffer.baseAddress else { return .success(()) }
            var done = 0
            while done < buffer.count {
                let count = calls.write(file.descriptor, start + done, buffer.count - done)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    return .failure(DiskError(call: "write", code: count < 0 ? errno : EIO, path: file.path))
                }
                done += count
            }
            return .success(())
        }
        try outcome.get()
    }

    /// A failed fsync is never repeated: the kernel may have dropped the pages, a second call would succeed for nothing.
    func synchronize(_ file: OpenFile) throws(DiskError) {
        try Self.check(calls.fsync(file.descriptor), "fsync", file.path)
    }

    func synchronizeDirectory(_ path: String) throws(DiskError) {
        let directory = try open(path, O_RDONLY | O_DIRECTORY)
        try Self.check(calls.fsync(directory.descriptor), "fsync directory", path)
    }

    /// A new file whose bytes are on the disk when this returns. Its name is not, before the directory is synchronized.
    func create(_ path: String, _ bytes: [UInt8]) throws(DiskError) {
        let file = try open(path, O_WRONLY | O_CREAT | O_TRUNC)
        do throws(DiskError) {
            try write(bytes, to: file)
            try synchronize(file)
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Puts the bytes in the place of what `name` in `directory` holds, all or nothing, durably.
    func replace(_ name: String, in directory: String, with bytes: [UInt8]) throws(DiskError) {
        let temporary = "\(directory)/\(name).new"
        try create(temporary, bytes)
        try rename(temporary, "\(directory)/\(name)")
        try synchronizeDirectory(directory)
    }

    func rename(_ from: String, _ to: String) throws(DiskError) {
        try Self.check(Glibc.rename(from, to), "rename", from)
    }

    /// Makes a directory; false when there is something of this name already, which is no error.
    @discardableResult
    func makeDirectory(_ path: String) throws(DiskError) -> Bool {
        if mkdir(path, 0o750) == 0 { return true }
        guard errno == EEXIST else { throw DiskError(call: "mkdir", code: errno, path: path) }
        return false
    }

    /// Makes a directory and what is missing above it, durably.
    func makeDirectories(_ directory: String) throws(DiskError) {
        var path = directory.utf8.first == UInt8(ascii: "/") ? "" : "."
        for part in directory.split(separator: "/") {
            let parent = path
            path += "/\(part)"
            if try makeDirectory(path) { try synchronizeDirectory("\(parent)/") }
        }
    }

    /// The lock of a directory, held as long as the file is open.
    func lock(_ directory: String) throws(DiskError) -> OpenFile {
        let file = try open("\(directory)/lock", O_RDWR | O_CREAT)
        if flock(file.descriptor, LOCK_EX | LOCK_NB) < 0 {
            throw DiskError(call: "flock", code: errno, path: directory)
        }
        return file
    }

    /// A whole file; more than `limit` bytes are an error.
    func read(_ path: String, limit: Int) throws(DiskError) -> [UInt8] {
        let file = try open(path, O_RDONLY)
        let size = try file.status().size
        guard size <= limit else { throw DiskError(call: "read", code: EFBIG, path: path) }
        var bytes = [UInt8](repeating: 0, count: Int(size) + 1)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                Glibc.read(file.descriptor, $0.baseAddress.map { $0 + done }, $0.count - done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw DiskError(call: "read", code: errno, path: path) }
            if count == 0 { break }
            done += count
        }
        bytes.removeLast(bytes.count - done)
        return bytes
    }

    /// The names in a directory but `.` and `..`, in no order.
    func names(in path: String) throws(DiskError) -> [String] {
        guard let stream = opendir(path) else { throw DiskError(call: "opendir", code: errno, path: path) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            // Nil is the end or a failure, and only the latter sets this.
            errno = 0
            guard let entry = calls.readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw DiskError(call: "readdir", code: errno, path: path) }
        return names
    }

    /// Removes a file or a directory with what is in it, as far as it can: what is left is swept at the next start.
    func removeTree(_ path: String) {
        if unlink(path) == 0 || errno == ENOENT { return }
        for name in (try? names(in: path)) ?? [] { removeTree("\(path)/\(name)") }
        rmdir(path)
    }
}

/// A descriptor that is closed with its last owner.
///
/// The registry hands a file from the loop to a worker and back, one user at a time.
final class OpenFile: Sendable {
    let descriptor: Int32
    let path: String

    init(_ descriptor: Int32, _ path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    struct Status: Sendable, Equatable {
        var size: Int64
        /// Nanoseconds since 1970.
        var modified: Int64
        var isRegular: Bool
    }

    func status() throws(DiskError) -> Status {
        var buffer = stat()
        try Disk.check(fstat(descriptor, &buffer), "fstat", path)
        return Status(
            size: Int64(buffer.st_size),
            modified: Int64(buffer.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(buffer.st_mtim.tv_nsec),
            isRegular: buffer.st_mode & S_IFMT == S_IFREG)
    }

    /// Up to `count` bytes from `offset`; fewer only at the end of the file.
    func read(_ count: Int, at offset: Int64) throws(DiskError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                guard let start = buffer.baseAddress else { break }
                let got = pread(descriptor, start + filled, count - filled, off_t(offset) + off_t(filled))
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                filled += got
            }
        }
        guard failure == 0 else { throw DiskError(call: "pread", code: failure, path: path) }
        return bytes
    }
}
