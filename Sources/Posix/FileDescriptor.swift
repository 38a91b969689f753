import Glibc

/// An owned descriptor: closed exactly once, when the value's life ends.
public struct FileDescriptor: ~Copyable, Sendable {
    /// The number; valid as long as this value lives.
    public let raw: Int32

    /// Takes over a descriptor that nobody else closes.
    public init(adopting raw: Int32) { self.raw = raw }

    /// Takes over what `call` returned, or throws its error when that is negative.
    public init(_ raw: Int32, from call: String) throws(Errno) {
        guard raw >= 0 else { throw Errno.last(call) }
        self.init(adopting: raw)
    }

    deinit { _ = Glibc.close(raw) }

    /// Gives the descriptor away; the caller closes it.
    public consuming func release() -> Int32 {
        let number = raw
        discard self
        return number
    }
}
