/// One direction's parked task, if any. Loop's thread only.
struct StreamWaiter {
    enum Result: Sendable { case ready, timedOut, cancelled, closed }

    private var continuation: UnsafeContinuation<Result, Never>?
    /// Distinguishes waits, so that a late cancellation can't end the next one.
    var serial: UInt64 = 0
    var wantsEither = false
    var timer: LoopTimer?

    var isWaiting: Bool { continuation != nil }

    mutating func begin(_ continuation: UnsafeContinuation<Result, Never>, either: Bool) {
        precondition(self.continuation == nil, "two tasks wait for one direction of a stream")
        self.continuation = continuation
        wantsEither = either
    }

    mutating func end(_ result: Result) {
        guard let parked = continuation else { return }
        continuation = nil
        wantsEither = false
        timer?.disarm()
        parked.resume(returning: result)
    }
}

extension SocketStream {
    enum Direction { case read, write, either }

    /// Parks the task until the direction is ready.
    func wait(_ direction: Direction, _ timeout: Duration?) async throws(IOError) {
        guard fd >= 0 else { throw .closed }
        let isWriter = direction == .write
        let serial = nextSerial(isWriter)
        // The handler may run on any thread and under the task's lock: it only posts.
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if isWriter {
                    writer.begin(continuation, either: false)
                } else {
                    reader.begin(continuation, either: direction == .either)
                }
                if let timeout { timer(isWriter).arm(after: timeout) }
            }
        } onCancel: {
            loop.execute { self.cancelWait(serial, isWriter) }
        }
        switch result {
        case .ready: return
        case .timedOut: throw .timedOut
        case .cancelled: throw .cancelled
        case .closed: throw .closed
        }
    }

    /// Gives the parked reader a time-out counted from now; without a parked reader nothing happens.
    public func limitParkedRead(to timeout: Duration) {
        if reader.isWaiting { timer(false).arm(after: timeout) }
    }

    private func nextSerial(_ isWriter: Bool) -> UInt64 {
        if isWriter {
            writer.serial &+= 1
            return writer.serial
        }
        reader.serial &+= 1
        return reader.serial
    }

    private func cancelWait(_ serial: UInt64, _ isWriter: Bool) {
        if isWriter {
            if writer.serial == serial { writer.end(.cancelled) }
        } else if reader.serial == serial {
            reader.end(.cancelled)
        }
    }

    private func timer(_ isWriter: Bool) -> LoopTimer {
        if let timer = isWriter ? writer.timer : reader.timer { return timer }
        let timer = LoopTimer(loop) { [unowned self] in
            if isWriter { writer.end(.timedOut) } else { reader.end(.timedOut) }
        }
        if isWriter { writer.timer = timer } else { reader.timer = timer }
        return timer
    }
}
