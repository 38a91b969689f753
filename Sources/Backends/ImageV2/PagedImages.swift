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
    private var page: Page?
    private var ready: ArraySlice<JSONValue> = []

    private struct Page {
        var body: any ReplyBody
        var stream: JSONArrayStream
        var lastID: String?
    }

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

    deinit { page?.body.cancel() }

    /// Asks for the first page.
    func start() async throws(Failure) {
        if page == nil, !isDone { try await open() }
    }

    func next() async throws(Failure) -> Image? { try await nextRemote()?.image }

    func nextRemote() async throws(Failure) -> ImageV2Image? {
        while true {
            while let value = ready.popFirst() {
                guard let object = value.object else { throw fail("an entry of the list is no object") }
                let image = try ImageV2Image(object, marks: session.marks, starlingx: session.settings.starlingx)
                page?.lastID = image.remoteID
                if remaining.allSatisfy({ $0.matches(image.image) }) { return image }
            }
            if isDone { return nil }
            try await start()
            try await read()
        }
    }

    private func open() async throws(Failure) {
        var pairs = parameters
        if let marker { pairs.append(("marker", marker)) }
        let reply = try await session.exchange(session.calls.list(pairs)).reply
        guard reply.status == 200 else {
            isDone = true
            var failure = await session.failure(of: reply)
            if failure.kind == .imageNotFound { failure.kind = .badGateway }
            throw failure
        }
        let limits = JSONLimits(maxBytes: session.settings.maxDocumentBytes)
        page = Page(body: reply.body, stream: JSONArrayStream(key: "images", limits: limits))
    }

    /// The next piece of the page; at its end the next page, when there is one.
    private func read() async throws(Failure) {
        guard var current = page else { return }
        let piece: [UInt8]?
        do throws(BodyError) {
            piece = try await current.body.next()
        } catch {
            isDone = true
            throw ImageV2Session.failure(reading: error)
        }
        let others: JSONObject
        do throws(JSONError) {
            if let piece {
                ready = try current.stream.feed(piece)[...]
                page = current
                return
            }
            others = try current.stream.finish()
        } catch {
            current.body.cancel()
            throw fail("list: \(error)")
        }
        page = nil
        guard current.stream.sawArray else { throw fail("no list of images in the document") }
        guard others["next"]?.text != nil, let last = current.lastID else {
            isDone = true
            return
        }
        guard marker.map({ !$0.sameBytes(as: last) }) ?? true else { throw fail("a page ends where it began") }
        marker = last
    }

    /// Reads what is left of the page, when it is little, so that the connection can serve again.
    func finish() async {
        isDone = true
        guard let page else { return }
        self.page = nil
        var count = 0
        while count < session.settings.maxErrorBytes, let piece = try? await page.body.next() { count += piece.count }
        page.body.cancel()
    }

    private func fail(_ cause: String) -> Failure {
        isDone = true
        return Failure(.badGateway, cause: cause)
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
