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

    /// Ends background work and closes what is open; called once, after the last request.
    func close() async
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

    public init(operation: Operation, caller: Caller, requestID: String, data: (any BodySource)? = nil) {
        self.operation = operation
        self.caller = caller
        self.requestID = requestID
        self.data = data
    }
}
