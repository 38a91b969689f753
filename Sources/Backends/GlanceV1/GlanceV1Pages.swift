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
    private var page: Page?
    private var ready: ArraySlice<JSONValue> = []
    /// First image of the page before: old releases know no pages and begin again.
    private var firstOfLast: String?

    private struct Page {
        var body: any ReplyBody
        var stream: JSONArrayStream
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

    deinit { page?.body.cancel() }

    /// Asks for the first page, so that a refusal is still an answer of its own.
    func start() async throws(Failure) {
        if page == nil, !isDone { try await open() }
    }

    func next() async throws(Failure) -> Image? { try await nextRemote()?.image }

    func nextRemote() async throws(Failure) -> GlanceV1Image? {
        while true {
            while let value = ready.popFirst() {
                guard let object = value.object else { throw fail("an entry of the list is no object") }
                let image = try await session.image(object)
                guard note(image.remoteID) else { return nil }
                return image
            }
            if isDone { return nil }
            try await start()
            try await read()
        }
    }

    /// Counts an image of the page; false: the registry begins its list again, which ends the walk.
    private func note(_ id: String) -> Bool {
        if page?.first == nil {
            if let before = firstOfLast, before.sameBytes(as: id) {
                isDone = true
                ready = []
                page?.body.cancel()
                page = nil
                return false
            }
            page?.first = id
        }
        page?.last = id
        page?.count += 1
        return true
    }

    private func open() async throws(Failure) {
        var pairs = parameters + [("limit", String(limit))]
        if let marker { pairs.append(("marker", marker)) }
        let reply = try await session.exchange(session.calls.list(pairs)).reply
        guard reply.status == 200 else {
            isDone = true
            var failure = await session.failure(of: reply)
            if failure.kind == .imageNotFound { failure.kind = .badGateway }
            throw failure
        }
        let limits = JSONLimits(maxBytes: session.registry.maxDocumentBytes)
        page = Page(body: reply.body, stream: JSONArrayStream(key: "images", limits: limits))
    }

    /// The next piece of the page; at its end the next page, when there may be one.
    private func read() async throws(Failure) {
        guard var current = page else { return }
        let piece: [UInt8]?
        do throws(BodyError) {
            piece = try await current.body.next()
        } catch {
            isDone = true
            throw GlanceV1Session.failure(reading: error)
        }
        do throws(JSONError) {
            if let piece {
                ready = try current.stream.feed(piece)[...]
                page = current
                return
            }
            _ = try current.stream.finish()
        } catch {
            current.body.cancel()
            throw fail("list: \(error)")
        }
        page = nil
        guard current.stream.sawArray else { throw fail("no list of images in the document") }
        guard let last = current.last, current.count >= min(limit, Self.leastPage), limit > 0 else {
            isDone = true
            return
        }
        guard marker.map({ !$0.sameBytes(as: last) }) ?? true else { throw fail("a page ends where it began") }
        firstOfLast = current.first
        marker = last
    }

    /// Reads what is left of the page, when it is little, so that the connection can serve again.
    func finish() async {
        isDone = true
        guard let page else { return }
        self.page = nil
        var count = 0
        while count < session.maxErrorBytes, let piece = try? await page.body.next() { count += piece.count }
        page.body.cancel()
    }

    private func fail(_ cause: String) -> Failure {
        isDone = true
        return Failure(.badGateway, cause: cause)
    }
}
