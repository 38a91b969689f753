import Bytes
import Upstream

extension PithosFault {
    /// What a status means wherever no operation knows better (astakos-pithos §2.1, §2.7).
    private static let statuses: [Int: PithosFault] = [
        401: .tokenRejected, 403: .forbidden, 404: .notFound, 408: .timedOut("the store gave up waiting"),
        412: .exists, 413: .tooLarge, 422: .damaged("the store received other data than were sent"),
        429: .unavailable("status 429"), 503: .unavailable("status 503"), 504: .timedOut("status 504"),
    ]

    init(status: Int) { self = Self.statuses[status] ?? .badGateway("status \(status)") }

    init(_ error: TransportError) {
        self =
            switch error {
            case .timedOut(.queue): .unavailable("no free connection to the store in time")
            case .overloaded: .unavailable("too many calls wait for the store")
            case .timedOut(let phase): .timedOut("while \(phase)")
            case .cancelled, .clientBody(.cancelled): .cancelled
            case .clientBody(let fault): .data(fault)
            default: .badGateway("\(error)")
            }
    }

    /// A fault of an answer's body.
    init(reading error: BodyError) {
        self =
            switch error {
            case .cancelled: .cancelled
            case .timedOut: .timedOut("in the middle of an answer")
            default: .badGateway("answer: \(error)")
            }
    }

    /// The same for whoever pulls the data.
    var bodyError: BodyError {
        switch self {
        case .cancelled: .cancelled
        case .timedOut: .timedOut
        case .damaged(let why): .malformed(why)
        default: .failed("\(self)")
        }
    }
}
