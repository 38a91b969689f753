import Bytes
import Dialects
import Images
import Upstream

/// A walk through a registry's list: pages follow each other by the last id, each read as a stream, so that memory holds a
/// few images at most.
final class GlanceV1Pages: ReleasableImages {
    /// Where a registry cuts pages is its own setting; below its own usual page no one sets it (glance-v1 §4.1).
    private static let leastPage = 25

    private let session: GlanceV1Session
    private let parameters: [(String, String)]
    private let limit: Int
    private var marker: String?
    private var isDone = false
    private var page: ListPage<GlanceV1Session>?
    /// What the page held so far.
    private var seen = Seen()
    /// First image of the page before: old releases know no pages and begin again.
    private var firstOfLast: String?

    private struct Seen {
        var first: String?
        var last: String?
        var count = 0
    }

    /// - Parameters:
    ///   - limit: images wanted at most, where that is known.
    ///   - marker: the registry's own id.
    init(
        _ parameters: [(String, String)], limit: Int? = nil, marker: String? = nil, _ session: GlanceV1Session
    ) {
        self.session = session
        self.parameters = parameters
        self.limit = min(limit ?? session.registry.pageSize, session.registry.pageSize)
        self.marker = marker
    }

    /// Asks for the first page, so that a refusal is still an answer of its own.
    func start() async throws(Failure) {
        if page == nil, !isDone { try await open() }
    }

    func next() async throws(Failure) -> Image? { try await nextRemote()?.image }

    func nextRemote() async throws(Failure) -> GlanceV1Image? {
        do throws(Failure) {
            while !isDone {
                try await start()
                guard let object = try await page?.next() else {
                    try turn()
                    continue
                }
                let image = try await session.image(object)
                if note(image.remoteID) { return image }
            }
            return nil
        } catch {
            isDone = true
            page = nil
            throw error
        }
    }

    /// Counts an image of the page; false: the registry begins its list again, which ends the walk.
    private func note(_ id: String) -> Bool {
        if seen.first == nil {
            if let before = firstOfLast, before.sameBytes(as: id) {
                isDone = true
                page = nil
                return false
            }
            seen.first = id
        }
        seen.last = id
        seen.count += 1
        return true
    }

    private func open() async throws(Failure) {
        var pairs = parameters + [("limit", String(limit))]
        if let marker { pairs.append(("marker", marker)) }
        page = try await ListPage(session.calls.list(pairs), session)
        seen = Seen()
    }

    /// Behind a page: on to the next, when there may be one.
    private func turn() throws(Failure) {
        page = nil
        guard let last = seen.last, seen.count >= min(limit, Self.leastPage), limit > 0 else {
            isDone = true
            return
        }
        guard marker.map({ !$0.sameBytes(as: last) }) ?? true else {
            throw ListPage<GlanceV1Session>.fault("a page ends where it began")
        }
        firstOfLast = seen.first
        marker = last
    }

    /// Gives the walk up, so that its connection can serve again.
    func finish() async {
        isDone = true
        await page?.drain()
        page = nil
    }
}
