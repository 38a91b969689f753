import Images
import Posix

/// What is remembered of a token: everything of its caller but the token.
final class KnownCaller: Sendable {
    private let user: String?
    private let tenant: String?
    private let roles: [String]
    private let system: Caller.System
    private let expires: Timestamp?
    /// When the answer is too old.
    let end: MonotonicTime

    init(_ caller: Caller, end: MonotonicTime) {
        user = caller.user
        tenant = caller.tenant
        roles = caller.roles
        system = caller.system
        expires = caller.expires
        self.end = end
    }

    /// The caller as if just asked for.
    func caller(_ token: String) -> Caller {
        Caller(token: token, user: user, tenant: tenant, roles: roles, system: system, expires: expires)
    }

    /// The token itself ends by the wall clock, which may jump, the answer by the other one.
    func isGood(at clock: TokenClock) -> Bool {
        clock.now() < end && expires.map { clock.wall() < $0 } ?? true
    }

    /// What it takes in a table, its place there included.
    var bytes: Int {
        let lists = roles.isEmpty ? 0 : MemoryCost.header + roles.count * MemoryLayout<String>.stride
        return MemoryCost.entry + MemoryCost.of(user) + MemoryCost.of(tenant) + lists
            + roles.reduce(0) { $0 + MemoryCost.of($1) }
    }
}

/// That nobody knew a token, and until when this is believed.
struct UnknownToken: Sendable {
    var cause: String
    var end: MonotonicTime

    /// - Parameter cause: kept in part.
    init(_ cause: String, end: MonotonicTime) {
        self.cause =
            cause.utf8.count <= Self.maxCauseBytes
            ? cause : String(decoding: cause.utf8.prefix(Self.maxCauseBytes), as: UTF8.self)
        self.end = end
    }

    var bytes: Int { MemoryCost.entry + MemoryCost.of(cause) }

    private static let maxCauseBytes = 240
}

/// Bytes of memory that values take, rather too many than too few.
enum MemoryCost {
    /// Of an object or an array's storage, with what the allocator adds.
    static let header = 48
    /// A table's entry: digest and place in a dictionary that may be half empty (120), slot in an array that may be half
    /// empty (160), the object (144).
    static let entry = 424

    /// Beyond the sixteen bytes that lie in place; fifteen bytes of text fit there.
    static func of(_ text: String?) -> Int {
        guard let count = text?.utf8.count, count > 15 else { return 0 }
        return header + (count + 15) & ~15
    }
}

/// The clocks of a cache; tests bring their own.
struct TokenClock: Sendable {
    var now: @Sendable () -> MonotonicTime
    var wall: @Sendable () -> Timestamp

    static let system = TokenClock(
        now: { .now() },
        wall: {
            let time = WallClock.now()
            return Timestamp(seconds: time.seconds, microseconds: time.nanoseconds / 1000)
        })
}
