public import Bytes

/// Something that performs operations: a remote registry through a backend dialect, or the embedded registry.
///
/// Calls run on the event loop of their connection; a backend is shared by all loops. Cancellation of the task ends the
/// call and everything it started.
public protocol Backend: Sendable {
    /// Carries out one operation.
    ///
    /// Nothing is half-done behind a thrown failure (mapping §7): what was created is removed again.
    func perform(_ request: BackendRequest) async throws(Failure) -> Outcome

    /// What the backend can do, as far as it is known without asking.
    var capabilities: RegistryCapabilities { get }

    /// The client dialect whose messages the backend takes as they are, beside operations; nil: none.
    var relays: String? { get }

    /// The registry's `host:port`, which answers that are relayed may not show; nil: there is none.
    var authority: String? { get }

    /// Prefix of the custom properties that are the gateway's own in relayed messages; nil: there are none.
    var markPrefix: String? { get }

    /// Sends a message of the dialect that ``relays`` names and hands back the answer, unread.
    func relay(_ message: RelayedMessage) async throws(Failure) -> RelayedReply

    /// Whether an operation is carried out here although a client of the dialect that ``relays`` names asks for it: the
    /// registry's own answer would not be what clients are to see.
    func translates(_ operation: Operation) -> Bool

    /// The image of the caller that is registered at a `pithos:` location; nil: none.
    ///
    /// - Parameter request: who asks; its operation does not matter.
    /// - Throws: `conflict` when there are several.
    func image(at location: String, for request: BackendRequest) async throws(Failure) -> Image?

    /// Ends background work and closes what is open; called once, after the last request.
    func close() async
}

extension Backend {
    public var capabilities: RegistryCapabilities { RegistryCapabilities() }
    public var relays: String? { nil }
    public var authority: String? { nil }
    public var markPrefix: String? { nil }

    public func translates(_ operation: Operation) -> Bool { false }

    public func relay(_ message: RelayedMessage) async throws(Failure) -> RelayedReply {
        throw Failure(.internal, cause: "the backend relays nothing")
    }

    public func image(at location: String, for request: BackendRequest) async throws(Failure) -> Image? {
        var asked = request
        asked.operation = .listImages(ImageQuery(isDetailed: true))
        asked.data = nil
        guard case .images(let images) = try await perform(asked) else {
            throw Failure(.internal, cause: "a list was asked for, something else came")
        }
        var found: Image?
        while let image = try await images.next() {
            guard image.text(.location)?.sameBytes(as: location) ?? false else { continue }
            if let me = request.caller.owner, let owner = image.text(.owner), !owner.sameBytes(as: me) { continue }
            guard found == nil else { throw Failure(.conflict, "Several images are registered at this location") }
            found = image
        }
        return found
    }
}

/// A client's message for a registry of its own dialect: everything that may cross, nothing else.
public struct RelayedMessage {
    public var method: String
    /// Path and query below the registry's root, as the client spelled them.
    public var target: String
    /// Names and values that the dialect's allow-list lets through; the token and the request id go beside them.
    public var fields: [(name: String, value: [UInt8])]
    public var caller: Caller
    public var requestID: String
    /// Nil: the request has none.
    public var body: (any BodySource)?

    public init(
        method: String, target: String, fields: [(name: String, value: [UInt8])], caller: Caller, requestID: String,
        body: (any BodySource)? = nil
    ) {
        self.method = method
        self.target = target
        self.fields = fields
        self.caller = caller
        self.requestID = requestID
        self.body = body
    }
}

/// A registry's answer to a relayed message.
public struct RelayedReply {
    public var status: Int
    /// All end-to-end fields, in order; which of them the client gets is its dialect's to say.
    public var fields: [(name: String, value: [UInt8])]
    /// Nil length: unknown before the end.
    public var body: any BodySource

    public init(status: Int, fields: [(name: String, value: [UInt8])], body: any BodySource) {
        self.status = status
        self.fields = fields
        self.body = body
    }
}

/// One operation with who asks and the data that comes with it.
public struct BackendRequest {
    public var operation: Operation
    public var caller: Caller
    /// `req-UUID`; goes to the backend and into every log line.
    public var requestID: String
    /// The request's data when `operation.takesData`; else nil. Pulling it is what makes the server send
    /// `100 Continue`, so a backend asks for it only when it really wants it.
    public var data: (any BodySource)?
    /// What crosses beside the operation; nil: nothing.
    public var passed: PassedFields?

    public init(
        operation: Operation, caller: Caller, requestID: String, data: (any BodySource)? = nil,
        passed: PassedFields? = nil
    ) {
        self.operation = operation
        self.caller = caller
        self.requestID = requestID
        self.data = data
        self.passed = passed
    }
}
