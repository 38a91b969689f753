import Bytes
import Dialects
import Images

/// Where data of clients are put, and under which names (mapping §6.4, astakos-pithos §2.7).
struct PlanktonUploads: Sendable {
    let store: any PithosObjects
    let container: String

    /// Bytes of an image's name that its object's name begins with.
    private static let maxName = 64
    private static let kept = ByteSet.alphanumeric.union(ByteSet("_.-"))
    private static let separator = "-"

    /// A name that no object has: new data at a registered location would change that image.
    ///
    /// - Parameter account: the user in whose account the object will be, who pays for it and owns the image.
    func fresh(for name: String, in account: String) throws(Failure) -> PithosLocation {
        let clean = String(
            decoding: name.utf8.prefix(Self.maxName).map { Self.kept.contains($0) ? $0 : UInt8(ascii: "_") },
            as: UTF8.self)
        let parts = [account, container, clean + Self.separator + UUIDText.random()]
        let text = PithosLocation.scheme + parts.map { PercentCoding.encode($0) }.joined(separator: "/")
        guard let location = try? PithosLocation(text) else {
            throw Failure(.forbidden, "Your user id names no account of the store")
        }
        return location
    }

    /// A location as ``fresh(for:in:)`` makes them; nil for any other.
    func made(_ text: String?) -> PithosLocation? {
        guard let text, let location = try? PithosLocation(text), location.container.sameBytes(as: container) else {
            return nil
        }
        let bytes = Array(location.object.utf8)
        let id = String(decoding: bytes.suffix(36), as: UTF8.self)
        guard UUIDText.isCanonical(id), bytes.dropLast(36).last == Self.separator.utf8.first,
            bytes.allSatisfy(Self.kept.contains)
        else { return nil }
        return location
    }

    /// What a refused call means for data that were to be put.
    func failure(_ fault: PithosFault, _ data: MeasuredBody?, _ session: PlanktonSession) -> Failure {
        if let refusal = data?.refusal { return refusal }
        if let fault = data?.fault { return PlanktonSession.failure(client: fault) }
        switch fault {
        case .forbidden: return Failure(.forbidden, "You are not permitted to put data into the store")
        case .notFound: return Failure(.badGateway, cause: "store: the object that was put, or its container, is gone")
        default: return session.failure(fault)
        }
    }
}
