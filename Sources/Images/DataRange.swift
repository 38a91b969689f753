import Bytes

/// One range of an image's data, as `Range: bytes=…` asks for it (RFC 9110 §14.1.2; image-v2 §10).
public struct DataRange: Sendable, Equatable {
    private enum Bounds: Sendable, Equatable {
        /// From an offset up to an inclusive one, or to the end.
        case offset(Int64, through: Int64?)
        /// So many bytes at the end.
        case suffix(Int64)
        case unsatisfiable
    }

    /// As the client sent it.
    public let text: String
    private let bounds: Bounds

    /// Text that is no single range of bytes can never be satisfied, which ``resolved(size:)`` tells; several ranges are
    /// the dialect's to refuse.
    public init(_ text: String) {
        self.text = text
        bounds = Self.read(text)
    }

    /// The offsets that are meant, half-open; nil: 416.
    ///
    /// - Parameter size: of the whole data, bytes.
    public func resolved(size: Int64) -> Range<Int64>? {
        switch bounds {
        case .offset(let first, let last):
            guard first < size else { return nil }
            return first..<min(last.map { $0 &+ 1 } ?? size, size)
        case .suffix(let count):
            guard count > 0, size > 0 else { return nil }
            return max(0, size - count)..<size
        case .unsatisfiable: return nil
        }
    }

    private static func read(_ text: String) -> Bounds {
        let bytes = ASCII.trim(Array(text.utf8)[...])
        let unit = Array("bytes=".utf8)
        guard bytes.starts(with: unit) else { return .unsatisfiable }
        let parts = bytes.dropFirst(unit.count).split(
            separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return .unsatisfiable }
        if parts[0].isEmpty { return ASCII.decimal(parts[1]).map { .suffix($0) } ?? .unsatisfiable }
        guard let first = ASCII.decimal(parts[0]) else { return .unsatisfiable }
        if parts[1].isEmpty { return .offset(first, through: nil) }
        guard let last = ASCII.decimal(parts[1]), last >= first, last < .max else { return .unsatisfiable }
        return .offset(first, through: last)
    }
}
