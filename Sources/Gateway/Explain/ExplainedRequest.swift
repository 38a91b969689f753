import Bytes
import FoundationEssentials
public import HTTP

/// The request that `baleen explain` is asked about.
public struct ExplainedRequest: Sendable {
    public var head: RequestHead
    public var body: [UInt8]
    /// The body's length was not said before it.
    public var isChunked: Bool

    /// Why the arguments are no request.
    public struct Mistake: Error, CustomStringConvertible {
        public let description: String

        public init(description: String) { self.description = description }
    }

    /// Largest message, bytes: an explanation needs no image.
    private static let maxBytes = 16 << 20

    /// A raw HTTP/1.1 request: head, an empty line, body. Bare line feeds are taken for line ends.
    public init(raw bytes: [UInt8]) throws(Mistake) {
        guard bytes.count <= Self.maxBytes else {
            throw Mistake(description: "the request is over \(Self.maxBytes) bytes")
        }
        let (headBytes, body) = Self.split(bytes)
        var parser = RequestParser()
        do throws(HTTPParseError) {
            guard let head = try parser.parse(headBytes) else {
                throw HTTPParseError(400, "the head has no end: an empty line is missing")
            }
            self.head = head
        } catch {
            throw Mistake(description: "the request cannot be read: \(error.reason)")
        }
        self.body = body
        isChunked = head.fields.contains("transfer-encoding")
    }

    /// The head with proper line ends, and what comes behind it.
    private static func split(_ bytes: [UInt8]) -> (head: [UInt8], body: [UInt8]) {
        var head: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            var line = rest.prefix { $0 != 0x0a }
            rest = rest[line.endIndex...].dropFirst()
            if line.last == 0x0d { line.removeLast() }
            head += line
            head += [0x0d, 0x0a]
            if line.isEmpty { return (head, Array(rest)) }
        }
        // A head without an empty line is whole when the text ends.
        return (head + [0x0d, 0x0a], [])
    }

    /// Arguments as curl takes them: `-X METHOD`, `-H 'Name: value'`, `-d TEXT` or `@FILE`, `--data-binary`, `-T FILE`, `-I`
    /// and an address or a path.
    public init(arguments: [String]) throws(Mistake) {
        var method: String?
        var fields: [(String, String)] = []
        var data: [UInt8]?
        var address: String?
        var isUpload = false
        var rest = arguments[...]
        func value(of option: String) throws(Mistake) -> String {
            guard let value = rest.popFirst() else { throw Mistake(description: "\(option) needs a value") }
            return value
        }
        while let argument = rest.popFirst() {
            switch argument {
            case "-X", "--request": method = try value(of: argument)
            case "-H", "--header":
                let line = try value(of: argument)
                guard let colon = line.firstIndex(of: ":") else {
                    throw Mistake(description: "\"\(line)\" is no header: it has no colon")
                }
                fields.append((String(line[..<colon]), ASCII.trim(String(line[line.index(after: colon)...]))))
            case "-d", "--data", "--data-binary", "--data-raw":
                let text = try value(of: argument)
                data =
                    text.hasPrefix("@") && argument != "--data-raw"
                    ? try Self.file(String(text.dropFirst())) : Array(text.utf8)
            case "-T", "--upload-file":
                data = try Self.file(try value(of: argument))
                isUpload = true
            case "-I", "--head": method = "HEAD"
            case "-s", "-S", "-i", "-v", "-sS", "-k": break
            default:
                guard !argument.hasPrefix("-"), address == nil else {
                    throw Mistake(description: "\"\(argument)\" is not understood")
                }
                address = argument
            }
        }
        guard let address else { throw Mistake(description: "no address: write a path like /v1/images") }
        let (host, target) = Self.target(of: address)
        if !fields.contains(where: { ASCII.equalIgnoringCase($0.0, "host") }) { fields.insert(("Host", host), at: 0) }
        if let data, !fields.contains(where: { ASCII.equalIgnoringCase($0.0, "content-length") }) {
            fields.append(("Content-Length", String(data.count)))
        }
        let usual = isUpload ? "PUT" : data == nil ? "GET" : "POST"
        let lines = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
        try self.init(
            raw: Array("\(method ?? usual) \(target) HTTP/1.1\r\n\(lines)\r\n".utf8) + (data ?? []))
    }

    private static func target(of address: String) -> (host: String, target: String) {
        guard let mark = address.firstRange(of: "://") else { return ("localhost", address.isEmpty ? "/" : address) }
        let rest = address[mark.upperBound...]
        let host = rest.prefix { $0 != "/" && $0 != "?" }
        let target = rest[host.endIndex...]
        return (String(host), target.hasPrefix("/") ? String(target) : "/" + target)
    }

    private static func file(_ path: String) throws(Mistake) -> [UInt8] {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw Mistake(description: "\(path) cannot be read")
        }
        guard data.count <= maxBytes else { throw Mistake(description: "\(path) is over \(maxBytes) bytes") }
        return [UInt8](data)
    }
}
