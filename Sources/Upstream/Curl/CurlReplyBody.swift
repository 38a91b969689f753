import Bytes
import CCurl
import EventLoop
import HTTP

/// The body of a reply that libcurl receives; its end is libcurl's word, checked against the announced length.
final class CurlReplyBody: ReplyBody {
    private let transfer: CurlTransfer
    private let announced: Int64?
    private var given: Int64 = 0
    private var isOpen = true
    private var fault: BodyError?

    init(_ transfer: CurlTransfer, framing: BodyLength) {
        self.transfer = transfer
        switch framing {
        case .none: announced = 0
        case .length(let length): announced = length
        case .chunked, .untilClose: announced = nil
        }
        if framing == .none { cancel() }
    }

    deinit { cancel() }

    var length: Int64? { announced.map { max(0, $0 - given) } }

    func next() async throws(BodyError) -> [UInt8]? {
        // Nil would be a proven end.
        if let fault { throw fault }
        do throws(BodyError) {
            return try await pull()
        } catch {
            fault = error
            throw error
        }
    }

    private func pull() async throws(BodyError) -> [UInt8]? {
        while isOpen {
            if let piece = transfer.takePiece() {
                given += Int64(piece.count)
                return piece
            }
            if let end = ending() {
                cancel()
                if let failure = end { throw failure }
                return nil
            }
            switch await transfer.waitReply(transfer.timeouts.betweenBytes) {
            case .changed: continue
            case .timedOut:
                cancel()
                throw .timedOut
            case .cancelled:
                cancel()
                throw .cancelled
            }
        }
        return nil
    }

    /// Nil: not at the end; else the failure that the end is.
    private func ending() -> BodyError?? {
        // An early answer, whose upload was given up: libcurl would wait for it for ever.
        if let announced, given == announced, !transfer.isRequestSent { return .some(nil) }
        guard let result = transfer.result else { return nil }
        if result == CURLE_OK {
            return announced == nil || given == announced ? .some(nil) : .some(.disconnected)
        }
        switch CurlTransport.failure(of: transfer) {
        case .malformed(let reason): return .some(.malformed(reason))
        case .closed: return .some(.disconnected)
        case let other: return .some(.failed(other.map { "\($0)" } ?? "unknown"))
        }
    }

    func cancel() {
        guard isOpen else { return }
        isOpen = false
        let transfer = transfer
        if transfer.driver.loop.isCurrent { transfer.end() } else { transfer.driver.loop.execute { transfer.end() } }
    }
}
