import Dialects
import EventLoop
import HTTP
import Posix
import Server

/// What one line of the access log says of a request. No token and no query value ever gets here.
struct AccessRecord: Sendable {
    let id: String
    let request: RequestHead
    private let address: SocketAddress
    var peer: String { address.host }
    var method: String { request.method }
    /// Without the query, which may carry a token.
    var path: String { String(request.path) }
    let begin = MonotonicTime.now()
    private(set) var mountPrefix = "-"
    private(set) var dialect = "-"
    private(set) var backend = "-"
    var operation = "-"
    var imageID: String?
    /// Why it failed.
    var cause: String?

    init(_ request: RequestHead, _ peer: SocketAddress, id: String) {
        self.id = id
        address = peer
        self.request = request
    }

    mutating func mount(_ mount: Mount, _ dialect: any ClientDialect) {
        mountPrefix = mount.prefix.isEmpty ? "/" : mount.prefix
        self.dialect = dialect.name
        backend = mount.backendName
    }

    /// Fields that hold a number; all others are text, whatever stands in them.
    static let counts: Set<String> = ["status", "received", "sent", "micros"]

    /// The fields of a line, in order.
    func fields(_ report: ResponseReport) -> [(name: String, value: String)] {
        let micros = (MonotonicTime.now() - begin) / .microseconds(1)
        var fields = [
            ("request_id", id), ("peer", peer), ("method", method), ("path", path), ("mount", mountPrefix),
            ("dialect", dialect), ("operation", operation), ("backend", backend), ("status", String(report.status)),
            ("received", String(report.receivedBytes)), ("sent", String(report.sentBytes)),
            ("micros", String(Int(micros))),
        ]
        if let imageID { fields.append(("image", imageID)) }
        if let cause { fields.append(("cause", cause)) }
        if let fault = report.fault { fields.append(("fault", fault)) }
        return fields.map { (name: $0.0, value: $0.1) }
    }
}
