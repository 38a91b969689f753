import Glibc
import Synchronization

/// Random bytes of the kernel's generator, fetched many at a time: a system call for each id would be felt.
enum RandomBytes {
    private struct Pool {
        var bytes: [UInt8] = []
        var used = 0
    }

    /// The most that one call gives (getentropy(3)).
    private static let poolBytes = 256
    private static let pool = Mutex(Pool())

    /// Sixteen bytes that nobody else gets.
    static func next16() -> ArraySlice<UInt8> {
        pool.withLock { pool in
            if pool.used + 16 > pool.bytes.count {
                pool.bytes = fresh()
                pool.used = 0
            }
            defer { pool.used += 16 }
            return pool.bytes[pool.used..<pool.used + 16]
        }
    }

    private static func fresh() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: poolBytes) { buffer, count in
            guard let address = buffer.baseAddress, getentropy(address, poolBytes) == 0 else {
                fatalError("the kernel has no random bytes")
            }
            count = poolBytes
        }
    }
}
