import Bytes
import Dialects
import Identity
import Images
import Server

extension Pipeline {
    /// A message for a registry of the client's own dialect: judged as far as it may do harm, and passed on as it is.
    ///
    /// - Returns: nil when the dialect wants this request translated all the same.
    func relay(
        _ relay: any DialectRelay, _ request: ServerRequest, _ asked: ClientRequest, _ mount: Mount,
        _ dialect: any ClientDialect, _ record: inout AccessRecord
    ) async throws(Failure) -> ClientResponse? {
        guard let outline = try relay.outline(asked) else { return nil }
        let route = try? dialect.route(asked)
        if let route, Self.isTranslated(route, asked, mount, dialect) { return nil }
        record.operation = Self.name(of: route, asked, dialect)
        record.imageID = route.flatMap { $0.imageID.isEmpty ? nil : $0.imageID }
        let caller = try await relayingCaller(asked, mount, dialect, isAnonymous: route?.isAnonymous == true)
        let marks = mount.backend.markPrefix.map(Marks.init(prefix:))
        let body: (any BodySource)?
        switch outline.body {
        case .none: body = nil
        case .streamed: body = try CappedBody(request.body, limit: imageBytes)
        case .inspected(let limit):
            let document = try await DocumentReader.read(request.body, limit: limit)
            let decoded = Self.decoded(document, asked, route, dialect)
            try relay.inspect(document, decoded: decoded, marks: marks)
            if case .success(let operation) = decoded {
                record.operation = operation.name
                try await locations.check(operation)
            }
            body = BytesBody(document)
        }
        let reply = try await mount.backend.relay(
            RelayedMessage(
                method: outline.method, target: outline.target, fields: outline.fields, caller: caller,
                requestID: asked.requestID, body: body))
        if reply.status == 401, let token = caller.token { mount.identity.forget(token) }
        return try await relay.response(reply, for: asked, authority: mount.backend.authority, marks: marks)
    }

    /// Whether the backend carries out what the message asks for, instead of taking the message.
    private static func isTranslated(
        _ route: Route, _ asked: ClientRequest, _ mount: Mount, _ dialect: any ClientDialect
    ) -> Bool {
        // What an update changes stands in its document, which is read once.
        if route.action == .update {
            return mount.backend.translates(.updateImage(ImageUpdate(id: route.imageID, image: Image())))
        }
        guard case .operation(let operation)? = try? dialect.decode(route, asked) else { return false }
        return mount.backend.translates(operation)
    }

    /// What the message would mean here, for log and metrics; `relay` where that is not known without its document.
    private static func name(of route: Route?, _ asked: ClientRequest, _ dialect: any ClientDialect) -> String {
        guard let route, case .operation(let operation)? = try? dialect.decode(route, asked) else { return "relay" }
        return operation.name
    }

    /// Where the registry judges tokens it judges their absence, too.
    private func relayingCaller(
        _ asked: ClientRequest, _ mount: Mount, _ dialect: any ClientDialect, isAnonymous: Bool
    ) async throws(Failure) -> Caller {
        let token = try token(of: asked, dialect)
        if isAnonymous || (mount.identity.leavesJudgement && token?.isEmpty ?? true) { return Caller() }
        return try await mount.identity.caller(for: token)
    }

    /// What the dialect makes of the request and its document.
    private static func decoded(
        _ document: [UInt8], _ asked: ClientRequest, _ route: Route?, _ dialect: any ClientDialect
    ) -> Result<Images.Operation, Failure> {
        do throws(Failure) {
            let route = if let route { route } else { try dialect.route(asked) }
            switch try dialect.decode(route, asked) {
            case .operation(let operation): return .success(operation)
            case .document(_, _, let decode): return .success(try decode(document))
            }
        } catch {
            return .failure(error)
        }
    }
}
