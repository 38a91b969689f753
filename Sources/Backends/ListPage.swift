import Bytes
import Dialects
import Images
import Upstream

/// One page of a registry's list while it arrives: an entry at a time, and what stands beside the list once its end is
/// proven. Memory holds a few entries at most; whoever drops a page in the middle closes its connection.
final class ListPage<Session: RemoteSession> {
    private let session: Session
    private let body: any ReplyBody
    private var stream: JSONArrayStream
    private var ready: ArraySlice<JSONValue> = []
    /// The document's members beside `images`; nil before the end of the page.
    private(set) var others: JSONObject?

    /// Asks for the page.
    init(_ call: RegistryCall, _ session: Session) async throws(Failure) {
        let reply = try await session.exchange(call).reply
        guard reply.status == 200 else {
            var failure = await session.failure(of: reply)
            if failure.kind == .imageNotFound { failure.kind = .badGateway }
            throw failure
        }
        self.session = session
        body = reply.body
        stream = JSONArrayStream(key: "images", limits: JSONLimits(maxBytes: session.maxDocumentBytes))
    }

    deinit { body.cancel() }

    /// The next entry; nil at the end. After an error no further call is allowed.
    func next() async throws(Failure) -> JSONObject? {
        while others == nil {
            if let value = ready.popFirst() {
                guard let object = value.object else { throw Self.fault("an entry of the list is no object") }
                return object
            }
            try await read()
        }
        return nil
    }

    /// The next piece of the page, or its end.
    private func read() async throws(Failure) {
        let piece: [UInt8]?
        do throws(BodyError) { piece = try await body.next() } catch { throw Session.failure(reading: error) }
        do throws(JSONError) {
            if let piece {
                ready = try stream.feed(piece)[...]
                return
            }
            others = try stream.finish()
        } catch {
            throw Self.fault("list: \(error)")
        }
        guard stream.sawArray else { throw Self.fault("no list of images in the document") }
    }

    /// Reads what is left of the page, when it is little, so that the connection can serve again.
    func drain() async {
        var count = 0
        while count < session.maxErrorBytes, let piece = try? await body.next() { count += piece.count }
    }

    /// What the registry's list cannot be.
    static func fault(_ cause: String) -> Failure { Failure(.badGateway, cause: cause) }
}
