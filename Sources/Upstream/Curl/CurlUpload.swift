import Bytes
import EventLoop
import HTTP

/// Pulls a call's body and feeds it to a transfer, in a task of its own. Loop's thread only.
final class CurlUpload: @unchecked Sendable {
    /// Why the upload could not go on; the call has failed with it.
    private(set) var failure: TransportError?
    private let transfer: CurlTransfer
    private let body: (any BodySource)?
    private var remaining: Int64?
    private var task: Task<Void, Never>?
    private var isAbandoned = false

    init(_ transfer: CurlTransfer, body: (any BodySource)?, framing: BodyLength) {
        self.transfer = transfer
        self.body = body
        if case .length(let length) = framing { remaining = length }
    }

    func start() {
        guard body != nil, remaining != 0 else { return }
        task = transfer.driver.loop.spawn { await self.run() }
    }

    /// Ends the sending, if it still runs, and waits until nobody uses the body any more.
    func abandon() async {
        guard let task else { return }
        isAbandoned = true
        task.cancel()
        await task.value
    }

    private func run() async {
        while !transfer.isEnded, !isAbandoned {
            let piece: [UInt8]
            do throws(BodyError) {
                piece = try await CallBody.nextPiece(of: body, remaining: remaining) ?? []
            } catch {
                return fail(error == .cancelled ? .cancelled : .clientBody(error))
            }
            if let remaining { self.remaining = remaining - Int64(piece.count) }
            switch await transfer.upload(piece) {
            case .changed: break
            case .timedOut: return fail(.timedOut(.sending))
            case .cancelled: return fail(.cancelled)
            }
            if piece.isEmpty || remaining == 0 { return }
        }
    }

    private func fail(_ reason: TransportError) {
        guard !isAbandoned else { return }
        failure = reason
        transfer.breakBody()
    }
}
