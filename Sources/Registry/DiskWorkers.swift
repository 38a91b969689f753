/// Runs disk work off the event loop: a slow disk must not stop a loop's other connections.
public protocol DiskWorkers: Sendable {
    /// Runs `work` to its end whether or not the calling task is cancelled: half a commit is no commit.
    func run<R: Sendable>(_ work: @escaping @Sendable () -> R) async -> R
}

/// Runs disk work where it is asked for: command-line tools and tests.
public struct InlineWorkers: DiskWorkers {
    public init() {}

    public func run<R: Sendable>(_ work: @escaping @Sendable () -> R) async -> R { work() }
}
