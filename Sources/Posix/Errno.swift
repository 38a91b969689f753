import Glibc

/// A failed system call: the error number with the call that gave it, so that a log line names both.
public struct Errno: Error, Sendable, Equatable, CustomStringConvertible {
    public let number: Int32
    /// The call, as in the manual: `connect`, `open`.
    public let call: String

    public init(_ number: Int32, _ call: String) {
        self.number = number
        self.call = call
    }

    /// The calling thread's `errno`; take it before any other call.
    public static func last(_ call: String) -> Errno { Errno(errno, call) }

    public var description: String { "\(call): \(Self.text(number))" }

    private static func text(_ number: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let base = buffer.baseAddress, strerror_r(number, base, buffer.count) == 0 else {
                return "error \(number)"
            }
            return String(cString: base)
        }
    }
}
