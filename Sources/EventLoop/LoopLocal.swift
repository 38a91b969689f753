import Synchronization

/// One value per loop, made on first use there and touched by that loop only: pools, drivers, shards of counters.
///
/// Needs no lock on the way in. When this object goes, each loop lets go of its value on its own thread.
public final class LoopLocal<Value: AnyObject>: @unchecked Sendable {
    private let key: Int
    private let make: @Sendable (EventLoop) -> Value
    private let users = Mutex<[EventLoop]>([])

    public init(_ make: @escaping @Sendable (EventLoop) -> Value) {
        key = LoopLocalKeys.shared.withLock { $0.take() }
        self.make = make
    }

    deinit {
        let key = key
        let users = users.withLock { $0 }
        if users.isEmpty { LoopLocalKeys.shared.withLock { $0.free.append(key) } }
        let release = KeyRelease(key: key, remaining: users.count)
        for loop in users {
            loop.execute {
                loop.locals[key] = nil; release.one()
            }
        }
    }

    /// The value of the loop on whose thread this runs.
    public func value(on loop: EventLoop) -> Value {
        assert(loop.isCurrent, "another loop's value")
        if key < loop.locals.count, let found = loop.locals[key] { return unsafeDowncast(found, to: Value.self) }
        while loop.locals.count <= key { loop.locals.append(nil) }
        let value = make(loop)
        loop.locals[key] = value
        users.withLock { $0.append(loop) }
        return value
    }
}

/// Gives a key back once every loop has dropped its value.
private final class KeyRelease: Sendable {
    private let key: Int
    private let remaining: Atomic<Int>

    init(key: Int, remaining: Int) {
        self.key = key
        self.remaining = Atomic(remaining)
    }

    func one() {
        guard remaining.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        LoopLocalKeys.shared.withLock { $0.free.append(key) }
    }
}

private struct LoopLocalKeys {
    static let shared = Mutex(LoopLocalKeys())
    var free: [Int] = []
    private var count = 0

    mutating func take() -> Int {
        if let key = free.popLast() { return key }
        count += 1
        return count - 1
    }
}
