import Glibc
public import Posix

/// Why an operation on a stream ended without its result.
public enum IOError: Error, Sendable, Equatable {
    /// The task was cancelled while it waited.
    case cancelled
    /// Nothing moved for as long as the call allowed.
    case timedOut
    /// The peer reset the connection, or closed it while we wrote.
    case disconnected
    /// We closed the stream ourselves.
    case closed
    /// Anything else that the kernel refused.
    case system(Errno)

    init(_ number: Int32, _ call: String) {
        switch number {
        case ECONNRESET, EPIPE, ECONNABORTED: self = .disconnected
        case ETIMEDOUT: self = .timedOut
        default: self = .system(Errno(number, call))
        }
    }
}
