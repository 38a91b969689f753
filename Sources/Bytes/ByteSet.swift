/// A set of byte values: a table of 256 bits.
public struct ByteSet: Sendable, Equatable {
    @usableFromInline var a: UInt64 = 0
    @usableFromInline var b: UInt64 = 0
    @usableFromInline var c: UInt64 = 0
    @usableFromInline var d: UInt64 = 0

    public init(_ members: some Sequence<UInt8>) {
        for byte in members {
            let bit = UInt64(1) << UInt64(byte & 63)
            switch byte >> 6 {
            case 0: a |= bit
            case 1: b |= bit
            case 2: c |= bit
            default: d |= bit
            }
        }
    }

    public init(_ members: StaticString) {
        self.init(members.withUTF8Buffer { Array($0) })
    }

    @inlinable public func contains(_ byte: UInt8) -> Bool {
        let word = byte < 128 ? (byte < 64 ? a : b) : (byte < 192 ? c : d)
        return word >> UInt64(byte & 63) & 1 == 1
    }

    public func union(_ other: ByteSet) -> ByteSet {
        var sum = self
        sum.a |= other.a
        sum.b |= other.b
        sum.c |= other.c
        sum.d |= other.d
        return sum
    }

    /// The bytes that are not in this set.
    public var inverted: ByteSet {
        var rest = self
        rest.a = ~a
        rest.b = ~b
        rest.c = ~c
        rest.d = ~d
        return rest
    }
}

extension ByteSet {
    public static let digits = ByteSet("0123456789")
    public static let hexDigits = ByteSet("0123456789abcdefABCDEF")
    public static let alphanumeric = ByteSet("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    /// RFC 3986 §2.3.
    public static let unreserved = alphanumeric.union(ByteSet("-._~"))
    public static let unreservedAndSlash = unreserved.union(ByteSet("/"))
    /// What may stand raw in one path segment (RFC 3986 §3.3).
    public static let pathSegment = unreserved.union(ByteSet("!$&'()*+,;=:@"))
    public static let printableASCII = ByteSet(0x20...0x7E)
    /// RFC 9110 §5.6.2.
    public static let token = alphanumeric.union(ByteSet("!#$%&'*+-.^_`|~"))
}
