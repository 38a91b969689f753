import Glibc

/// A pipe whose one end is a log's sink.
final class LogPipe {
    let sink: Int32
    private let source: Int32
    private var rest: [UInt8] = []

    struct NoPipe: Error {}

    init() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw NoPipe() }
        (source, sink) = (ends[0], ends[1])
    }

    // The writing end stays open: the log's thread never ends.
    deinit { close(source) }

    /// So many lines, without their ends; fewer when nothing comes for five seconds.
    func lines(_ count: Int) -> [String] {
        var found: [String] = []
        while found.count < count {
            if let end = rest.firstIndex(of: 0x0a) {
                found.append(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeSubrange(...end)
                continue
            }
            var poll = pollfd(fd: source, events: Int16(POLLIN), revents: 0)
            guard Glibc.poll(&poll, 1, 5000) > 0 else { break }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let got = read(source, &buffer, buffer.count)
            guard got > 0 else { break }
            rest += buffer[..<got]
        }
        return found
    }
}
