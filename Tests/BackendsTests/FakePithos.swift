import Backends
import Bytes
import Dialects
import Images
import Synchronization

/// A store in memory: every object that is put anew gets the same id.
final class FakePithos: PithosObjects {
    struct Stored: Sendable {
        var data: [UInt8]
        var uuid: String
    }

    private struct State {
        var objects: [String: Stored] = [:]
        var log: [String] = []
        var faults: [String: PithosFault] = [:]
    }

    private let state = Mutex(State())
    private let uuid: String

    init(uuid: String = PithosFixture.uuid) { self.uuid = uuid }

    /// Name of each call, with `account/container` of its location.
    var log: [String] { state.withLock { $0.log } }
    var objects: [String: Stored] { state.withLock { $0.objects } }

    func add(_ location: String, _ data: [UInt8]) {
        state.withLock { $0.objects[location] = Stored(data: data, uuid: uuid) }
    }

    func remove(_ location: String) { state.withLock { $0.objects[location] = nil } }

    /// `call` (find, open, put, remove) fails from now on.
    func fail(_ call: String, with fault: PithosFault) { state.withLock { $0.faults[call] = fault } }

    private func enter(_ call: String, _ location: PithosLocation, _ token: String?) throws(PithosFault) {
        let fault = state.withLock { state in
            state.log.append("\(call) \(location.account)/\(location.container) \(token ?? "-")")
            return state.faults[call]
        }
        if let fault { throw fault }
    }

    func find(_ location: PithosLocation, token: String?) async throws(PithosFault) -> PithosObject {
        try enter("find", location, token)
        guard let stored = objects[location.canonical] else { throw .notFound }
        return PithosObject(
            location: location,
            content: VerifiedObject(size: Int64(stored.data.count), hash: "h", uuid: stored.uuid), version: "1",
            changed: nil, isOwn: true)
    }

    func open(
        _ object: PithosObject, range: Range<Int64>?, token: String?
    ) async throws(PithosFault) -> any PithosData {
        try enter("open", object.location, token)
        let data = objects[object.location.canonical]?.data ?? []
        guard let range else { return FakePithosData(data) }
        return FakePithosData(Array(data[Int(range.lowerBound)..<Int(range.upperBound)]))
    }

    func put(
        _ data: any BodySource, at location: PithosLocation, overwrites: Bool, token: String?
    ) async throws(PithosFault) -> PithosObject {
        try enter("put", location, token)
        var bytes: [UInt8] = []
        do throws(BodyError) {
            while let piece = try await data.next() { bytes += piece }
        } catch {
            throw error == .cancelled ? .cancelled : .data(error)
        }
        let isFree = state.withLock { state in
            let former = state.objects[location.canonical]
            guard former == nil || overwrites else { return false }
            state.objects[location.canonical] = Stored(data: bytes, uuid: former?.uuid ?? uuid)
            return true
        }
        guard isFree else { throw .exists }
        return try await find(location, token: token)
    }

    func remove(_ location: PithosLocation, token: String?) async throws(PithosFault) {
        try enter("remove", location, token)
        remove(location.canonical)
    }
}

final class FakePithosData: PithosData {
    private let body: BytesBody
    var fault: PithosFault? { nil }
    var length: Int64? { Int64(body.content.count) }

    init(_ data: [UInt8]) { body = BytesBody(data) }

    func next() async throws(BodyError) -> [UInt8]? { try await body.next() }
}
