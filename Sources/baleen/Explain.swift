import Gateway
import Glibc
import Posix

/// `baleen explain`: reads a request and tells its road.
enum Explain {
    /// Bytes read at once.
    private static let piece = 64 << 10
    /// Largest request taken, in bytes.
    private static let maxBytes = 16 << 20

    /// - Parameter arguments: without `--config` and its value.
    /// - Returns: the exit code.
    static func run(configuration: Configuration, arguments: [String]) -> Int32 {
        Signals.ignorePipe()
        let isLive = arguments.contains("--live")
        let rest = arguments.filter { $0 != "--live" }
        do {
            let request = try request(rest)
            Console.say(try Explainer(configuration, isLive: isLive).explain(request))
            return 0
        } catch let mistake as ExplainedRequest.Mistake {
            Console.complain("baleen: \(mistake)")
            return 2
        } catch {
            Console.complain("baleen: \(error)")
            return 1
        }
    }

    private static func request(_ arguments: [String]) throws -> ExplainedRequest {
        guard let first = arguments.first else {
            throw ExplainedRequest.Mistake(
                description: "which request? A file, - for standard input, or arguments as for curl")
        }
        guard arguments.count == 1, !first.hasPrefix("/") || isFile(first), !first.contains("://") else {
            return try ExplainedRequest(arguments: arguments)
        }
        return try ExplainedRequest(raw: try bytes(of: first))
    }

    private static func isFile(_ path: String) -> Bool { access(path, R_OK) == 0 }

    private static func bytes(of path: String) throws -> [UInt8] {
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ExplainedRequest.Mistake(description: "\(path) cannot be read") }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: piece)
        while bytes.count <= maxBytes {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw ExplainedRequest.Mistake(description: "\(path) cannot be read") }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes
    }
}
