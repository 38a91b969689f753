public import Bytes
public import HTTP
public import Images

/// A dialect as spoken to the gateway by a client: pure translation, no I/O, no clock, no logging.
///
/// The pipeline calls `route` (path and method), finds out who asks, then calls `decode` (headers, query, document), has
/// the operation performed and calls one of the two `render`. Every failure, also the gateway's own, takes the dialect's
/// own form.
public protocol ClientDialect: Sendable {
    /// Name in configuration, logs and metrics: `glance-2010`, `glance-v1`, `plankton`, `image-v2`.
    var name: String { get }

    /// What path and method ask for. Throws `unknownPath`, `methodNotAllowed`, `notImplemented`.
    func route(_ request: ClientRequest) throws(Failure) -> Route

    /// The token the client presents; by default the header `X-Auth-Token`.
    func token(in request: ClientRequest) -> String?

    /// How messages pass to a registry of this same dialect as they are; nil: they never do.
    var relay: (any DialectRelay)? { get }

    /// What the whole request asks for.
    func decode(_ route: Route, _ request: ClientRequest) throws(Failure) -> Decoded

    /// Refuses what the dialect keeps from this caller and backends of other dialects would pass over in silence.
    func check(_ operation: Images.Operation, by caller: Caller) throws(Failure)

    /// The answer to an operation that succeeded. Throws when the outcome cannot be said in this dialect.
    func render(_ outcome: Outcome, of operation: Operation, for request: ClientRequest) throws(Failure)
        -> ClientResponse

    /// The answer to a request that failed.
    func render(_ failure: Failure, for request: ClientRequest) -> ClientResponse
}

extension ClientDialect {
    public var relay: (any DialectRelay)? { nil }

    public func check(_ operation: Images.Operation, by caller: Caller) throws(Failure) {}

    public func token(in request: ClientRequest) -> String? { request.head.fields["x-auth-token"] }
}

/// A request as a client dialect sees it.
public struct ClientRequest: Sendable {
    /// How the body is framed; says nothing about its content.
    public enum Framing: Sendable, Equatable {
        case none
        /// `Content-Length`, also 0.
        case length(Int64)
        case chunked
    }

    public var head: RequestHead
    /// Path below the mount, still percent-encoded, begins with `/`; `/` for the mount itself.
    public var path: String
    /// Raw query without `?`; nil when there is none.
    public var query: String?
    /// The mount's prefix without trailing slash: `/v1`, `/image/v1.0`, or empty for the root.
    public var mountPrefix: String
    /// `http://HOST:PORT` as the client reaches the gateway, without trailing slash; from configuration or Host.
    public var publicURL: String
    public var framing: Framing
    /// `req-` and a UUID, or the client's own id with `req-` in front.
    public var requestID: String

    public init(
        head: RequestHead, path: String, query: String?, mountPrefix: String, publicURL: String, framing: Framing,
        requestID: String
    ) {
        self.head = head
        self.path = path
        self.query = query
        self.mountPrefix = mountPrefix
        self.publicURL = publicURL
        self.framing = framing
        self.requestID = requestID
    }

    /// The address of the mount, without trailing slash.
    public var baseURL: String { publicURL + mountPrefix }
    public var isHead: Bool { head.method == "HEAD" }
}

/// Path and method, understood.
public struct Route: Sendable, Equatable {
    public enum Action: String, Sendable {
        case versions, list, listDetail, show, download, create, update, replaceAtLocation, delete
        case listMembers, replaceMembers, addMember, removeMember, listShared
        // Image API v2 (image-v2 §7).
        case showMember, setMemberStatus, deactivate, reactivate, addTag, removeTag, stage, importImage
        case listLocations, addLocation, deleteFromStore, schema, importInfo, stores, storesDetail, upload
        /// No canonical meaning: relayed to a registry of the same dialect, else refused.
        case relayOnly
    }

    public var action: Action
    /// Percent-decoded segments; empty where the action has none.
    public var imageID: String
    public var memberID: String
    /// A tag, a store's id, a schema's name; empty where the action has none.
    public var name: String
    /// Answered without a token.
    public var isAnonymous: Bool

    public init(
        _ action: Action, imageID: String = "", memberID: String = "", name: String = "", isAnonymous: Bool = false
    ) {
        self.action = action
        self.imageID = imageID
        self.memberID = memberID
        self.name = name
        self.isAnonymous = isAnonymous
    }
}

/// A decoded request.
public enum Decoded {
    case operation(Images.Operation)
    /// The operation stands in the body: the pipeline reads at most `limit` bytes (more is `tooLarge`) and calls `decode`.
    /// A body that is announced and never comes may be cut short by `ignoresMissing`: then `decode` gets [] without
    /// waiting and the connection is closed after the answer (plankton §7.6).
    case document(limit: Int, ignoresMissing: Bool, decode: DocumentDecoder)
}

/// Turns a whole document into an operation.
public typealias DocumentDecoder = (_ document: [UInt8]) throws(Failure) -> Images.Operation

/// An answer in a client's dialect. Framing fields, `Date` and `Connection` are the server's.
public struct ClientResponse {
    public enum Body {
        case none
        case bytes([UInt8])
        /// Image data, passed through.
        case data(any BodySource)
        /// An image list, rendered one image at a time.
        case list(ListRendering)
    }

    public var head: ResponseHead
    public var body: Body

    public init(_ status: Int, _ fields: Fields = Fields(), body: Body = .none) {
        head = ResponseHead(status: status, fields: fields)
        self.body = body
    }
}

/// How a list is written: `opening`, the images with `separator` between them, what `closing` makes of the list's end.
public struct ListRendering {
    public var opening: [UInt8]
    public var separator: [UInt8]
    /// - Parameters:
    ///   - count: images in the list.
    ///   - last: the last of them.
    public var closing: (_ count: Int, _ last: Image?) -> [UInt8]
    public var images: any ImageSource
    /// Appends one image's entry to the buffer.
    public var append: (_ image: Image, _ buffer: inout [UInt8]) -> Void

    public init(
        opening: [UInt8], separator: [UInt8], closing: [UInt8], images: any ImageSource,
        append: @escaping (_ image: Image, _ buffer: inout [UInt8]) -> Void
    ) {
        self.init(
            opening: opening, separator: separator, closing: { _, _ in closing }, images: images, append: append)
    }

    /// - Parameter closing: for dialects whose list ends with a link to the next page.
    public init(
        opening: [UInt8], separator: [UInt8], closing: @escaping (_ count: Int, _ last: Image?) -> [UInt8],
        images: any ImageSource, append: @escaping (_ image: Image, _ buffer: inout [UInt8]) -> Void
    ) {
        self.opening = opening
        self.separator = separator
        self.closing = closing
        self.images = images
        self.append = append
    }
}
