package import Bytes
import EventLoop
package import HTTP
package import Upstream

/// JSON calls to an identity service: small documents, short time-outs, and a few attempts while nobody is there.
///
/// What a status means is the caller's matter; this type throws only `IdentityFault.unavailable`, when there is no
/// whole answer. No cause holds anything that was sent.
package struct IdentityCalls: Sendable {
    /// One call. Calls to identity services are harmless when repeated: at worst a token is made and never used.
    package struct Call: Sendable {
        package var method: String
        /// Path and query, encoded; the endpoint's own path is put before it.
        package var target: String
        /// `Accept`, and `Content-Type` with a document, are added.
        package var fields: Fields
        package var document: JSONValue?

        package init(
            _ method: String, _ target: String, fields: Fields = Fields(), document: JSONValue? = nil
        ) {
            self.method = method
            self.target = target
            self.fields = fields
            self.document = document
        }
    }

    /// A whole answer of any status.
    package struct Answer: Sendable {
        package var status: Int
        package var fields: Fields
        package var body: [UInt8]
        /// Nil: the body is empty or not JSON.
        package var document: JSONValue?

        package init(status: Int, fields: Fields = Fields(), body: [UInt8] = []) {
            self.status = status
            self.fields = fields
            self.body = body
            document = body.isEmpty ? nil : try? JSONReader.parse(body, limits: IdentityCalls.documentLimits)
        }

        /// A member of the document, by the keys that lead to it; nil when one of them is missing.
        package subscript(_ path: String...) -> JSONValue? {
            path.reduce(document) { value, key in value?.object?[key] }
        }

        /// `status 503 "the first words of its body"`: for a cause in the log.
        ///
        /// - Parameter secrets: when one of them stands in the body, nothing of it is shown.
        package func summary(hiding secrets: [String]) -> String {
            let shown = ASCII.trim(body.prefix(Self.bodyShown).map { $0 < 0x20 ? 0x20 : $0 }[...])
            let text = String(decoding: shown, as: UTF8.self)
            // JSON may write the / of a token as \/.
            let plain = body.filter { $0 != UInt8(ascii: "\\") }
            let isSafe = !secrets.contains { !$0.isEmpty && plain.contains($0.utf8) }
            return text.isEmpty ? "status \(status)" : "status \(status) \(isSafe ? "\"\(text)\"" : "(body withheld)")"
        }

        /// Bytes of a body in a cause.
        private static let bodyShown = 200
    }

    /// Largest answer taken, in bytes: a token with a long service catalog is some tens of kilobytes.
    package static let maxAnswerBytes = 2 << 20
    private static let documentLimits = JSONLimits(maxDepth: 32, maxBytes: maxAnswerBytes, maxValues: 200_000)
    /// Sendings after the first one (astakos-pithos §1.1).
    private static let repetitions = 2
    /// Before the first repetition; twice as long before the second.
    private static let pause = Duration.milliseconds(50)
    package static let timeouts = UpstreamTimeouts(
        connect: .seconds(3), head: .seconds(10), betweenBytes: .seconds(10))

    private let transport: any Transport
    /// The service in causes: `Keystone`, `Astakos`.
    private let name: String
    private let timeouts: UpstreamTimeouts

    package init(_ transport: any Transport, name: String, timeouts: UpstreamTimeouts = IdentityCalls.timeouts) {
        self.transport = transport
        self.name = name
        self.timeouts = timeouts
    }

    /// Whether a token can be the value of a header field: visible ASCII only, as all identity systems make them.
    package static func fitsField(_ token: String) -> Bool {
        !token.isEmpty && token.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }

    /// Sends a call, again on a fresh connection when none was had or it broke before the answer, and reads the whole
    /// answer.
    ///
    /// - Throws: `unavailable` only.
    package func send(_ call: Call) async throws(IdentityFault) -> Answer {
        var attempt = 0
        while true {
            let fault: TransportError
            do throws(TransportError) {
                let reply = try await transport.send(upstreamCall(call, isRepetition: attempt > 0))
                return try await answer(reply)
            } catch { fault = error }
            guard attempt < Self.repetitions, Self.isConnectionFault(fault) else { throw unavailable("\(fault)") }
            attempt += 1
            guard await Self.rest(Self.pause * attempt) else { throw unavailable("cancelled") }
        }
    }

    private func upstreamCall(_ call: Call, isRepetition: Bool) -> UpstreamCall {
        var fields = call.fields
        if !fields.contains("accept") { fields.append("Accept", "application/json") }
        var body: BytesBody?
        if let document = call.document {
            var writer = JSONWriter()
            writer.value(document)
            body = BytesBody(writer.bytes)
            fields.set("Content-Type", "application/json")
        }
        var made = UpstreamCall(
            method: call.method, target: call.target, fields: fields, body: body, timeouts: timeouts,
            isRetryable: true)
        made.startsFresh = isRepetition
        return made
    }

    private func answer(_ reply: UpstreamReply) async throws(TransportError) -> Answer {
        do throws(BodyError) {
            return Answer(
                status: reply.status, fields: reply.fields, body: try await reply.collect(limit: Self.maxAnswerBytes))
        } catch .cancelled {
            throw .cancelled
        } catch {
            throw .failed("status \(reply.status), body: \(error)")
        }
    }

    private func unavailable(_ cause: String) -> IdentityFault { .unavailable("\(name): \(cause)") }

    private static func isConnectionFault(_ error: TransportError) -> Bool {
        switch error {
        case .resolveFailed, .connectFailed, .closed, .timedOut(.connect): true
        default: false
        }
    }

    /// Waits on the loop's timers, if this is a loop; false: the task was cancelled meanwhile.
    private static func rest(_ time: Duration) async -> Bool {
        guard let loop = EventLoop.current else { return !Task.isCancelled }
        if case .cancelled = await LoopWait<Void>(loop).outcome(within: time) { return false }
        return true
    }
}
