import Bytes
import Dialects

extension ImageV2Backend {
    /// Takes back an image whose creation failed (mapping §7).
    func undo(_ id: String, isProtected: Bool, _ session: ImageV2Session) async -> Undoing.Result {
        await undoing.remove(session) {
            if isProtected {
                var patch = ImageV2Patch()
                patch.replace("protected", .boolean(false))
                if let answer = try? await session.exchange(session.calls.patch(id, patch.operations())) {
                    await session.discard(answer.reply)
                }
            }
            return await session.removal(session.calls.delete(id))
        }
    }
}
