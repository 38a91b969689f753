import Bytes
import EventLoop
import Images
import Posix
import Synchronization

/// How much is remembered of tokens, and how long.
public struct TokenCacheSettings: Sendable {
    /// Tokens remembered, known and unknown ones together.
    public var maxTokens = 10_000
    /// Memory for them; a token of the usual kind takes some 700 bytes.
    public var maxBytes = 8 << 20
    /// How long a caller is believed, from the question on and never beyond the end of the token (astakos-pithos §1.3):
    /// the longest time that a revoked token goes on.
    public var knownLifetime = Duration.seconds(60)
    /// How long a token stays unknown.
    public var unknownLifetime = Duration.seconds(5)
    /// Longest wait for the service, repeated calls included.
    public var patience = Duration.seconds(30)
    /// What clients are told to wait while the service is away, in seconds.
    public var retryAfter = 5
    /// Tokens asked for at the same time; beyond them clients get 503.
    public var maxLookups = 4096

    public init() {}
}

/// What a cache holds and did since the start.
public struct TokenCacheUsage: Sendable, Equatable {
    public var known = 0
    public var unknown = 0
    /// Memory as accounted, never above the bound.
    public var bytes = 0
    /// Requests answered from memory, bad tokens included.
    public var hits: UInt64 = 0
    /// Questions put to the service.
    public var lookups: UInt64 = 0
}

/// Callers by token, shared by all loops. Holds digests of tokens, never tokens.
///
/// A hit takes one digest and one short lock of one part of the cache; no lock is held while anybody waits.
final class TokenCache: Sendable {
    /// What the cache knows, or who is finding out.
    private enum Found {
        case known(KnownCaller)
        case unknown(String)
        case flight(SingleFlight<Caller>, isNew: Bool)
        case tooMany
    }

    private struct Shard: Sendable {
        var known: LRUTable<KnownCaller>
        var unknown: LRUTable<UnknownToken>
        var flights: [SHA256Digest: SingleFlight<Caller>] = [:]
        var hits: UInt64 = 0
        var lookups: UInt64 = 0
    }

    private final class Part: Sendable {
        let shard: Mutex<Shard>
        init(_ shard: Shard) { self.shard = Mutex(shard) }
    }

    private let settings: TokenCacheSettings
    private let clock: TokenClock
    private let parts: [Part]
    private let maxFlights: Int

    /// Parts of a large cache: enough that loops seldom meet at one lock.
    private static let partCount = 16
    /// A cache for fewer tokens has one part, so that its bound is exact.
    private static let divisibleCount = 1024
    /// Unknown tokens get one part in so many of number and memory, and never more: whoever sends made-up tokens pushes
    /// out nobody who is known.
    private static let unknownShare = 8

    init(_ settings: TokenCacheSettings, clock: TokenClock = .system) {
        self.settings = settings
        self.clock = clock
        let count = settings.maxTokens < Self.divisibleCount ? 1 : Self.partCount
        let (tokens, bytes) = (max(2, settings.maxTokens / count), max(0, settings.maxBytes / count))
        let unknownTokens = max(1, tokens / Self.unknownShare)
        let unknownBytes = bytes / Self.unknownShare
        maxFlights = max(1, settings.maxLookups / count)
        parts = (0..<count).map { _ in
            Part(
                Shard(
                    known: LRUTable(maxCount: tokens - unknownTokens, maxBytes: bytes - unknownBytes),
                    unknown: LRUTable(maxCount: unknownTokens, maxBytes: unknownBytes)))
        }
    }

    /// The caller of a token, from memory or as the service says; one question at a time for one token.
    ///
    /// Called by a task of a loop, and resumes there.
    func caller(_ token: String, from service: any TokenService) async throws(Failure) -> Caller {
        let key = try Self.key(token)
        switch look(key) {
        case .known(let caller): return caller.caller(token)
        case .unknown(let cause): throw .rejectedToken(cause)
        case .tooMany: throw unavailable("more than \(settings.maxLookups) tokens are being looked up")
        case .flight(let flight, let isNew):
            guard let loop = EventLoop.current else {
                leave(flight, key)
                throw Failure(.internal, cause: "a token was looked up outside of an event loop")
            }
            if isNew {
                flight.start(on: loop, patience: settings.patience) { () async throws(IdentityFault) in
                    try await service.caller(for: token)
                } done: { [self] answer in
                    remember(answer, key, flight)
                }
            }
            switch await flight.answer(on: loop, patience: settings.patience + Self.grace) {
            case .answered(.success(var caller)):
                caller.token = token
                return caller
            case .answered(.failure(.rejected(let cause))): throw .rejectedToken(cause)
            case .answered(.failure(.unavailable(let cause))): throw unavailable(cause)
            case .cancelled: throw Failure(.clientDisconnected)
            }
        }
    }

    /// For a service to end a question that was withdrawn.
    private static let grace = Duration.seconds(2)

    /// Drops what is known of a token; an answer still under way will serve its waiters and not be remembered.
    func forget(_ token: String) {
        guard let key = try? Self.key(token) else { return }
        part(key).shard.withLock { shard in
            shard.known.remove(key)
            shard.unknown.remove(key)
            shard.flights[key] = nil
        }
    }

    var usage: TokenCacheUsage {
        parts.reduce(into: TokenCacheUsage()) { sum, part in
            part.shard.withLock { shard in
                sum.known += shard.known.count
                sum.unknown += shard.unknown.count
                sum.bytes += shard.known.bytes + shard.unknown.bytes
                sum.hits &+= shard.hits
                sum.lookups &+= shard.lookups
            }
        }
    }

    /// Requests that wait for the answer about a token.
    func waiting(for token: String) -> Int {
        guard let key = try? Self.key(token) else { return 0 }
        return part(key).shard.withLock { $0.flights[key] }?.waiting ?? 0
    }

    private static func key(_ token: String) throws(Failure) -> SHA256Digest {
        do throws(DigestError) { return try SHA256Digest(of: token) } catch {
            throw Failure(.internal, cause: "no \(error.algorithm.rawValue) for tokens")
        }
    }

    private func part(_ key: SHA256Digest) -> Part { parts[key.part(of: parts.count)] }

    private func look(_ key: SHA256Digest) -> Found {
        part(key).shard.withLock { shard in
            if let caller = shard.known.use(key) {
                if caller.isGood(at: clock) {
                    shard.hits &+= 1
                    return .known(caller)
                }
                shard.known.remove(key)
            } else if let token = shard.unknown.use(key) {
                if clock.now() < token.end {
                    shard.hits &+= 1
                    return .unknown(token.cause)
                }
                shard.unknown.remove(key)
            }
            if let flight = shard.flights[key] { return .flight(flight, isNew: false) }
            guard shard.flights.count < maxFlights else { return .tooMany }
            let flight = SingleFlight<Caller>(asked: clock.now())
            shard.flights[key] = flight
            shard.lookups &+= 1
            return .flight(flight, isNew: true)
        }
    }

    private func leave(_ flight: SingleFlight<Caller>, _ key: SHA256Digest) {
        part(key).shard.withLock { shard in
            if shard.flights[key] === flight { shard.flights[key] = nil }
        }
    }

    /// Keeps an answer, unless the token was to be forgotten meanwhile or the service could not say.
    private func remember(_ answer: SingleFlight<Caller>.Answer, _ key: SHA256Digest, _ flight: SingleFlight<Caller>) {
        part(key).shard.withLock { shard in
            guard shard.flights[key] === flight else { return }
            shard.flights[key] = nil
            switch answer {
            case .success(let caller):
                let known = KnownCaller(caller, end: flight.asked + settings.knownLifetime)
                if known.isGood(at: clock) { shard.known.insert(known, for: key, bytes: known.bytes) }
            case .failure(.rejected(let cause)):
                let token = UnknownToken(cause, end: flight.asked + settings.unknownLifetime)
                shard.unknown.insert(token, for: key, bytes: token.bytes)
            case .failure(.unavailable): break
            }
        }
    }

    private func unavailable(_ cause: String) -> Failure {
        Failure(.unavailable, retryAfter: String(settings.retryAfter), cause: cause)
    }
}
