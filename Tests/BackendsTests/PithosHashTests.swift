import Backends
import Bytes
import Testing

/// The top hash of a block map (astakos-pithos §2.4).
@Suite struct PithosHashTests {
    private static let small = PithosHash.Blocks(size: 4, algorithm: .sha256)

    private static let vectors: [(data: [UInt8], top: String)] = [
        ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (Array("abcdefgh".utf8), "7d5473712172f9ec1494baa03da3d8734d12d385d1ca6340856771c3d93382e6"),
        (Array("abcdefghij".utf8), "18374008371944fcd365918bfd1187d4edcaaad1ce8dc23e746347129b1f22d1"),
        (
            Array("ab".utf8) + [0, 0, 0, 0, 0, 0] + Array("x".utf8),
            "dbdf258eea55fd6ccf3cc5c26271d5eaeed91752488acd5c12ab7aa3050e63bb"
        ),
    ]

    @Test(arguments: vectors)
    func `the vectors come out however the data are cut`(data: [UInt8], top: String) throws {
        for piece in 1...11 {
            let hash = try PithosHash(Self.small)
            for start in stride(from: 0, to: data.count, by: piece) {
                try hash.update(Array(data[start..<min(start + piece, data.count)]))
            }
            #expect(try hash.finish() == top, "pieces of \(piece)")
        }
    }

    /// The tree as the document tells it, level by level.
    private static func whole(_ data: [UInt8], _ blocks: PithosHash.Blocks) throws -> String {
        var level = try stride(from: 0, to: max(1, data.count), by: blocks.size).map { start in
            try PithosHash.leaf(Array(data[start..<min(start + blocks.size, data.count)]), blocks.algorithm)
        }
        if level.count == 1 { return Hex.encode(level[0]) }
        var count = 2
        while count < level.count { count *= 2 }
        level += Array(repeating: [UInt8](repeating: 0, count: level[0].count), count: count - level.count)
        while level.count > 1 {
            level = try stride(from: 0, to: level.count, by: 2).map { place in
                try Digest.hash(blocks.algorithm, level[place] + level[place + 1])
            }
        }
        return Hex.encode(level[0])
    }

    @Test(arguments: Digest.Algorithm.allCases)
    func `one digest a level gives the same as the whole tree`(algorithm: Digest.Algorithm) throws {
        let blocks = PithosHash.Blocks(size: 3, algorithm: algorithm)
        for count in 0...70 {
            // Zeros at the ends of blocks, of the data, and whole blocks of them.
            let data = (0..<count).map { UInt8($0 % 7 < 3 ? 0 : $0) }
            let hash = try PithosHash(blocks)
            for byte in data { try hash.update([byte]) }
            #expect(try hash.finish() == Self.whole(data, blocks), "\(count) bytes")
        }
    }

    @Test func `long runs of zeros count when something follows`() throws {
        let blocks = PithosHash.Blocks(size: 100_000, algorithm: .sha256)
        let data = [1] + [UInt8](repeating: 0, count: 70_000) + [2] + [UInt8](repeating: 0, count: 90_000)
        let hash = try PithosHash(blocks)
        for start in stride(from: 0, to: data.count, by: 999) {
            try hash.update(Array(data[start..<min(start + 999, data.count)]))
        }
        #expect(try hash.finish() == Self.whole(data, blocks))
    }

    @Test(arguments: [
        (String(repeating: "a", count: 64), true), (String(repeating: "A", count: 64), false),
        (String(repeating: "a", count: 63), false), (String(repeating: "g", count: 64), false), ("", false),
    ])
    func `only hex digits of the right length are a hash`(text: String, isHash: Bool) {
        #expect(Self.small.canMake(text) == isHash)
    }
}
