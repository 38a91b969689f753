import EventLoop
import Glibc

/// Lines for the operator about what no request waits for: standard error, written off the loops.
enum Complaints {
    @Sendable static func write(_ line: String) {
        // Whatever stands in a line stays one.
        let text = String(decoding: line.utf8.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
        EventLoop.current?.spawn { _ = try? await OffloadPool.shared.run { Self.writeNow(text + "\n") } }
    }

    private static func writeNow(_ text: String) {
        let bytes = Array(text.utf8)
        // One write: lines of several threads do not mix.
        _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
