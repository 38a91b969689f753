import Bytes
import Images

/// An object's data on their way to a registry. The store is asked for them at the first pull, so that what is refused
/// before costs it nothing.
final class ObjectBody: BodySource {
    private let objects: any PithosObjects
    private let object: PithosObject
    private let token: String?
    private let digest: Digest
    private var data: (any PithosData)?
    private var count: Int64 = 0
    /// Why the data broke off; nil while they did not.
    private(set) var fault: PithosFault?
    /// Of all the data, hex digits; nil before their end.
    private(set) var sha512: String?

    init(_ objects: any PithosObjects, _ object: PithosObject, token: String?) throws(Failure) {
        self.objects = objects
        self.object = object
        self.token = token
        do throws(DigestError) {
            digest = try Digest(.sha512)
        } catch {
            throw Failure(.internal, cause: "no \(error.algorithm)")
        }
    }

    var length: Int64? { object.content.size - count }

    func next() async throws(BodyError) -> [UInt8]? {
        let data = try await opened()
        let piece: [UInt8]?
        do throws(BodyError) {
            piece = try await data.next()
        } catch {
            fault = data.fault ?? .data(error)
            throw error
        }
        guard let piece else {
            sha512 = (try? digest.finalize()).map(Hex.encode)
            return nil
        }
        digest.update(piece)
        count &+= Int64(piece.count)
        return piece
    }

    private func opened() async throws(BodyError) -> any PithosData {
        if let data { return data }
        do throws(PithosFault) {
            let opened = try await objects.open(object, range: nil, token: token)
            data = opened
            return opened
        } catch {
            fault = error
            throw error == .cancelled ? .cancelled : .failed("object store: the data cannot be had")
        }
    }

    /// Whether the registry says that it has these data; also true of one that says nothing.
    func isHeld(as image: Image) -> Bool {
        guard image.text(.osHashAlgo) == "sha512", let held = image.text(.osHashValue), let sha512 else { return true }
        return ASCII.equalIgnoringCase(held, sha512)
    }
}
