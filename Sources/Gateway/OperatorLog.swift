import Glibc

/// Lines for the operator while the gateway runs, on standard error. Blocks as standard error does: not for loops.
enum OperatorLog {
    @Sendable static func line(_ text: String) {
        var bytes = Array("baleen: \(text)\n".utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            bytes = bytes.dropFirst(max(count, 0))
        }
    }
}
