import Bytes
import Images

/// A request's path in decoded segments: escapes are read once, behind the split, so that none can add a segment.
enum PathSegments {
    /// Repeated slashes before the collection and one at the end mean nothing in the v1 family (glance-v1 §1); behind the
    /// collection an empty segment would be an empty id.
    ///
    /// - Returns: Nil when a segment is not ``isSafe(_:)``: there is no such path.
    static func decode(_ path: String, collections: [String]) -> [String]? {
        var segments: [String] = []
        var rest = path.utf8[...]
        var isBehindCollection = false
        while !rest.isEmpty {
            let part = rest.prefix { $0 != UInt8(ascii: "/") }
            rest = rest[part.endIndex...].dropFirst()
            if part.isEmpty {
                guard !isBehindCollection else { return nil }
                continue
            }
            let text =
                part.contains(UInt8(ascii: "%"))
                ? String(validating: PercentCoding.decode(part), as: UTF8.self) : String(Substring(part))
            guard let text, isSafe(text) else { return nil }
            segments.append(text)
            isBehindCollection = isBehindCollection || collections.contains(text)
        }
        return segments
    }

    /// No registry has longer ids.
    private static let maxIDBytes = 255

    /// Whether an image can have this id: nothing else is asked of a backend.
    static func isImageID(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= maxIDBytes && text.utf8.allSatisfy(ByteSet.unreserved.contains)
    }

    /// Whether an id can stand as one segment of a backend's path: not empty, neither `.` nor `..`, no slash, no
    /// control character.
    static func isSafe(_ segment: String) -> Bool {
        !segment.isEmpty && !segment.sameBytes(as: ".") && !segment.sameBytes(as: "..")
            && segment.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") }
    }
}
