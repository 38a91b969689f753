import Bytes
import Dialects
import Images
import Upstream

/// One walk through a registry's list: pages follow each other by the last id, each read as a stream, so that memory
/// holds a few images at most.
final class PagedImages: ImageSource {
    private let session: ImageV2Session
    private let parameters: [(String, String)]
    private let remaining: [ImageQuery.Filter]
    private var marker: String?
    private var isDone = false
    private var page: ListPage<ImageV2Session>?
    /// Last image of the page.
    private var lastID: String?

    init(_ query: ImageV2Query, _ asked: ImageQuery, _ part: ImageV2Query.Part, _ session: ImageV2Session) {
        self.session = session
        let wanted = asked.limit ?? session.settings.pageSize
        // What never matches is asked for all the same, so that the caller's rights are.
        let limit = query.matchesNothing ? 0 : min(wanted, session.settings.pageSize)
        parameters = query.parameters(for: part, of: asked, limit: limit)
        remaining = query.matchesNothing ? [.deleted(true)] : query.remaining
        marker = asked.marker.map(ImageV2ID.remote)
    }

    /// A walk of given parameters, without conditions of the gateway's.
    init(_ parameters: [(String, String)], _ session: ImageV2Session) {
        self.session = session
        self.parameters = parameters
        remaining = []
    }

    /// Asks for the first page.
    func start() async throws(Failure) {
        if page == nil, !isDone { try await open() }
    }

    func next() async throws(Failure) -> Image? { try await nextRemote()?.image }

    func nextRemote() async throws(Failure) -> ImageV2Image? {
        do throws(Failure) {
            while !isDone {
                try await start()
                guard let object = try await page?.next() else {
                    try turn()
                    continue
                }
                let image = try ImageV2Image(object, marks: session.marks, starlingx: session.settings.starlingx)
                lastID = image.remoteID
                if remaining.allSatisfy({ $0.matches(image.image) }) { return image }
            }
            return nil
        } catch {
            isDone = true
            page = nil
            throw error
        }
    }

    private func open() async throws(Failure) {
        var pairs = parameters
        if let marker { pairs.append(("marker", marker)) }
        page = try await ListPage(session.calls.list(pairs), session)
        lastID = nil
    }

    /// Behind a page: on to the next, when there is one.
    private func turn() throws(Failure) {
        let others = page?.others
        page = nil
        guard others?["next"]?.text != nil, let lastID else {
            isDone = true
            return
        }
        guard marker.map({ !$0.sameBytes(as: lastID) }) ?? true else {
            throw ListPage<ImageV2Session>.fault("a page ends where it began")
        }
        marker = lastID
    }

    /// Gives the walk up, so that its connection can serve again.
    func finish() async {
        isDone = true
        await page?.drain()
        page = nil
    }
}

/// Several walks of one order as one list, cut at the query's limit. An image that two walks meet comes once.
final class MergedImages: ImageSource {
    private let walks: [PagedImages]
    private var heads: [ImageV2Image?]
    private var isPrimed = false
    private var left: Int?
    private var order: ImageQuery
    private var last: String?
    /// The walk whose head was given out last.
    private var taken: Int?

    init(_ walks: [PagedImages], _ query: ImageQuery) {
        self.walks = walks
        heads = Array(repeating: nil, count: walks.count)
        left = query.limit
        order = query
        // The registry's own order.
        if order.sort.isEmpty { order.sort = [ImageQuery.Sort(.createdAt, ascending: false)] }
    }

    func next() async throws(Failure) -> Image? {
        if left == 0 {
            for walk in walks { await walk.finish() }
            return nil
        }
        if !isPrimed {
            isPrimed = true
            for place in walks.indices { heads[place] = try await walks[place].nextRemote() }
        }
        // Only now is the walk asked on: behind the limit nothing is.
        if let place = taken { heads[place] = try await walks[place].nextRemote() }
        taken = nil
        while let place = first(), let image = heads[place] {
            if last.map({ $0.sameBytes(as: image.remoteID) }) ?? false {
                heads[place] = try await walks[place].nextRemote()
                continue
            }
            last = image.remoteID
            left = left.map { $0 - 1 }
            heads[place] = nil
            taken = place
            return image.image
        }
        return nil
    }

    private func first() -> Int? {
        var best: Int?
        for (place, head) in heads.enumerated() {
            guard let head else { continue }
            guard let chosen = best, let other = heads[chosen] else {
                best = place
                continue
            }
            if order.areInOrder(head.image, other.image) { best = place }
        }
        return best
    }
}
