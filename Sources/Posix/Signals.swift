import CLinux
import Glibc

/// Signals as data, for a synchronous main thread. Block them before any thread starts: threads inherit the mask.
public enum Signals {
    /// Writes to a closed peer shall fail with EPIPE instead of ending the process.
    public static func ignorePipe() { signal(SIGPIPE, SIG_IGN) }

    /// Blocks the signals in this thread and in those it starts, and gives a reader of them.
    public static func block(_ numbers: [Int32]) throws(Errno) -> SignalReader {
        var set = sigset_t()
        sigemptyset(&set)
        for number in numbers { sigaddset(&set, number) }
        let failure = pthread_sigmask(SIG_BLOCK, &set, nil)
        guard failure == 0 else { throw Errno(failure, "pthread_sigmask") }
        return SignalReader(try FileDescriptor(clinux_signalfd(&set), from: "signalfd"))
    }
}

/// Waits for blocked signals on the thread that calls it.
public struct SignalReader: ~Copyable {
    private let descriptor: FileDescriptor

    init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// Blocks until the next signal and returns its number.
    public func wait() throws(Errno) -> Int32 {
        var record = signalfd_siginfo()
        while true {
            let count = read(descriptor.raw, &record, MemoryLayout<signalfd_siginfo>.size)
            if count == MemoryLayout<signalfd_siginfo>.size { return Int32(record.ssi_signo) }
            guard count < 0, errno == EINTR else { throw Errno.last("read signalfd") }
        }
    }
}
