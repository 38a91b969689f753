import Backends
import Bytes
import Dialects
import Images
import Synchronization

/// A Pithos+ store in memory: `NAME-token` is the token of account NAME, `service` sees everything.
final class FakeStore: PithosObjects {
    struct Entry: Sendable {
        var bytes: [UInt8]
        var hash: String
        var uuid: String
        var changed: Timestamp? = Timestamp(seconds: 1_000_000)
        /// What `find` says instead.
        var fault: PithosFault?
        /// How reading ends, behind the first piece.
        var breaks: PithosFault?
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var log: [String] = []
        /// Nil: nobody waits at the first piece of data.
        var gate: [CheckedContinuation<Void, Never>]?
    }

    static let uuid = "11111111-2222-4333-8444-555555555555"
    static let hash = String(repeating: "ab", count: 32)
    private let state = Mutex(State())

    /// What was asked for: `find TOKEN`, `open TOKEN RANGE`.
    var log: [String] { state.withLock { $0.log } }

    func keep(
        _ text: String, at location: String = "pithos://alice/c/o", hash: String = hash, uuid: String = uuid,
        _ edit: (inout Entry) -> Void = { _ in }
    ) {
        var entry = Entry(bytes: Array(text.utf8), hash: hash, uuid: uuid)
        edit(&entry)
        let whole = entry
        state.withLock { $0.entries[location] = whole }
    }

    func drop(_ location: String) { state.withLock { $0.entries[location] = nil } }

    /// Data wait until `open()`.
    func shut() { state.withLock { $0.gate = [] } }

    func open() {
        let waiting = state.withLock { state in
            defer { state.gate = nil }
            return state.gate ?? []
        }
        for continuation in waiting { continuation.resume() }
    }

    fileprivate func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                state.gate?.append(continuation)
                return state.gate == nil
            }
            if isOpen { continuation.resume() }
        }
    }

    func find(_ location: PithosLocation, token: String?) async throws(PithosFault) -> PithosObject {
        let entry = state.withLock { state in
            state.log.append("find \(token ?? "-")")
            return state.entries[location.canonical]
        }
        guard let token else { throw .tokenRejected }
        let isOwn = token == location.account + "-token"
        guard isOwn || token == "service" || token == "friend" else { throw .forbidden }
        guard let entry else { throw .notFound }
        if let fault = entry.fault { throw fault }
        return PithosObject(
            location: location,
            content: VerifiedObject(size: Int64(entry.bytes.count), hash: entry.hash, uuid: entry.uuid),
            version: "1", changed: entry.changed, isOwn: isOwn)
    }

    func open(
        _ object: PithosObject, range: Range<Int64>?, token: String?
    ) async throws(PithosFault) -> any PithosData {
        let entry = state.withLock { state in
            state.log.append("open \(token ?? "-")" + (range.map { " \($0)" } ?? ""))
            return state.entries[object.location.canonical]
        }
        guard let entry else { throw .notFound }
        let part = range.map { Array(entry.bytes[Int($0.lowerBound)..<Int($0.upperBound)]) } ?? entry.bytes
        return StoredData(part, breaks: entry.breaks, self)
    }

    func put(
        _ data: any BodySource, at location: PithosLocation, overwrites: Bool, token: String?
    ) async throws(PithosFault) -> PithosObject { throw .badGateway("nothing is put here") }

    func remove(_ location: PithosLocation, token: String?) async throws(PithosFault) {
        throw .badGateway("nothing is removed here")
    }
}

private final class StoredData: PithosData {
    private var rest: ArraySlice<UInt8>
    private let breaks: PithosFault?
    private let store: FakeStore
    private(set) var fault: PithosFault?

    init(_ bytes: [UInt8], breaks: PithosFault?, _ store: FakeStore) {
        rest = bytes[...]
        self.breaks = breaks
        self.store = store
    }

    var length: Int64? { Int64(rest.count) }

    func next() async throws(BodyError) -> [UInt8]? {
        await store.pass()
        if Task.isCancelled { throw fail(.cancelled, .cancelled) }
        if let breaks, rest.count <= 3 { throw fail(breaks, .failed("broken")) }
        guard !rest.isEmpty else { return nil }
        let piece = Array(rest.prefix(3))
        rest = rest.dropFirst(3)
        return piece
    }

    private func fail(_ fault: PithosFault, _ error: BodyError) -> BodyError {
        self.fault = fault
        return error
    }
}
