import EventLoop
import Glibc

/// Lines for the operator about what no request waits for: standard error, never written on a loop's thread.
enum OperatorLog {
    @Sendable static func line(_ text: String) {
        // Whatever stands in a line stays one.
        let bytes = "baleen: \(text)".utf8.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: "?") : $0 } + [0x0a]
        if EventLoop.current == nil { write(bytes) } else { OffloadPool.shared.post { write(bytes) } }
    }

    /// One write: lines of several threads do not mix.
    private static func write(_ bytes: [UInt8]) {
        while bytes.withUnsafeBytes({ Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }) < 0, errno == EINTR {}
    }
}
