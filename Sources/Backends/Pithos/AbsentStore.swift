public import Bytes
public import Dialects

/// The store of a gateway that has none: nothing is there, and nothing can be put there.
public struct AbsentStore: PithosObjects {
    public init() {}

    public func find(_ location: PithosLocation, token: String?) async throws(PithosFault) -> PithosObject {
        throw .notFound
    }

    public func open(
        _ object: PithosObject, range: Range<Int64>?, token: String?
    ) async throws(PithosFault) -> any PithosData { throw .notFound }

    public func put(
        _ data: any BodySource, at location: PithosLocation, overwrites: Bool, token: String?
    ) async throws(PithosFault) -> PithosObject { throw .forbidden }

    public func remove(_ location: PithosLocation, token: String?) async throws(PithosFault) {}
}
