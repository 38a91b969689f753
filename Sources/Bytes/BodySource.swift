/// Why a body ended before its proven end.
public enum BodyError: Error, Sendable, Equatable {
    /// The peer closed or reset the connection.
    case disconnected
    /// The peer sent nothing, or too little, for longer than the named time-out allows.
    case timedOut
    /// The framing was broken, or the length is not the announced one; the text says how.
    case malformed(String)
    /// More bytes than the limit that stands in the text.
    case tooLarge(String)
    /// The task that reads was cancelled: the other side of the relay is gone.
    case cancelled
    /// The source failed in itself (a disk, a digest); the text is for the log.
    case failed(String)
}

/// A body that is pulled: nobody reads faster than the other side writes, and nothing holds a whole image.
///
/// Sources live on one loop and belong to one task; they are not Sendable on purpose.
public protocol BodySource: AnyObject {
    /// Bytes still to come when that is known before the end, else nil (chunked).
    var length: Int64? { get }

    /// The next piece, never empty; nil once the end has been *proven* (length reached or last chunk seen,
    /// RFC 9112 §8). After nil or an error no further call is allowed.
    func next() async throws(BodyError) -> [UInt8]?
}

/// A body that is already in memory: short documents and tests.
public final class BytesBody: BodySource {
    private var rest: [UInt8]?
    public let length: Int64?
    /// What is still to come.
    public var content: [UInt8] { rest ?? [] }

    public init(_ bytes: [UInt8]) {
        rest = bytes.isEmpty ? nil : bytes
        length = Int64(bytes.count)
    }

    public func next() async throws(BodyError) -> [UInt8]? {
        defer { rest = nil }
        return rest
    }
}
