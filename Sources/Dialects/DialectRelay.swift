public import Images

/// How messages of a dialect pass to a registry of the same dialect as they are: what may cross, and what the answer may
/// bring back (decision 3 of the design: same-dialect traffic comes out identical).
public protocol DialectRelay: Sendable {
    /// What leaves for the registry; nil: this request is translated like every other dialect's.
    ///
    /// - Throws: `unknownPath` for a path that could climb out of the registry's own.
    func outline(_ request: ClientRequest) throws(Failure) -> RelayOutline?

    /// Judges a document before it leaves.
    ///
    /// - Parameters:
    ///   - decoded: what the client dialect made of the request with this document.
    /// - Throws: what must not leave: names that are the gateway's own, and documents that name a URL but are not
    ///   understood, so that the location policy could not judge it.
    func inspect(_ document: [UInt8], decoded: Result<Operation, Failure>, marks: Marks?) throws(Failure)

    /// The answer for the client.
    ///
    /// - Parameter authority: `host:port` of the registry, which clients never see.
    func response(
        _ reply: RelayedReply, for request: ClientRequest, authority: String?, marks: Marks?
    ) async throws(Failure) -> ClientResponse
}

/// A request on its way to a registry of its own dialect.
public struct RelayOutline: Sendable {
    public enum Body: Sendable, Equatable {
        case none
        /// Passed on as it comes.
        case streamed
        /// Read, at most so many bytes, and judged by ``DialectRelay/inspect(_:decoded:marks:)``.
        case inspected(limit: Int)
    }

    public var method: String
    /// Path and query at the registry, as the client spelled them.
    public var target: String
    public var fields: [(name: String, value: [UInt8])]
    public var body: Body

    public init(method: String, target: String, fields: [(name: String, value: [UInt8])], body: Body) {
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
    }
}
