import CLinux
import Glibc
public import Posix

/// The epoll set of one loop with its wake-up descriptor. On the loop's thread only, except `wake`.
final class Poller {
    private let epoll: FileDescriptor
    private let wakeup: FileDescriptor
    private var slots: [Slot] = []
    private var free: [UInt32] = []
    private let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: Poller.eventsPerTurn)

    private static let eventsPerTurn = 256
    private static let wakeToken = UInt64.max

    /// Not retained: a handler deregisters before it goes.
    private struct Slot {
        var generation: UInt32 = 0
        unowned(unsafe) var handler: (any ReadinessHandler)?
    }

    init() throws(Errno) {
        epoll = try FileDescriptor(clinux_epoll_create(), from: "epoll_create1")
        wakeup = try FileDescriptor(clinux_eventfd(), from: "eventfd")
        var event = epoll_event(events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data_t(u64: Self.wakeToken))
        guard epoll_ctl(epoll.raw, EPOLL_CTL_ADD, wakeup.raw, &event) == 0 else { throw Errno.last("epoll_ctl") }
    }

    deinit { events.deallocate() }

    /// From any thread: makes `poll` return. Edge-triggered, so the counter need never be read.
    func wake() {
        var one: UInt64 = 1
        _ = write(wakeup.raw, &one, 8)
    }

    /// Waits until something is ready or the time is reached, and tells the handlers; `woke` runs before them.
    /// Returns whether another thread called `wake`.
    func poll(until deadline: MonotonicTime?, now: MonotonicTime, woke: () -> Void) -> Bool {
        let count = epoll_wait(epoll.raw, events.baseAddress, Int32(events.count), Self.milliseconds(deadline, now))
        woke()
        var wasWoken = false
        guard count > 0 else { return false }
        for event in events.prefix(Int(count)) {
            let token = event.data.u64
            if token == Self.wakeToken {
                wasWoken = true
                continue
            }
            let slot = Int(token & 0xffff_ffff)
            guard slot < slots.count, slots[slot].generation == UInt32(token >> 32) else { continue }
            slots[slot].handler?.becameReady(Readiness(rawValue: event.events))
        }
        return wasWoken
    }

    private static func milliseconds(_ deadline: MonotonicTime?, _ now: MonotonicTime) -> Int32 {
        guard let deadline else { return -1 }
        guard deadline > now else { return 0 }
        return Int32(clamping: (deadline.nanoseconds - now.nanoseconds + 999_999) / 1_000_000)
    }

    func add(_ fd: Int32, _ interest: Readiness, _ handler: any ReadinessHandler) throws(Errno) -> Registration {
        let slot: UInt32
        if let reused = free.popLast() {
            slot = reused
        } else {
            slot = UInt32(slots.count)
            slots.append(Slot())
        }
        slots[Int(slot)].handler = handler
        let registration = Registration(slot: slot, generation: slots[Int(slot)].generation)
        guard control(EPOLL_CTL_ADD, fd, interest, registration) else {
            let failure = Errno.last("epoll_ctl")
            forget(registration)
            throw failure
        }
        return registration
    }

    func modify(_ fd: Int32, _ interest: Readiness, _ registration: Registration) throws(Errno) {
        if control(EPOLL_CTL_MOD, fd, interest, registration) { return }
        // libcurl may close and reopen a number without telling.
        guard errno == ENOENT, control(EPOLL_CTL_ADD, fd, interest, registration) else {
            throw Errno.last("epoll_ctl")
        }
    }

    /// Removes a descriptor that stays open. One that is closed right after needs only `forget`.
    func remove(_ fd: Int32, _ registration: Registration) {
        _ = control(EPOLL_CTL_DEL, fd, [], registration)
        forget(registration)
    }

    /// Events that are already on their way to this place are dropped.
    func forget(_ registration: Registration) {
        let slot = Int(registration.slot)
        guard slots[slot].generation == registration.generation else { return }
        slots[slot].generation &+= 1
        slots[slot].handler = nil
        free.append(registration.slot)
    }

    private func control(_ operation: Int32, _ fd: Int32, _ interest: Readiness, _ registration: Registration) -> Bool {
        let token = UInt64(registration.generation) << 32 | UInt64(registration.slot)
        var event = epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
        return epoll_ctl(epoll.raw, operation, fd, &event) == 0
    }
}

extension EventLoop {
    /// Adds a descriptor to the loop's epoll set. The handler is not retained: deregister before it goes.
    public func register(_ fd: Int32, _ interest: Readiness, _ handler: any ReadinessHandler) throws(Errno)
        -> Registration
    {
        assert(isCurrent, "registration from another thread")
        return try poller.add(fd, interest, handler)
    }

    /// Changes what is asked of a registered descriptor.
    public func modify(_ fd: Int32, _ interest: Readiness, _ registration: Registration) throws(Errno) {
        try poller.modify(fd, interest, registration)
    }

    /// Takes a descriptor out of the set; `isClosing`: it is closed right after, which removes it without a call.
    public func deregister(_ fd: Int32, _ registration: Registration, isClosing: Bool = false) {
        isClosing ? poller.forget(registration) : poller.remove(fd, registration)
    }
}
