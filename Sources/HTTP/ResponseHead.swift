/// A response's status and fields. Framing fields (`Content-Length`, `Transfer-Encoding`, `Connection`, `Date`) are the
/// server's business: a dialect leaves them out unless a HEAD answer must announce a length of its own.
public struct ResponseHead: Sendable {
    public var status: Int
    /// Nil: the standard phrase of the status.
    public var reason: String?
    public var fields: Fields

    public init(status: Int, reason: String? = nil, fields: Fields = Fields()) {
        self.status = status
        self.reason = reason
        self.fields = fields
    }
}
