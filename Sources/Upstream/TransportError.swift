public import Bytes
import EventLoop

/// Why a call has no reply. What the client gets for it is decided elsewhere.
public enum TransportError: Error, Sendable, Equatable {
    /// The part of a call whose time-out ran down.
    public enum Phase: Sendable, Equatable {
        /// Waiting for one of the endpoint's bounded connections.
        case queue
        case connect
        /// The upstream stopped taking the request's body.
        case sending
        /// The response's head did not come in time.
        case head
    }

    /// No address for the name; the text is the resolver's.
    case resolveFailed(String)
    /// Refused or unreachable; nothing was sent.
    case connectFailed(String)
    /// Handshake or certificate.
    case tlsFailed(String)
    case timedOut(Phase)
    /// More calls wait for a connection than the endpoint allows.
    case overloaded
    /// The response breaks the protocol; the text says where.
    case malformed(String)
    /// The connection ended before the head was complete. `sentAnything` false: the call certainly never arrived.
    case closed(sentAnything: Bool)
    /// The task was cancelled.
    case cancelled
    /// The call's own body failed: the upload was aborted, never completed, and the upstream is not to blame.
    case clientBody(BodyError)
    /// The call itself may not cross a wire (a CR in a value...); nothing was sent.
    case invalidCall(String)
    /// Anything else; for the log.
    case failed(String)

    /// An error of a stream while it moved bytes in a phase.
    init(_ error: IOError, _ phase: Phase, sentAnything: Bool) {
        switch error {
        case .cancelled: self = .cancelled
        case .timedOut: self = .timedOut(phase)
        case .disconnected, .closed: self = .closed(sentAnything: sentAnything)
        case .system(let failure): self = phase == .connect ? .connectFailed("\(failure)") : .failed("\(failure)")
        }
    }

    var isClosed: Bool { if case .closed = self { true } else { false } }
}
