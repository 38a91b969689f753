import EventLoop
import Posix

/// Loops of one test, stopped at its end.
func withLoops<Result: Sendable>(
    _ count: Int = 1, _ body: (EventLoopGroup) async throws -> Result
) async throws -> Result {
    let group = try EventLoopGroup(loops: count)
    defer { group.stop() }
    return try await body(group)
}

/// Runs the body as a task of a fresh loop.
func onLoop<Result: Sendable>(_ body: @escaping @Sendable (EventLoop) async throws -> Result) async throws -> Result {
    try await withLoops { group in
        let loop = group.next()
        let result: Swift.Result<Result, any Error> = await loop.spawn {
            do { return .success(try await body(loop)) } catch { return .failure(error) }
        }.value
        return try result.get()
    }
}

/// Two connected streams on one loop.
func streamPair(_ loop: EventLoop) async throws -> (SocketStream, SocketStream) {
    let accepted = Box<SocketStream>()
    let listener = try Listener(on: .v4(0x7f00_0001, port: 0), loop: loop) { accepted.value = $0 }
    let client = try await SocketStream.connect(to: listener.address, timeout: .seconds(2))
    for _ in 0..<1000 where accepted.value == nil { await pause(loop, .milliseconds(1)) }
    listener.stop()
    struct NotAccepted: Error {}
    guard let server = accepted.value else { throw NotAccepted() }
    return (client, server)
}

/// Waits on the loop's own timers.
func pause(_ loop: EventLoop, _ time: Duration) async {
    let timer = Box<LoopTimer>()
    await withUnsafeContinuation { continuation in
        timer.value = LoopTimer(loop) { continuation.resume() }
        timer.value?.arm(after: time)
    }
}

/// A variable shared by closures of one loop.
final class Box<Value>: @unchecked Sendable {
    var value: Value?
    init(_ value: Value? = nil) { self.value = value }
}
