import Bytes
import Dialects
import HTTP
public import Images
import Upstream

extension ImageV2Backend {
    public var relays: String? { "image-v2" }
    public var authority: String? { settings.authority }
    public var markPrefix: String? { settings.markPrefix }

    /// One call, never repeated: what it means is the client's and the registry's.
    public func relay(_ message: RelayedMessage) async throws(Failure) -> RelayedReply {
        let session = ImageV2Session(
            transport: transport, settings: settings, caller: message.caller, requestID: message.requestID)
        var fields = Fields()
        if let token = message.caller.token { fields.append("X-Auth-Token", token) }
        for field in message.fields { fields.append(name: Array(field.name.utf8), value: field.value) }
        session.calls.addRequestID(to: &fields)
        let reply: UpstreamReply
        do throws(TransportError) {
            reply = try await session.send(
                RegistryCall(message.method, message.target, fields: fields), data: message.body)
        } catch {
            throw ImageV2Session.failure(error)
        }
        return RelayedReply(
            status: reply.status, fields: reply.fields.map { ($0.nameText, Array($0.value)) }, body: reply.body)
    }
}
