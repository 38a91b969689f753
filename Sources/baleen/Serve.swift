import Dispatch
import EventLoop
import Gateway
import Glibc
import Posix
import Synchronization

/// `baleen serve`: starts the service, waits for signals, drains.
enum Serve {
    /// The exit code.
    static func run(configuration: Configuration) -> Int32 {
        Signals.ignorePipe()
        do {
            let signals = try Signals.block([SIGTERM, SIGINT, SIGHUP])
            let service = try Service(configuration)
            let addresses = try start(service)
            for finding in service.findings { Console.complain(finding) }
            Console.complain("baleen listens on \(addresses.listen.joined(separator: ", "))")
            if let admin = addresses.admin { Console.complain("administration on \(admin)") }
            Console.complain(configuration.summary)
            return try wait(signals, service)
        } catch {
            Console.complain("baleen: \(error)")
            return 1
        }
    }

    /// Listens, and blocks until that is done.
    private static func start(_ service: Service) throws -> (listen: [String], admin: String?) {
        let result = Mutex<Result<(listen: [String], admin: String?), any Error>?>(nil)
        let isDone = DispatchSemaphore(value: 0)
        withExtendedLifetime(service) {
            service.start { outcome in
                result.withLock { $0 = outcome }
                isDone.signal()
            }
            isDone.wait()
        }
        guard let outcome = result.withLock({ $0 }) else { return ([], nil) }
        return try outcome.get()
    }

    private static func wait(_ signals: borrowing SignalReader, _ service: Service) throws -> Int32 {
        var isDraining = false
        while true {
            switch try signals.wait() {
            case SIGHUP: Console.complain("SIGHUP: the configuration is read at start only")
            case _ where isDraining:
                Console.complain("second signal: ending at once")
                return 1
            default:
                isDraining = true
                Console.complain("draining")
                // The drain ends on a loop, while this thread may be waiting for a second signal.
                // Libraries' clean-up at exit would run under threads that still use them.
                service.drain { _exit(0) }
            }
        }
    }
}
