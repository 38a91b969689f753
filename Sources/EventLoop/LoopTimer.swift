public import Posix

/// A timer of one loop, made once and armed often.
///
/// Arming later than before, and disarming, only write the deadline: the heap learns of it when the old time comes.
/// So a time-out that is set and lifted on every read costs two stores. Loop's thread only; `invalidate` before the
/// last reference goes if the action could still do harm.
public final class LoopTimer {
    private unowned let loop: EventLoop
    private var action: (() -> Void)?
    /// When to fire; the distant future while disarmed.
    public private(set) var deadline = MonotonicTime.distantFuture
    /// The time by which the heap sorts: never later than the deadline while armed.
    var scheduled = MonotonicTime.distantFuture
    /// Place in the heap, negative outside.
    var position = -1

    public init(_ loop: EventLoop, _ action: @escaping () -> Void) {
        self.loop = loop
        self.action = action
    }

    public var isArmed: Bool { deadline < .distantFuture }

    /// Fires once after `delay`, counted from this turn's clock; replaces an earlier arming.
    public func arm(after delay: Duration) { arm(at: loop.now + delay) }

    public func arm(at time: MonotonicTime) {
        deadline = time
        guard position < 0 || time < scheduled else { return }
        scheduled = time
        loop.timers.insertOrRaise(self)
    }

    public func disarm() { deadline = .distantFuture }

    /// Never fires again, and lets go of its action.
    public func invalidate() {
        disarm()
        loop.timers.remove(self)
        action = nil
    }

    /// The scheduled time came: acts, or goes back into the heap when it was armed anew meanwhile.
    func fire() {
        guard isArmed else { return }
        if deadline > loop.now {
            scheduled = deadline
            loop.timers.insertOrRaise(self)
        } else {
            disarm()
            action?()
        }
    }
}

/// The armed timers of a loop: a binary heap by scheduled time, each timer knowing its place.
struct TimerHeap {
    private var items: [LoopTimer] = []

    var earliest: MonotonicTime? { items.first?.scheduled }

    mutating func insertOrRaise(_ timer: LoopTimer) {
        if timer.position < 0 {
            timer.position = items.count
            items.append(timer)
        }
        siftUp(timer.position)
    }

    mutating func popExpired(_ now: MonotonicTime) -> LoopTimer? {
        guard let first = items.first, first.scheduled <= now else { return nil }
        remove(first)
        return first
    }

    mutating func remove(_ timer: LoopTimer) {
        let place = timer.position
        guard place >= 0 else { return }
        timer.position = -1
        let last = items.removeLast()
        guard last !== timer else { return }
        items[place] = last
        last.position = place
        siftUp(place)
        siftDown(last.position)
    }

    private mutating func siftUp(_ start: Int) {
        var place = start
        while place > 0 {
            let parent = (place - 1) / 2
            guard items[place].scheduled < items[parent].scheduled else { return }
            exchange(place, parent)
            place = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var place = start
        while true {
            var child = 2 * place + 1
            guard child < items.count else { return }
            if child + 1 < items.count, items[child + 1].scheduled < items[child].scheduled { child += 1 }
            guard items[child].scheduled < items[place].scheduled else { return }
            exchange(place, child)
            place = child
        }
    }

    private mutating func exchange(_ one: Int, _ other: Int) {
        items.swapAt(one, other)
        items[one].position = one
        items[other].position = other
    }
}
