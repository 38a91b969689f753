import Bytes
import Dialects
import EventLoop
import HTTP
import Images
import Upstream

/// The calls of one request to an Image API v2 registry.
struct ImageV2Session: RemoteSession {
    let transport: any Transport
    let settings: ImageV2Settings
    let caller: Caller
    let calls: ImageV2Calls
    let marks: Marks?
    let passed: PassedFields?

    init(
        transport: any Transport, settings: ImageV2Settings, caller: Caller, requestID: String,
        passed: PassedFields? = nil
    ) {
        self.passed = passed
        self.transport = transport
        self.settings = settings
        self.caller = caller
        calls = ImageV2Calls(token: caller.token, requestID: requestID)
        marks = settings.markPrefix.map(Marks.init(prefix:))
    }

    var maxDocumentBytes: Int { settings.maxDocumentBytes }
    var maxErrorBytes: Int { settings.maxErrorBytes }

    func failure(status: Int, fields: Fields, body: [UInt8]) -> Failure {
        let secrets = [caller.token, settings.autoAcceptToken, settings.authority].compactMap(\.self)
        return ImageV2Reply.failure(status: status, fields: fields, body: body, hiding: secrets)
    }

    /// Reads an image and checks that it is the one asked for.
    func image(of reply: UpstreamReply, id: String?) async throws(Failure) -> ImageV2Image {
        let object = try await document(of: reply)
        let image = try ImageV2Image(object, marks: marks, starlingx: settings.starlingx)
        if let id, !image.remoteID.sameBytes(as: id) {
            throw Failure(.badGateway, cause: "asked for image \(id), was given another one")
        }
        return image
    }

    func show(_ id: String) async throws(Failure) -> ImageV2Image {
        let answer = try await exchange(calls.show(id))
        guard answer.status == 200 else { throw await failure(of: answer.reply) }
        return try await image(of: answer.reply, id: id)
    }
}
