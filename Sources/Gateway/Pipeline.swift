import Bytes
import Dialects
import EventLoop
import HTTP
import Identity
import Images
import Posix
import Server

/// The way of a request: mount, route, identity, decode, location policy, backend, render.
struct Pipeline: RequestHandler {
    let mounts: MountTable
    let locations: LocationPolicy
    /// Nil: from the request's Host.
    let publicURL: String?
    let metrics: Metrics
    let log: AccessLog?
    /// Largest body that is read and dropped when nobody wants it.
    let unreadBodyBytes: Int64
    /// Largest image data, in bytes.
    let imageBytes: Int64
    /// What crosses beside the operations, by client dialect.
    var passes: [String: PassedFields.Lists] = [:]

    /// Longer tokens are refused unseen: signed tokens of the largest kind stay below.
    private static let maximumTokenBytes = 16 << 10

    func handle(_ request: ServerRequest) async -> ServerResponse {
        var record = AccessRecord(request.head, request.peer, id: RequestID.of(request.head))
        guard let (mount, path) = mounts.find(request.head.path) else {
            return finish(Self.plain(404, "Nothing is mounted at this path."), record)
        }
        let asked = clientRequest(request, mount, path, record.id)
        let dialect = mount.dialects.dialect(for: asked)
        record.mount(mount, dialect)
        metrics.begin()
        do throws(Failure) {
            let answer = try await perform(request, asked, mount, dialect, &record)
            return finish(try await Self.serverResponse(answer), record)
        } catch {
            // Not the message: it may quote what the client sent.
            record.cause = error.cause ?? error.kind.rawValue
            return finish(Self.immediate(dialect.render(error, for: asked)), record)
        }
    }

    /// The dialect of a request, and the evidence for it.
    func judged(_ request: ServerRequest) -> (dialect: String, evidence: String?) {
        guard let (mount, path) = mounts.find(request.head.path) else { return ("none", nil) }
        let judged = mount.dialects.judge(clientRequest(request, mount, path, ""))
        return (judged.dialect.name, judged.evidence)
    }

    /// Everything between the wire and the answer, in order.
    private func perform(
        _ request: ServerRequest, _ asked: ClientRequest, _ mount: Mount, _ dialect: any ClientDialect,
        _ record: inout AccessRecord
    ) async throws(Failure) -> ClientResponse {
        if let relay = dialect.relay, mount.backend.relays == dialect.name {
            if let answer = try await self.relay(relay, request, asked, mount, dialect, &record) { return answer }
        }
        let route = try dialect.route(asked)
        let caller = route.isAnonymous ? Caller() : try await mount.identity.caller(for: try token(of: asked, dialect))
        let operation: Operation
        switch try dialect.decode(route, asked) {
        case .operation(let decoded): operation = decoded
        case .document(let limit, let ignoresMissing, let decode):
            let document = ignoresMissing ? [] : try await DocumentReader.read(request.body, limit: limit)
            operation = try decode(document)
        }
        record.operation = operation.name
        record.imageID = operation.imageID
        switch operation {
        case .listVersions, .describe:
            return try dialect.render(.capabilities(mount.backend.capabilities), of: operation, for: asked)
        default: break
        }
        try MemberRules.check(operation)
        try dialect.check(operation, by: caller)
        try await locations.check(operation)
        try await skipBody(of: operation, request)
        let passed = passed(by: asked, dialect)
        let outcome = try await forgetting(caller, mount) { () async throws(Failure) in
            try await mount.backend.perform(
                BackendRequest(
                    operation: operation, caller: caller, requestID: asked.requestID,
                    data: operation.takesData ? try CappedBody(request.body, limit: imageBytes) : nil, passed: passed))
        }
        var answer = try dialect.render(outcome, of: operation, for: asked)
        let own = answer.head.fields
        for field in passed?.response ?? [] where !own.contains(field.name) {
            answer.head.fields.append(name: Array(field.name.utf8), value: field.value)
        }
        return answer
    }

    /// A token that a service behind refuses is asked for anew the next time.
    private func forgetting<Result>(
        _ caller: Caller, _ mount: Mount, _ work: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        do throws(Failure) { return try await work() } catch {
            if error.kind == .tokenRejected, let token = caller.token { mount.identity.forget(token) }
            throw error
        }
    }

    /// What of the request crosses beside the operation; nil where nothing is listed.
    private func passed(by asked: ClientRequest, _ dialect: any ClientDialect) -> PassedFields? {
        guard let lists = passes[dialect.name], !lists.isEmpty else { return nil }
        let request = asked.head.fields.compactMap { field -> (name: String, value: [UInt8])? in
            let name = field.nameText
            return PassedFields.isListed(name, in: lists.request) ? (name, Array(field.value)) : nil
        }
        let query = asked.query.map { ASCII.split($0, UInt8(ascii: "&")) } ?? []
        let items = query.filter { item in
            let name = PercentCoding.decode(item.utf8.prefix { $0 != UInt8(ascii: "=") })
            return lists.query.contains { $0.utf8.elementsEqual(name) }
        }
        return PassedFields(request: request, query: items, responseNames: lists.response)
    }

    /// The client's one token.
    func token(of asked: ClientRequest, _ dialect: any ClientDialect) throws(Failure) -> String? {
        guard asked.head.fields.all("x-auth-token").count <= 1 else {
            throw Failure(.badRequest, "X-Auth-Token is there more than once")
        }
        guard let token = dialect.token(in: asked) else { return nil }
        guard token.utf8.count <= Self.maximumTokenBytes else {
            throw Failure(.tokenRejected, "The token is longer than \(Self.maximumTokenBytes) bytes", isDetail: true)
        }
        // A query can carry bytes that no header can: they would end up in the head of a call.
        guard token.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
            throw Failure(.tokenRejected, "The token holds control characters", isDetail: true)
        }
        return token
    }

    /// Reads and drops a body that the operation does not take, before anything is done: a broken one is refused as a
    /// whole. Only adding a member goes ahead, since an old kamaki announces a body there and never sends it
    /// (plankton §7.6).
    private func skipBody(of operation: Operation, _ request: ServerRequest) async throws(Failure) {
        if operation.takesData || request.framing == .none { return }
        if case .addMember = operation { return }
        try await DocumentReader.skip(request.body, limit: unreadBodyBytes)
    }

    private func clientRequest(_ request: ServerRequest, _ mount: Mount, _ path: String, _ id: String) -> ClientRequest
    {
        let framing: ClientRequest.Framing
        switch request.framing {
        case .length(let count): framing = .length(count)
        case .chunked: framing = .chunked
        case .none, .untilClose: framing = .none
        }
        return ClientRequest(
            head: request.head, path: path, query: request.head.query.map(String.init), mountPrefix: mount.prefix,
            publicURL: publicURL ?? "http://" + (request.head.fields["host"] ?? "localhost"), framing: framing,
            requestID: id)
    }

    // MARK: Answers

    private static func serverResponse(_ answer: ClientResponse) async throws(Failure) -> ServerResponse {
        switch answer.body {
        case .none: return ServerResponse(answer.head)
        case .bytes(let bytes): return ServerResponse(answer.head, body: .bytes(bytes))
        case .data(let source): return ServerResponse(answer.head, body: .stream(source))
        case .list(let rendering): return ServerResponse(answer.head, body: .stream(try await ListBody(rendering)))
        }
    }

    /// Of a failure: never a stream.
    private static func immediate(_ answer: ClientResponse) -> ServerResponse {
        if case .bytes(let bytes) = answer.body { return ServerResponse(answer.head, body: .bytes(bytes)) }
        return ServerResponse(answer.head)
    }

    private static func plain(_ status: Int, _ text: String) -> ServerResponse {
        let body = "\(status) \(StatusReason.text(status))\n\n\(text)\n"
        let fields = Fields([("Content-Type", "text/plain; charset=UTF-8")])
        return ServerResponse(ResponseHead(status: status, fields: fields), body: .bytes(Array(body.utf8)))
    }

    /// The answer with its id, and with what happens when it is sent or cannot be.
    func finish(_ response: ServerResponse, _ record: AccessRecord) -> ServerResponse {
        var response = response
        response.head.fields.set("X-Openstack-Request-Id", record.id)
        let metrics = metrics
        let log = log
        response.completion = { report in
            metrics.end(record, report)
            log?.write(record, report)
        }
        response.fallback = { status, reason in
            self.refusal(status, reason, record.request, record.id)
        }
        return response
    }

    /// Messages that the server refuses have no dialect yet; data that cannot be had has the one of its mount.
    func rejection(status: Int, reason: String, head: RequestHead?, peer: SocketAddress) -> ServerResponse {
        let id = head.map(RequestID.of) ?? RequestID.new()
        var record = AccessRecord(head ?? Self.unknownHead, peer, id: id)
        record.cause = reason
        return finish(refusal(status, reason, head, id), record)
    }

    /// Stands in the log for a request that nobody could read.
    private static let unknownHead = RequestHead(method: "-", target: "-")

    private func refusal(_ status: Int, _ reason: String, _ head: RequestHead?, _ id: String) -> ServerResponse {
        var response = Self.plain(status, reason + ".")
        if status >= 500, let head, let (mount, path) = mounts.find(head.path) {
            let asked = ClientRequest(
                head: head, path: path, query: head.query.map(String.init), mountPrefix: mount.prefix,
                publicURL: publicURL ?? "", framing: .none, requestID: id)
            let kind = Self.kinds[status] ?? .internal
            response = Self.immediate(mount.dialects.dialect(for: asked).render(Failure(kind, reason), for: asked))
        }
        response.head.fields.set("X-Openstack-Request-Id", id)
        return response
    }

    private static let kinds: [Int: Failure.Kind] = [501: .notImplemented, 502: .badGateway, 504: .gatewayTimeout]
}
