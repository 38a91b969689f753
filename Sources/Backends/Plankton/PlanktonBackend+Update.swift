import Bytes
import Dialects
import Images
import Upstream

/// Changing an image: read, compare, one PUT (mapping §4.3, §6.4; plankton §7.3).
extension PlanktonBackend {
    func update(
        _ update: ImageUpdate, _ data: (any BodySource)?, _ session: PlanktonSession
    ) async throws(Failure) -> PlanktonImage {
        let id = try session.remote(update.id)
        if case .body = update.source, let uploads {
            guard let data else { throw Failure(.internal, cause: "data announced and not given") }
            return try await fill(id, update, data, uploads, session)
        }
        return try await locks.withLock(id) { () async throws(Failure) -> PlanktonImage in
            try locks.requireNoUpload(id)
            let current = try await session.show(id)
            try Self.check(update, current)
            let changes = try update.changes(on: current.image, by: session.caller)
            return try await send(changes, status: Self.status(update, current), on: current, session)
        }
    }

    /// Every image has its data already, where its location points, but for those that the gateway fills.
    private static func check(_ update: ImageUpdate, _ current: PlanktonImage) throws(Failure) {
        switch update.source {
        case .none: return
        case .body: throw isComplete
        case .copyFrom: break
        case .location:
            let location = try? PlanktonHolding.location(update.image.text(.location) ?? "")
            if let location, let present = current.remote.text(.location), location.sameBytes(as: present) { return }
        }
        throw Failure(.badRequest, "Attempted to update Location field for an image not in queued status.")
    }

    static let isComplete = Failure(.conflict, "Image is already activated or cannot take data")

    /// A status that a Plankton client sets: the server takes any text (mapping §3.1). Clients of other dialects may not
    /// set one, so that their updates have another guard.
    private static func status(_ update: ImageUpdate, _ current: PlanktonImage) -> String? {
        guard let word = update.image.text(.status),
            update.guards.contains(where: { $0.field == .status && $0.scope == .ignored }),
            !word.sameBytes(as: current.image.text(.status) ?? "")
        else { return nil }
        return word
    }

    /// Sends what really changes of an image that was just read; with the lock held.
    func send(
        _ changes: ImageChanges, status: String? = nil, sharers: [String]? = nil, without gone: [Mark] = [],
        on current: PlanktonImage, _ session: PlanktonSession
    ) async throws(Failure) -> PlanktonImage {
        guard
            let change = try session.holding.update(
                changes, status: status, sharers: sharers, without: gone, on: current)
        else { return current }
        return try await session.update(current.id, change.image, removing: change.removals)
    }
}
