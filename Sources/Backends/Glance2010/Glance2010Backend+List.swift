import Bytes
import Dialects
import Images
import Upstream

/// Lists: one call tells all that is public, the gateway selects (mapping §6.5).
extension Glance2010Backend {
    func list(_ query: ImageQuery, _ session: Glance2010Session) async throws(Failure) -> any ImageSource {
        var query = query
        query.filters += Self.conditions(of: query)
        var marker: Image?
        // Where it cannot be had the list itself is searched for it, with more memory.
        if let id = query.marker, !query.sort.isEmpty { marker = try? await session.show(id).image }
        let source = Glance2010List(session)
        // Asked for now, so that a refusal is still an answer of its own.
        try await source.start()
        let age = settings.listsByAge ? [ImageQuery.Sort(.createdAt, ascending: true)] : []
        return ListSelection(source, query, order: age, markerImage: marker, maxSorted: settings.maxSorted)
    }

    /// Everything in the list is public; what a scope takes away from that.
    private static func conditions(of query: ImageQuery) -> [ImageQuery.Filter] {
        switch query.scope {
        case .visible, .publicOnly, .everything, .reachable(.usual, _), .reachable(.all, _): []
        case .notPublic:
            [.oneOf(.visibility, [Visibility.shared, .private, .community].map { .text($0.rawValue) })]
        case .reachable(.only(let visibility), _): [.oneOf(.visibility, [.text(visibility.rawValue)])]
        }
    }

    /// The image that was registered at a location; among those that are listed.
    func registered(
        at location: String, _ session: Glance2010Session
    ) async throws(Failure) -> Glance2010Image? {
        let source = Glance2010List(session)
        while let image = try await source.nextHeld() {
            guard image.image.text(.location).map({ $0.sameBytes(as: location) }) ?? false else { continue }
            await source.finish()
            return image
        }
        return nil
    }
}

/// The registry's list, read as it comes.
final class Glance2010List: ReleasableImages {
    private let session: Glance2010Session
    private var body: (any ReplyBody)?
    private var stream: JSONArrayStream
    private var ready: ArraySlice<JSONValue> = []
    private var hasStarted = false

    init(_ session: Glance2010Session) {
        self.session = session
        stream = JSONArrayStream(key: "images", limits: JSONLimits(maxBytes: session.maxDocumentBytes))
    }

    deinit { body?.cancel() }

    func start() async throws(Failure) {
        guard !hasStarted else { return }
        hasStarted = true
        let reply = try await session.exchange(session.calls.list()).reply
        guard reply.status == 200 else {
            var failure = await session.failure(of: reply)
            // There is always a list.
            if failure.kind == .imageNotFound { failure.kind = .badGateway }
            throw failure
        }
        body = reply.body
    }

    func next() async throws(Failure) -> Image? { try await nextHeld()?.image }

    func nextHeld() async throws(Failure) -> Glance2010Image? {
        try await start()
        while true {
            if let value = ready.popFirst() {
                guard let object = value.object else { throw broken("an entry of the list is no object") }
                return Glance2010Image(try session.reply.image(object), session.held)
            }
            guard try await read() else { return nil }
        }
    }

    /// The next piece; false at the proven end.
    private func read() async throws(Failure) -> Bool {
        guard let body else { return false }
        let piece: [UInt8]?
        do throws(BodyError) {
            piece = try await body.next()
        } catch {
            throw Glance2010Session.failure(reading: error)
        }
        do throws(JSONError) {
            if let piece {
                ready = try stream.feed(piece)[...]
                return true
            }
            self.body = nil
            _ = try stream.finish()
        } catch {
            throw broken("list: \(error)")
        }
        guard stream.sawArray else { throw broken("no list of images in the document") }
        return false
    }

    /// Reads what is left when it is little, so that the connection can serve again.
    func finish() async {
        guard let body else { return }
        self.body = nil
        var count = 0
        while count < session.maxErrorBytes, let piece = try? await body.next() { count += piece.count }
        body.cancel()
    }

    private func broken(_ cause: String) -> Failure {
        body?.cancel()
        body = nil
        return Failure(.badGateway, cause: cause)
    }
}
