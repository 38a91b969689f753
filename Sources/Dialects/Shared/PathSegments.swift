import Bytes
import Images

/// A request's path in decoded segments: escapes are read once, behind the split, so that none can add a segment.
enum PathSegments {
    /// Empty segments are dropped: repeated slashes and a trailing one mean nothing in the v1 family (glance-v1 §1).
    ///
    /// - Returns: Nil when a segment is not ``isSafe(_:)``: there is no such path.
    static func decode(_ path: String) -> [String]? {
        var segments: [String] = []
        for part in path.utf8.split(separator: UInt8(ascii: "/")) {
            guard let text = String(validating: PercentCoding.decode(part), as: UTF8.self), isSafe(text) else {
                return nil
            }
            segments.append(text)
        }
        return segments
    }

    /// Whether an id can stand as one segment of a backend's path: not empty, neither `.` nor `..`, no slash, no
    /// control character.
    static func isSafe(_ segment: String) -> Bool {
        !segment.isEmpty && !segment.sameBytes(as: ".") && !segment.sameBytes(as: "..")
            && segment.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") }
    }
}
