import Bytes
import EventLoop
import HTTP
import Posix

/// Sends one call's head and body on a connection; behind the first piece in a task of its own, so that the response
/// is watched meanwhile. Loop's thread only.
///
/// The last byte of a body of known length is sent only when the source has proven its end, and the last chunk
/// likewise: a failing source never leaves a request that looks complete.
final class Upload: @unchecked Sendable {
    enum Outcome: Equatable {
        case running
        case finished
        case bodyFailed(BodyError)
        case sendFailed(IOError)
    }

    private(set) var outcome = Outcome.running
    private let connection: DirectConnection
    private let body: (any BodySource)?
    private let timeouts: UpstreamTimeouts
    /// The head, before the first piece.
    private var pending: [UInt8]
    /// Bytes of the body to come; nil: chunked.
    private var remaining: Int64?
    private var task: Task<Void, Never>?
    private var isAbandoned = false

    init(
        _ connection: DirectConnection, head: [UInt8], framing: BodyLength, call: UpstreamCall,
        timeouts: UpstreamTimeouts
    ) {
        self.connection = connection
        self.timeouts = timeouts
        body = call.body
        pending = head
        switch framing {
        case .none: remaining = 0
        case .length(let length): remaining = length
        case .chunked, .untilClose: remaining = nil
        }
    }

    /// Sends the head with the first piece, and starts the task for the rest.
    func start(_ first: [UInt8]?) async {
        await send(first)
        if outcome == .running { task = connection.stream.loop.spawn { await self.sendRest() } }
    }

    /// Ends the sending, if it still runs, and waits until nobody uses the body any more.
    func abandon() async {
        guard let task else { return }
        isAbandoned = true
        task.cancel()
        await task.value
    }

    private func sendRest() async {
        while outcome == .running {
            let piece: [UInt8]?
            do throws(BodyError) {
                piece = try await CallBody.nextPiece(of: body, remaining: remaining)
            } catch {
                return fail(.bodyFailed(error))
            }
            await send(piece)
        }
    }

    /// Sends a piece with what belongs around it; nil: the end.
    private func send(_ piece: [UInt8]?) async {
        var before = pending
        var after: [UInt8] = []
        pending = []
        if let remaining {
            self.remaining = remaining - Int64(piece?.count ?? 0)
        } else if let piece {
            before.append(contentsOf: ChunkedEncoder.opening(piece.count))
            after = ChunkedEncoder.closing
        } else {
            before.append(contentsOf: ChunkedEncoder.end)
        }
        do throws(IOError) {
            try await connection.stream.write(before, piece ?? [], after, timeout: timeouts.betweenBytes)
        } catch {
            return fail(.sendFailed(error))
        }
        if remaining == 0 || piece == nil { finish() }
    }

    private func finish() {
        guard outcome == .running else { return }
        outcome = .finished
        limitHead(to: timeouts.head)
    }

    /// A broken body or a stalled peer closes the connection, which ends the wait for the response. A peer that
    /// closed may have answered before: give its answer a moment.
    private func fail(_ reason: Outcome) {
        outcome = reason
        guard !isAbandoned else { return }
        if case .sendFailed(.disconnected) = reason {
            limitHead(to: min(timeouts.head, Self.lastWords))
        } else {
            connection.stream.close(resetting: true)
        }
    }

    private func limitHead(to time: Duration) {
        connection.headDeadline = connection.stream.loop.now + time
        connection.stream.limitParkedRead(to: time)
    }

    /// How long an answer may still come when the peer takes no more bytes.
    private static let lastWords = Duration.seconds(1)
}
