import Bytes

/// Takes marks out of JSON as it passes and leaves every other byte alone: members of the outermost object, and of the
/// objects in its lists, whose keys begin with the marks' prefix (mapping §1).
///
/// A piece of unlimited size is never held: what waits is a separator, or the beginning of a key.
struct MarkFilter {
    private enum State: Equatable {
        /// Between tokens.
        case plain
        /// In a string that is not, or no longer, the beginning of a key that may be a mark.
        case string(isEscaped: Bool)
        /// In a key, as long as it agrees with the prefix; how many bytes do.
        case key(Int)
        /// In a member that is dropped: its own nesting, and whether in a string.
        case dropping(depth: Int, inString: Bool, isEscaped: Bool)
    }

    private let prefix: [UInt8]
    private var state = State.plain
    /// The open brackets: true for an object.
    private var open: [Bool] = []
    /// A key may come next.
    private var expectsKey = false
    /// A comma and blanks that are written only when a member that stays follows, and a key's beginning.
    private var held: [UInt8] = []
    /// Members that stay have been written in the object at this depth.
    private var hasMember: [Bool] = []

    /// Deeper documents pass as they are: no registry's is.
    private static let maxDepth = 64

    init(prefix: String) { self.prefix = Array(prefix.utf8) }

    /// What of a piece, and of what was held before it, may go on.
    mutating func pass(_ piece: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(piece.count + held.count)
        for byte in piece { take(byte, &output) }
        return output
    }

    /// What is still held at the end of the document.
    mutating func finish() -> [UInt8] {
        defer { held = [] }
        if case .dropping = state { return [] }
        return held
    }

    /// Whether the object that is open is one whose members may be marks.
    private var isWatched: Bool {
        guard open.last == true, open.count <= Self.maxDepth else { return false }
        return open.count == 1 || (open.count == 3 && open[0] && !open[1])
    }

    private mutating func take(_ byte: UInt8, _ output: inout [UInt8]) {
        switch state {
        case .plain: takePlain(byte, &output)
        case .string(let isEscaped):
            output.append(byte)
            if isEscaped {
                state = .string(isEscaped: false)
            } else if byte == UInt8(ascii: "\\") {
                state = .string(isEscaped: true)
            } else if byte == UInt8(ascii: "\"") {
                state = .plain
            }
        case .key(let count): takeKey(byte, count, &output)
        case .dropping(let depth, let inString, let isEscaped): drop(byte, depth, inString, isEscaped, &output)
        }
    }

    private mutating func takePlain(_ byte: UInt8, _ output: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""):
            if expectsKey, isWatched {
                expectsKey = false
                held.append(byte)
                state = .key(0)
                return
            }
            expectsKey = false
            release(&output)
            output.append(byte)
            state = .string(isEscaped: false)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            release(&output)
            output.append(byte)
            open.append(byte == UInt8(ascii: "{"))
            hasMember.append(false)
            expectsKey = byte == UInt8(ascii: "{")
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            held = []
            output.append(byte)
            if !open.isEmpty { open.removeLast() }
            if !hasMember.isEmpty { hasMember.removeLast() }
            expectsKey = false
        case UInt8(ascii: ",") where isWatched:
            held = [byte]
            expectsKey = true
        default:
            if held.isEmpty { output.append(byte) } else { held.append(byte) }
            if byte == UInt8(ascii: ","), open.last == true { expectsKey = true }
        }
    }

    private mutating func takeKey(_ byte: UInt8, _ count: Int, _ output: inout [UInt8]) {
        held.append(byte)
        guard count < prefix.count, byte == prefix[count] else {
            release(&output)
            // The byte decides like any other of a string.
            state =
                byte == UInt8(ascii: "\"")
                ? .plain : .string(isEscaped: byte == UInt8(ascii: "\\"))
            return
        }
        guard count + 1 == prefix.count else {
            state = .key(count + 1)
            return
        }
        held = []
        state = .dropping(depth: 0, inString: true, isEscaped: false)
    }

    /// Writes what waited: a member that stays has begun. The first that stays has no comma before it.
    private mutating func release(_ output: inout [UInt8]) {
        guard !held.isEmpty else {
            if isWatched, let last = hasMember.indices.last { hasMember[last] = true }
            return
        }
        if isWatched, let last = hasMember.indices.last {
            if !hasMember[last], held.first == UInt8(ascii: ",") {
                held = Array(held.dropFirst().drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 })
            }
            hasMember[last] = true
        }
        output += held
        held = []
    }

    private mutating func drop(
        _ byte: UInt8, _ depth: Int, _ inString: Bool, _ isEscaped: Bool, _ output: inout [UInt8]
    ) {
        if inString {
            let ends = !isEscaped && byte == UInt8(ascii: "\"")
            state = .dropping(
                depth: depth, inString: !ends, isEscaped: !isEscaped && byte == UInt8(ascii: "\\"))
            return
        }
        switch byte {
        case UInt8(ascii: "\""): state = .dropping(depth: depth, inString: true, isEscaped: false)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            state = .dropping(depth: depth + 1, inString: false, isEscaped: false)
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            if depth == 0 {
                state = .plain
                takePlain(byte, &output)
            } else {
                state = .dropping(depth: depth - 1, inString: false, isEscaped: false)
            }
        case UInt8(ascii: ",") where depth == 0:
            state = .plain
            takePlain(byte, &output)
        default: break
        }
    }
}

/// A JSON body without its marks.
final class MarkHidingBody: BodySource {
    private let source: any BodySource
    private var filter: MarkFilter
    private var hasEnded = false

    init(_ source: any BodySource, prefix: String) {
        self.source = source
        filter = MarkFilter(prefix: prefix)
    }

    /// What is left out is not known before.
    var length: Int64? { nil }

    func next() async throws(BodyError) -> [UInt8]? {
        while !hasEnded {
            guard let piece = try await source.next() else {
                hasEnded = true
                let rest = filter.finish()
                return rest.isEmpty ? nil : rest
            }
            let passed = filter.pass(piece)
            if !passed.isEmpty { return passed }
        }
        return nil
    }
}
