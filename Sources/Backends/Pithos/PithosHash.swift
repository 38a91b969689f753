public import Bytes

/// The top hash of a Pithos+ object's block map, worked out while the data pass (astakos-pithos §2.4).
///
/// Leaves are digests of blocks without their trailing zero bytes; above them stands a tree of pairs, filled up with
/// all-zero digests to a power of two. Of the tree only one digest a level is kept, so memory does not grow with the data.
public final class PithosHash {
    /// What a container hashes its objects by; said by `X-Container-Block-Size` and `-Hash`.
    public struct Blocks: Sendable, Equatable {
        /// Bytes, above zero.
        public var size: Int
        public var algorithm: Digest.Algorithm

        public init(size: Int, algorithm: Digest.Algorithm) {
            self.size = max(1, size)
            self.algorithm = algorithm
        }

        /// What younger sites are set up with.
        public static let usual = Blocks(size: 4 << 20, algorithm: .sha256)

        /// Whether a text can be a top hash: hex digits in small letters, as many as the algorithm gives. Snapshots have
        /// names of maps instead.
        public func canMake(_ hash: String) -> Bool {
            hash.utf8.count == 2 * algorithm.byteCount
                && hash.utf8.allSatisfy { Hex.value(of: $0) != nil && ASCII.lower($0) == $0 }
        }
    }

    public let blocks: Blocks
    private var leaf: Digest
    /// Bytes of the block that is being filled.
    private var filled = 0
    /// Zero bytes at its end so far, which count only if others follow.
    private var zeros = 0
    /// Digests of whole subtrees, the largest first; no two of one height.
    private var subtrees: [(height: Int, digest: [UInt8])] = []
    private var leafCount = 0

    private static let someZeros = [UInt8](repeating: 0, count: 16 << 10)

    public init(_ blocks: Blocks) throws(DigestError) {
        self.blocks = blocks
        leaf = try Digest(blocks.algorithm)
    }

    public func update(_ bytes: [UInt8]) throws(DigestError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(blocks.size - filled)
            feed(part)
            filled += part.count
            rest = rest.dropFirst(part.count)
            if filled == blocks.size { try closeBlock() }
        }
    }

    /// Hex digits of the hash of everything given; no further call is allowed.
    public func finish() throws(DigestError) -> String {
        if filled > 0 || leafCount == 0 { try closeBlock() }
        var padding = [UInt8](repeating: 0, count: blocks.algorithm.byteCount)
        var height = 0
        // From the smallest subtree up: what is missing on its right side are all-zero leaves.
        while subtrees.count > 1, let last = subtrees.popLast() {
            while height < last.height {
                padding = try pair(padding, padding)
                height += 1
            }
            try add(try pair(last.digest, padding), height: last.height + 1)
        }
        return Hex.encode(subtrees.first?.digest ?? [])
    }

    /// The hash of one whole block.
    public static func leaf(_ block: [UInt8], _ algorithm: Digest.Algorithm) throws(DigestError) -> [UInt8] {
        let digest = try Digest(algorithm)
        block.withUnsafeBytes { bytes in
            digest.update(UnsafeRawBufferPointer(rebasing: bytes.prefix(contentCount(bytes))))
        }
        return try digest.finalize()
    }

    /// Bytes up to the last that is not zero.
    private static func contentCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        var count = bytes.count
        while count > 0, bytes[count - 1] == 0 { count -= 1 }
        return count
    }

    private func feed(_ part: ArraySlice<UInt8>) {
        let content = part.withUnsafeBytes(Self.contentCount)
        guard content > 0 else {
            zeros += part.count
            return
        }
        while zeros > 0 {
            let count = min(zeros, Self.someZeros.count)
            Self.someZeros.withUnsafeBytes { leaf.update(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
            zeros -= count
        }
        part.withUnsafeBytes { leaf.update(UnsafeRawBufferPointer(rebasing: $0.prefix(content))) }
        zeros = part.count - content
    }

    private func closeBlock() throws(DigestError) {
        let digest = try leaf.finalize()
        leaf = try Digest(blocks.algorithm)
        filled = 0
        zeros = 0
        leafCount += 1
        try add(digest, height: 0)
    }

    /// Joins subtrees of one height, as a binary counter carries.
    private func add(_ digest: [UInt8], height: Int) throws(DigestError) {
        var (digest, height) = (digest, height)
        while let last = subtrees.last, last.height == height {
            digest = try pair(last.digest, digest)
            height += 1
            subtrees.removeLast()
        }
        subtrees.append((height, digest))
    }

    private func pair(_ left: [UInt8], _ right: [UInt8]) throws(DigestError) -> [UInt8] {
        try Digest.hash(blocks.algorithm, left + right)
    }
}

extension Digest.Algorithm {
    /// Length of a digest.
    var byteCount: Int {
        switch self {
        case .md5: 16
        case .sha1: 20
        case .sha256: 32
        case .sha512: 64
        }
    }
}
