import Bytes
import Images

/// Image data on its way to a registry: counted, digested, and compared with what was demanded (mapping §3.7).
///
/// With `holdsBack` the last piece is kept until everything has been compared, so that wrong data never become complete
/// at the registry.
final class MeasuredBody: BodySource {
    private let source: any BodySource
    private let digest: Digest
    private let demands: Demands
    private let holdsBack: Bool
    private var held: [UInt8]?
    private(set) var count: Int64 = 0
    /// MD5 of all the data, once the end was reached.
    private(set) var checksum: String?
    /// Why the source ended before its end.
    private(set) var fault: BodyError?

    /// What the data must be.
    struct Demands: Sendable {
        var size: Int64?
        var checksum: String?

        /// Nil when the data meet them.
        func refusal(count: Int64, checksum actual: String) -> Failure? {
            if let size, size != count {
                return Failure(
                    .badRequest, "Supplied size (\(size)) and size of the uploaded image (\(count)) did not match")
            }
            if let checksum, !checksum.sameBytes(as: actual) {
                return Failure(
                    .badRequest,
                    "Supplied checksum (\(checksum)) and checksum generated from uploaded image (\(actual)) did not match"
                )
            }
            return nil
        }
    }

    /// Refuses a length that cannot meet the demands, before anything is sent.
    static func check(_ length: Int64?, against demands: Demands) throws(Failure) {
        guard let size = demands.size, let length, size != length else { return }
        if let refusal = Demands(size: size).refusal(count: length, checksum: "") { throw refusal }
    }

    init(_ source: any BodySource, demands: Demands, holdsBack: Bool) throws(Failure) {
        do throws(DigestError) {
            digest = try Digest(.md5)
        } catch {
            throw Failure(.internal, cause: "no \(error.algorithm)")
        }
        self.source = source
        self.demands = demands
        self.holdsBack = holdsBack && (demands.size != nil || demands.checksum != nil)
    }

    var length: Int64? { source.length.map { $0 + Int64(held?.count ?? 0) } }

    /// Set when held-back data were refused.
    private(set) var refusal: Failure?

    func next() async throws(BodyError) -> [UInt8]? {
        guard holdsBack else { return try await pull() }
        while true {
            let piece = try await pull()
            guard let piece else {
                if let checksum, let refusal = demands.refusal(count: count, checksum: checksum) {
                    self.refusal = refusal
                    throw .failed("data are not what was announced")
                }
                defer { held = nil }
                return held
            }
            let ready = held
            held = piece
            if let ready { return ready }
        }
    }

    private func pull() async throws(BodyError) -> [UInt8]? {
        guard checksum == nil else { return nil }
        do throws(BodyError) {
            guard let piece = try await source.next() else {
                do throws(DigestError) {
                    checksum = Hex.encode(try digest.finalize())
                } catch {
                    throw BodyError.failed("digest")
                }
                return nil
            }
            digest.update(piece)
            count &+= Int64(piece.count)
            return piece
        } catch {
            // A cancelled read is nobody's fault here: the registry's connection broke, or the client left, which the
            // transport tells.
            if error != .cancelled { fault = error }
            throw error
        }
    }

    /// The checksum of everything, also when the reader stopped right before asking for the end.
    func finish() async -> String? {
        if checksum == nil, fault == nil { _ = try? await pull() }
        return checksum
    }
}

/// Image data on its way to a client, whose length must be the image's (reliability: length from the wrong source).
final class SizedBody: BodySource {
    private let source: any BodySource
    private let size: Int64?
    private var count: Int64 = 0

    init(_ source: any BodySource, size: Int64?) {
        self.source = source
        self.size = size
    }

    var length: Int64? { source.length }

    func next() async throws(BodyError) -> [UInt8]? {
        let piece = try await source.next()
        count &+= Int64(piece?.count ?? 0)
        if let size, piece == nil ? count != size : count > size {
            throw .malformed("the registry sends \(count) bytes of an image of \(size)")
        }
        return piece
    }
}
