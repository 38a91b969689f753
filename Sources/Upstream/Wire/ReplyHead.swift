import HTTP

/// A response head after all framing rules accepted it.
struct ReplyHead {
    /// Where the body ends (RFC 9112 §6.3).
    enum Framing: Equatable {
        case none
        case length(Int64)
        case chunked
        case untilClose
    }

    var status = 0
    var version = Version.http11
    var fields = Fields()
    var framing = Framing.none
    /// The upstream keeps the connection open behind this response, as far as the head tells.
    var keepsAlive = true

    var isInterim: Bool { status < 200 }
}

/// What a response head breaks; the text goes to the log.
struct ReplyHeadError: Error, Equatable {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

