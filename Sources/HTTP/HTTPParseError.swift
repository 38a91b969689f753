/// A message that is refused as it stands: one rule for every ambiguity, nothing is repaired.
public struct HTTPParseError: Error, Sendable, Equatable {
    /// The status a server answers with; a client treats every parse error as a bad gateway.
    public let status: Int
    /// What was wrong and where, for the peer and the log.
    public let reason: String

    public init(_ status: Int = 400, _ reason: String) {
        self.status = status
        self.reason = reason
    }
}
