import Bytes
import Glibc
import Server
import Synchronization

/// One line a request, written by a thread of its own: a stuck sink drops lines and counts them, it never stops a request.
final class AccessLog: @unchecked Sendable {
    enum Format: Sendable { case text, json }

    private struct Queue {
        var lines: [[UInt8]] = []
        var dropped = 0
        /// The writer is at work on lines that it took.
        var isWriting = false
    }

    private let format: Format
    private let descriptor: Int32
    private let limit: Int
    private let queue = Mutex(Queue())
    /// Counts lines that wait; the writer sleeps on it.
    private let waiting = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// - Parameter limit: lines that may wait for the sink.
    init(format: Format, descriptor: Int32 = STDOUT_FILENO, limit: Int) {
        self.format = format
        self.descriptor = descriptor
        self.limit = limit
        sem_init(waiting, 0, 0)
        var thread = pthread_t()
        pthread_create(&thread, nil, accessLogThread, Unmanaged.passRetained(self).toOpaque())
        pthread_detach(thread)
    }

    func write(_ record: AccessRecord, _ report: ResponseReport) {
        let line = format == .json ? Self.json(record.fields(report)) : Self.text(record.fields(report))
        let isFirst = queue.withLock { queue in
            guard queue.lines.count < limit else {
                queue.dropped += 1
                return false
            }
            queue.lines.append(line)
            return queue.lines.count == 1
        }
        if isFirst { sem_post(waiting) }
    }

    private static func json(_ fields: [(name: String, value: String)]) -> [UInt8] {
        var writer = JSONWriter(ascii: true)
        writer.beginObject()
        for field in fields {
            writer.key(field.name)
            if AccessRecord.counts.contains(field.name), let number = Int64(field.value) {
                writer.integer(number)
            } else {
                writer.string(field.value)
            }
        }
        writer.endObject()
        return writer.bytes + [0x0a]
    }

    /// `name=value`, quoted where a reader could be misled; control bytes are escaped.
    private static func text(_ fields: [(name: String, value: String)]) -> [UInt8] {
        var line: [UInt8] = []
        for field in fields {
            if !line.isEmpty { line.append(0x20) }
            line.append(contentsOf: field.name.utf8)
            line.append(UInt8(ascii: "="))
            let isPlain = !field.value.isEmpty && field.value.utf8.allSatisfy { $0 > 0x22 && $0 < 0x7f }
            if isPlain {
                line.append(contentsOf: field.value.utf8)
            } else {
                var writer = JSONWriter(ascii: true)
                writer.string(field.value)
                line.append(contentsOf: writer.bytes)
            }
        }
        return line + [0x0a]
    }

    fileprivate func run() {
        while true {
            sem_wait(waiting)
            let (lines, dropped) = queue.withLock { queue in
                defer { queue = Queue(isWriting: true) }
                return (queue.lines, queue.dropped)
            }
            var bytes = lines.flatMap { $0 }[...]
            if dropped > 0 {
                bytes += Array((format == .json ? "{\"dropped\":\(dropped)}\n" : "dropped=\(dropped)\n").utf8)
            }
            while !bytes.isEmpty {
                let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                bytes = bytes.dropFirst(count)
            }
            queue.withLock { $0.isWriting = false }
        }
    }

    /// Waits, for a bounded time, until everything is written. Blocks: only at the end of the process.
    func flush() {
        for _ in 0..<Self.flushTries {
            if queue.withLock({ $0.lines.isEmpty && !$0.isWriting }) { return }
            usleep(Self.flushPauseMicroseconds)
        }
    }

    private static let flushTries = 100
    private static let flushPauseMicroseconds: UInt32 = 10_000
}

private func accessLogThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<AccessLog>.fromOpaque(argument).takeRetainedValue().run()
    return nil
}
