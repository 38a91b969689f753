import Bytes
import Dialects
import Images
import Upstream

/// The list of a Plankton server, which has one page: read as a stream, so that memory holds a few images at most.
final class PlanktonImages: ReleasableImages {
    private let session: PlanktonSession
    private let body: any ReplyBody
    private let isWanted: (PlanktonImage) -> Bool
    private var stream: Plankton.ListStream
    private var ready: ArraySlice<JSONValue> = []
    private var isDone = false

    /// Asks for the list now, so that a refusal is still an answer of its own.
    init(
        _ session: PlanktonSession, sortedBy sort: ImageQuery.Sort,
        where isWanted: @escaping (PlanktonImage) -> Bool = { _ in true }
    ) async throws(Failure) {
        // Brief entries lack the properties, and marks with them.
        let call = session.calls.list(isDetailed: true, sortedBy: sort.field, isAscending: sort.isAscending)
        let reply = try await session.exchange(call).reply
        guard reply.status == 200 else {
            var failure = await session.failure(of: reply)
            if failure.kind == .imageNotFound { failure.kind = .badGateway }
            throw failure
        }
        self.session = session
        self.isWanted = isWanted
        body = reply.body
        stream = Plankton.ListStream(limits: JSONLimits(maxBytes: session.settings.maxDocumentBytes))
    }

    deinit { body.cancel() }

    func next() async throws(Failure) -> Image? { try await nextRemote()?.image }

    func nextRemote() async throws(Failure) -> PlanktonImage? {
        while true {
            while let value = ready.popFirst() {
                guard let entry = value.object else { throw fail("an entry of the list is no object") }
                let image = PlanktonImage(try Plankton.Record(entry), marks: session.marks)
                if isWanted(image) { return image }
            }
            if isDone { return nil }
            try await read()
        }
    }

    private func read() async throws(Failure) {
        let piece: [UInt8]?
        do throws(BodyError) {
            piece = try await body.next()
        } catch {
            isDone = true
            throw PlanktonSession.failure(reading: error)
        }
        do throws(JSONError) {
            if let piece {
                ready = try stream.feed(piece)[...]
            } else {
                isDone = true
                try stream.finish()
            }
        } catch {
            throw fail("list: \(error)")
        }
    }

    /// Reads what is left, when it is little, so that the connection can serve again.
    func finish() async {
        guard !isDone else { return }
        isDone = true
        var count = 0
        while count < session.settings.maxErrorBytes, let piece = try? await body.next() { count += piece.count }
        body.cancel()
    }

    private func fail(_ cause: String) -> Failure {
        isDone = true
        body.cancel()
        return Failure(.badGateway, cause: cause)
    }
}
