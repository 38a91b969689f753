import Bytes
import Dialects

/// Paths of a store's calls, below its address (astakos-pithos §2).
enum PithosTarget {
    /// Characters (astakos-pithos §2).
    private static let maxContainer = 256
    private static let maxObject = 1024
    private static let kept = ByteSet.alphanumeric.union(ByteSet("_.-"))

    static func container(_ location: PithosLocation) throws(PithosFault) -> String {
        try check(location)
        return "/" + encode(location.account) + "/" + encode(location.container)
    }

    static func object(_ location: PithosLocation) throws(PithosFault) -> String {
        let segments = location.object.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return try container(location) + "/"
            + segments.map { PercentCoding.encode($0, keeping: kept) }.joined(separator: "/")
    }

    static func query(_ value: String) -> String { encode(value) }

    private static func encode(_ text: String) -> String { PercentCoding.encode(text, keeping: kept) }

    /// A segment of dots would be a step upwards for whoever normalizes the path, out of the store's own.
    private static func check(_ location: PithosLocation) throws(PithosFault) {
        let segments =
            [location.account.utf8[...], location.container.utf8[...]]
            + location.object.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard !segments.contains(where: { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }) else {
            throw .unusable("its name has a part of dots only")
        }
        guard location.container.unicodeScalars.count <= maxContainer,
            location.object.unicodeScalars.count <= maxObject
        else {
            throw .unusable(
                "its container's name is longer than \(maxContainer) characters, or its own than \(maxObject)")
        }
    }
}
