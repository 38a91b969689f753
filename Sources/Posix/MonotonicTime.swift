import Glibc

/// A point on the machine's monotonic clock: unaffected by clock jumps, meaningless outside this boot.
public struct MonotonicTime: Sendable, Hashable, Comparable {
    public var nanoseconds: UInt64

    @inlinable public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// Never reached.
    public static let distantFuture = MonotonicTime(nanoseconds: .max)

    public static func now() -> MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
    }

    @inlinable public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    /// Saturates at both ends.
    public static func + (left: Self, right: Duration) -> Self {
        let add = right.wholeNanoseconds
        if add < 0 {
            let (value, under) = left.nanoseconds.subtractingReportingOverflow(add.magnitude)
            return Self(nanoseconds: under ? 0 : value)
        }
        let (value, over) = left.nanoseconds.addingReportingOverflow(UInt64(add))
        return Self(nanoseconds: over ? .max : value)
    }

    public static func - (left: Self, right: Self) -> Duration {
        left >= right
            ? .nanoseconds(Int64(clamping: left.nanoseconds - right.nanoseconds))
            : .zero - .nanoseconds(Int64(clamping: right.nanoseconds - left.nanoseconds))
    }
}

extension Duration {
    /// Nanoseconds, cut off and clamped to 64 bits (292 years).
    public var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, over) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !over else { return seconds < 0 ? .min : .max }
        let (sum, overSum) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overSum ? (seconds < 0 ? .min : .max) : sum
    }
}

/// The time of day, which may jump.
public enum WallClock {
    /// Seconds and nanoseconds since 1970 UTC.
    public static func now() -> (seconds: Int64, nanoseconds: Int32) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return (Int64(time.tv_sec), Int32(truncatingIfNeeded: time.tv_nsec))
    }
}
