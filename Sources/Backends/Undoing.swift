import Dialects
import EventLoop
import Synchronization

/// Removes images whose creation failed, also when the client has gone, and goes on trying in the background while the
/// registry cannot be reached (mapping §7).
final class Undoing: Sendable {
    /// What came of the first attempts.
    enum Result: Sendable {
        case removed
        /// Somebody else had removed it.
        case wasGone
        /// Still there; the background goes on.
        case pending
    }

    /// Pauses between attempts, in milliseconds, while the client waits. An upload that broke off may hold the image for
    /// a moment, and what is patched meanwhile is lost (image-v2 §7.1).
    private static let quickPauses: [Int64] = [50, 100, 200, 400, 800]
    /// Longest pause in the background, in milliseconds, and how many there are: about ten minutes.
    private static let slowPause: Int64 = 5000
    private static let slowAttempts = 120
    /// Images that the background tries to remove at once; more are left to their owners.
    private static let maxPending = 256

    private let pending = Atomic(0)
    private let isClosed = Atomic(false)

    func close() { isClosed.store(true, ordering: .relaxed) }

    /// - Parameter attempt: tries once to remove the image; nil: try again.
    func remove(_ session: some RemoteSession, _ attempt: @escaping @Sendable () async -> Result?) async -> Result {
        await session.shielded { [self] in
            var isFirst = true
            for pause in Self.quickPauses {
                if let result = await attempt() {
                    return result == .wasGone && !isFirst ? .removed : result
                }
                isFirst = false
                await Self.wait(pause)
            }
            goOn(attempt)
            return .pending
        }
    }

    private func goOn(_ attempt: @escaping @Sendable () async -> Result?) {
        guard let loop = EventLoop.current, pending.load(ordering: .relaxed) < Self.maxPending else { return }
        pending.add(1, ordering: .relaxed)
        loop.spawn { [self] in
            var pause: Int64 = 1000
            for _ in 0..<Self.slowAttempts where !isClosed.load(ordering: .relaxed) {
                if await attempt() != nil { break }
                await Self.wait(pause)
                pause = min(pause * 2, Self.slowPause)
            }
            pending.subtract(1, ordering: .relaxed)
        }
    }

    static func wait(_ milliseconds: Int64) async {
        guard let loop = EventLoop.current else {
            try? await Task.sleep(for: .milliseconds(milliseconds))
            return
        }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            LoopTimer(loop) { continuation.resume() }.arm(after: .milliseconds(milliseconds))
        }
    }
}

extension RemoteSession {
    /// One attempt to remove an image; nil: try again.
    func removal(_ call: RegistryCall) async -> Undoing.Result? {
        guard let answer = try? await exchange(call) else { return nil }
        await discard(answer.reply)
        switch answer.status {
        case 200...204: return .removed
        case 404: return answer.wasRepeated ? .removed : .wasGone
        default: return nil
        }
    }
}
