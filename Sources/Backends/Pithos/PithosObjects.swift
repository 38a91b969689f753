public import Bytes
public import Dialects
public import Images

/// Objects of a Pithos+ store, seen and changed with the rights of a token (astakos-pithos §2).
public protocol PithosObjects: Sendable {
    /// What is at a location.
    ///
    /// - Throws: `unusable` for what can be no image: joins of other objects, snapshots that are not there, directories.
    func find(_ location: PithosLocation, token: String?) async throws(PithosFault) -> PithosObject

    /// The bytes of exactly the version that was found, or a range of them, taken up again where the store breaks off.
    ///
    /// Of a whole object the last piece is handed out only when length and hash are proven, so that nobody takes wrong
    /// data for complete.
    func open(
        _ object: PithosObject, range: Range<Int64>?, token: String?
    ) async throws(PithosFault) -> any PithosData

    /// Puts data at a location and creates its container when it is missing.
    ///
    /// - Parameter overwrites: false: `exists` when there is something already.
    func put(
        _ data: any BodySource, at location: PithosLocation, overwrites: Bool, token: String?
    ) async throws(PithosFault) -> PithosObject

    /// Removes an object; one that is not there is no fault.
    func remove(_ location: PithosLocation, token: String?) async throws(PithosFault)
}

/// Data on their way out of a store.
public protocol PithosData: BodySource {
    /// Why `next` threw; nil while it did not.
    var fault: PithosFault? { get }
}

/// An object of a store, as HEAD describes it (astakos-pithos §2.1).
public struct PithosObject: Sendable, Equatable {
    public var location: PithosLocation
    public var content: VerifiedObject
    /// Opaque; pins what is read.
    public var version: String
    /// When this version was made; nil: not said.
    public var changed: Timestamp?
    /// The token is that of the account.
    public var isOwn: Bool

    public init(
        location: PithosLocation, content: VerifiedObject, version: String, changed: Timestamp?, isOwn: Bool
    ) {
        self.location = location
        self.content = content
        self.version = version
        self.changed = changed
        self.isOwn = isOwn
    }
}

/// Why a store did not do what it was asked for.
public enum PithosFault: Error, Sendable, Equatable {
    case notFound
    /// No right, or nothing there in another's account: the store says the same (astakos-pithos §2.1).
    case forbidden
    case tokenRejected
    /// The object can be no image; the text says why.
    case unusable(String)
    /// Something is at the location already.
    case exists
    /// Over the account's quota, or larger than the store takes.
    case tooLarge
    /// The data are not those that the store announced: cut, longer, or of another hash.
    case damaged(String)
    /// The store broke its protocol, or was not reachable; the text is for the log.
    case badGateway(String)
    case unavailable(String)
    case timedOut(String)
    /// The data that were to be put failed in themselves.
    case data(BodyError)
    case cancelled
}
