import Bytes
import Dialects
import Glibc
import HTTP
import Images
import Upstream

/// Creating the record of an image, and finding out what became of a creation whose answer never came (mapping §7).
extension ImageV2Backend {
    /// Creates the record. Not stopped by a client that goes away: what came of it must be known to be undone.
    func post(_ encoder: ImageV2Creation, _ session: ImageV2Session) async throws(Failure) -> ImageV2Image {
        let result = await session.shielded { [self] () async -> Result<ImageV2Image, Failure> in
            do throws(Failure) {
                return .success(try await postInsisting(encoder, session))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    func mayPublishByMark(_ session: ImageV2Session) -> Bool {
        settings.publishRefused == .community && session.marks != nil
    }

    /// Drops what the registry forbids and the gateway may do without: the owner, publishing in the open.
    private func postInsisting(_ encoder: ImageV2Creation, _ session: ImageV2Session) async throws(Failure)
        -> ImageV2Image
    {
        var encoder = encoder
        while true {
            let sent = Sent(document: try encoder.document(), owner: session.caller.tenant)
            let reply: UpstreamReply
            switch try await postOnce(sent, session) {
            case .found(let image): return image
            case .answered(let answer): reply = answer
            }
            if reply.status == 201 || reply.status == 200 { return try await created(by: sent, reply, session) }
            if reply.status == 403, encoder.asksForOwner {
                encoder.namesOwner = false
            } else if reply.status == 403, encoder.asksForPublic, mayPublishByMark(session) {
                encoder.publication = .community
            } else {
                throw await session.failure(of: reply)
            }
            await session.discard(reply)
        }
    }

    /// Reads the answer of a creation. Where it breaks off, the image is there and nobody will ever be told.
    private func created(
        by sent: Sent, _ reply: UpstreamReply, _ session: ImageV2Session
    ) async throws(Failure) -> ImageV2Image {
        do throws(Failure) {
            return try await session.image(of: reply, id: sent.id)
        } catch {
            if let id = sent.id ?? ImageV2Reply.id(ofLocation: reply.fields["location"]) {
                _ = await undo(id, isProtected: sent.isProtected, session)
            }
            throw error
        }
    }

    private enum Posted {
        case answered(UpstreamReply)
        /// The answer was lost, the image is there.
        case found(ImageV2Image)
    }

    /// After a lost connection a record with an id of ours is looked for before it is sent again: the registry may have
    /// it already. Without an id nothing tells ours from another one of the same name.
    private func postOnce(_ sent: Sent, _ session: ImageV2Session) async throws(Failure) -> Posted {
        let call = session.calls.create(sent.document)
        do throws(TransportError) {
            return .answered(try await session.send(call))
        } catch {
            guard let id = sent.id else { throw ImageV2Session.failure(error) }
            guard case .closed = error else { throw await givingUp(sent, error, session) }
            if let image = try await look(for: id, session) {
                guard sent.made(image) else { throw Self.idIsTaken }
                return .found(image)
            }
        }
        do throws(TransportError) {
            let reply = try await session.send(call, fresh: true)
            // The first may have arrived after it was looked for.
            guard reply.status == 409, let id = sent.id, let image = try? await look(for: id, session),
                sent.made(image)
            else { return .answered(reply) }
            await session.discard(reply)
            return .found(image)
        } catch {
            throw await givingUp(sent, error, session)
        }
    }

    /// The failure of a creation that is not tried again; if the registry took it all the same, it is undone.
    private func givingUp(_ sent: Sent, _ error: TransportError, _ session: ImageV2Session) async -> Failure {
        let failure = ImageV2Session.failure(error)
        guard error.mayHaveArrived, let id = sent.id, let image = try? await look(for: id, session), sent.made(image)
        else { return failure }
        _ = await undo(id, isProtected: sent.isProtected, session)
        return failure
    }

    /// Nil: no such image.
    private func look(for id: String, _ session: ImageV2Session) async throws(Failure) -> ImageV2Image? {
        do throws(Failure) {
            return try await session.show(id)
        } catch {
            guard error.kind == .imageNotFound else { throw error }
            return nil
        }
    }

    private static var idIsTaken: Failure { Failure(.conflict, "An image with this id exists already") }
}

/// A creation on its way, and how its image is known again.
private struct Sent: Sendable {
    /// Seconds that the registry's clock may be behind ours.
    private static let clockTolerance: Int64 = 5

    let document: JSONObject
    let begun: Int64
    /// Who will own the image; nil: only the registry knows.
    private let owner: String?

    init(document: JSONObject, owner: String?) {
        self.document = document
        self.owner = document["owner"]?.text ?? owner
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        begun = Int64(now.tv_sec)
    }

    var id: String? { document["id"]?.text }
    var isProtected: Bool { document["protected"]?.boolean ?? false }

    /// Whether the image with the id is what this creation made, not somebody else's who was faster.
    func made(_ image: ImageV2Image) -> Bool {
        guard image.remoteStatus == ImageStatus.queued.rawValue,
            (image.image.text(.name) ?? "").sameBytes(as: document["name"]?.text ?? ""),
            let created = image.image.time(.createdAt), created.seconds >= begun - Self.clockTolerance
        else { return false }
        guard let owner, let actual = image.image.text(.owner) else { return true }
        return owner.sameBytes(as: actual)
    }
}

extension TransportError {
    /// False: the registry has certainly seen nothing of the call.
    fileprivate var mayHaveArrived: Bool {
        switch self {
        case .closed(let sentAnything): sentAnything
        case .timedOut(let phase): phase == .head || phase == .sending
        case .malformed, .cancelled, .failed: true
        default: false
        }
    }
}
