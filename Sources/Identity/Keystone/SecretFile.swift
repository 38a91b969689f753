import EventLoop
import Glibc

/// A secret in a file, read anew each time it is needed, so that it can be changed while the gateway runs.
public struct SecretFile: Sendable {
    let path: String

    /// More is no password.
    static let maxBytes = 16 << 10

    /// The file's text without the line ends behind it.
    ///
    /// - Throws: `unavailable`; its cause names the path and never the content.
    func read() async throws(IdentityFault) -> String {
        let path = path
        let result: Result<String, IdentityFault>
        do {
            result = try await OffloadPool.shared.run {
                Result { () throws(IdentityFault) in try Self.contents(of: path) }
            }
        } catch {
            throw .unavailable("secret file \(path) cannot be read")
        }
        return try result.get()
    }

    /// The same at once. Blocks: for a pool's thread, or before the loops run.
    public static func contents(of path: String) throws(IdentityFault) -> String {
        // Without O_NONBLOCK a FIFO would hold the thread until somebody writes.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw fault(path, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw fault(path, "no regular file")
        }
        var bytes = [UInt8](repeating: 0, count: maxBytes + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw fault(path, String(cString: strerror(errno))) }
            if got == 0 { break }
            count += got
        }
        guard count <= maxBytes else { throw fault(path, "longer than \(maxBytes) bytes") }
        var text = bytes[..<count]
        while let last = text.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { text.removeLast() }
        guard !text.isEmpty else { throw fault(path, "empty") }
        guard let secret = String(validating: text, as: UTF8.self) else { throw fault(path, "not UTF-8") }
        return secret
    }

    private static func fault(_ path: String, _ why: String) -> IdentityFault {
        .unavailable("secret file \(path): \(why)")
    }
}
