import CLinux

/// What epoll says of a descriptor, or what is asked of it.
public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
    public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    /// The peer will send no more (it may still read).
    public static let peerClosed = Readiness(rawValue: EPOLLRDHUP.rawValue)
    /// Both directions are closed.
    public static let hungUp = Readiness(rawValue: EPOLLHUP.rawValue)
    public static let failed = Readiness(rawValue: EPOLLERR.rawValue)
    /// Report changes only: the receiver reads or writes until the kernel would block.
    public static let onChange = Readiness(rawValue: EPOLLET.rawValue)

    /// How our own sockets register, once for their life.
    public static let stream: Readiness = [.readable, .writable, .peerClosed, .onChange]
}

/// Receives what epoll says, on the loop's thread. It may deregister itself or others inside the call.
public protocol ReadinessHandler: AnyObject {
    func becameReady(_ events: Readiness)
}

/// A descriptor's place in a loop's epoll set. The generation keeps a late event from reaching the next user of the
/// same place.
public struct Registration: Sendable, Equatable {
    let slot: UInt32
    let generation: UInt32

    /// Nothing registered yet.
    public static let none = Registration(slot: .max, generation: 0)
}
