import HTTP
import Posix
import Server
import Synchronization

/// The administration listener: `/live`, `/ready`, `/metrics`. It has no tokens: bind it to an address of your own.
struct AdminHandler: RequestHandler {
    let metrics: Metrics
    let state: ServiceState

    func handle(_ request: ServerRequest) async -> ServerResponse {
        guard request.head.method == "GET" || request.head.method == "HEAD" else {
            return Self.answer(405, "only GET\n")
        }
        switch request.head.path {
        case "/live": return Self.answer(200, "live\n")
        case "/ready": return state.isReady ? Self.answer(200, "ready\n") : Self.answer(503, "not ready\n")
        case "/metrics": return Self.answer(200, await metrics.text())
        default: return Self.answer(404, "only /live, /ready and /metrics are here\n")
        }
    }

    func rejection(status: Int, reason: String, head: RequestHead?, peer: SocketAddress) -> ServerResponse {
        Self.answer(status, reason + "\n")
    }

    private static func answer(_ status: Int, _ text: String) -> ServerResponse {
        ServerResponse(
            ResponseHead(status: status, fields: Fields([("Content-Type", "text/plain; charset=UTF-8")])),
            body: .bytes(Array(text.utf8)))
    }
}

/// Whether the gateway takes requests; shared by all loops.
final class ServiceState: Sendable {
    private let ready = Atomic(false)

    var isReady: Bool {
        get { ready.load(ordering: .acquiring) }
        set { ready.store(newValue, ordering: .releasing) }
    }
}
