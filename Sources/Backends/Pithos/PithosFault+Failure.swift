import Bytes
public import Images

extension PithosFault {
    /// Seconds after which a client may ask again when the store cannot serve.
    private static let retryAfter = "5"

    /// What a client is told (mapping §8, plankton §7.2): an object that is missing or not permitted is a location without
    /// data, and the message says which.
    public var failure: Failure {
        switch self {
        case .notFound: Failure(.locationNotFound, "There is no object at the location")
        case .forbidden:
            Failure(.locationNotFound, "The object at the location is not there, or you are not permitted to read it")
        case .tokenRejected: Failure(.tokenRejected, cause: "the store rejects the token")
        case .unusable(let why): Failure(.badRequest, "The object at the location can be no image: \(why)")
        case .exists: Failure(.conflict, "There is an object at the location already")
        case .tooLarge: Failure(.tooLarge, "The data are over the quota or the limits of the store")
        case .damaged(let why): Failure(.badGateway, "The data of the store are not what it announced", cause: why)
        case .badGateway(let why): Failure(.badGateway, cause: "store: \(why)")
        case .unavailable(let why): Failure(.unavailable, retryAfter: Self.retryAfter, cause: "store: \(why)")
        case .timedOut(let why): Failure(.gatewayTimeout, cause: "store: \(why)")
        case .data(let fault): PlanktonSession.failure(client: fault)
        case .cancelled: Failure(.clientDisconnected)
        }
    }
}
