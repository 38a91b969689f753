public import EventLoop

/// The registry's own threads: they wait for disks, so name look-ups must not stand in line behind them.
public struct PoolWorkers: DiskWorkers {
    private let pool: OffloadPool

    public init(_ pool: OffloadPool = OffloadPool(threads: 4)) {
        self.pool = pool
    }

    public func run<R: Sendable>(_ work: @escaping @Sendable () -> R) async -> R {
        do {
            return try await pool.run(work)
        } catch {
            preconditionFailure("work that cannot throw threw \(error)")
        }
    }
}
