import Bytes
import Dialects
import Images

/// A list as a body: images are pulled one at a time, rendered, and sent in pieces of some size.
final class ListBody: BodySource {
    private let rendering: ListRendering
    private var next: Image?
    private var count = 0
    private var last: Image?
    private var hasBegun = false
    private var hasEnded = false
    /// What the backend said when it failed in the middle; for the log, since the head is gone.
    private(set) var failure: Failure?

    /// Large enough for few system calls, small enough to keep thousands of lists in memory.
    private static let pieceBytes = 32 << 10

    let length: Int64? = nil

    /// Pulls the first image, so that a list that cannot begin is an honest error.
    init(_ rendering: ListRendering) async throws(Failure) {
        self.rendering = rendering
        next = try await rendering.images.next()
    }

    func next() async throws(BodyError) -> [UInt8]? {
        // Nil would be a proven end.
        if let failure { throw Self.fault(failure) }
        if hasEnded { return nil }
        var buffer: [UInt8] = []
        buffer.reserveCapacity(Self.pieceBytes + 4096)
        if !hasBegun {
            buffer.append(contentsOf: rendering.opening)
        }
        while let image = next {
            if hasBegun { buffer.append(contentsOf: rendering.separator) }
            hasBegun = true
            count += 1
            last = image
            rendering.append(image, &buffer)
            do throws(Failure) {
                next = try await rendering.images.next()
            } catch {
                failure = error
                throw Self.fault(error)
            }
            if buffer.count >= Self.pieceBytes, next != nil { return buffer }
        }
        hasBegun = true
        hasEnded = true
        buffer.append(contentsOf: rendering.closing(count, last))
        return buffer
    }

    /// For the log: not the message, which may quote what the client sent.
    private static func fault(_ failure: Failure) -> BodyError { .failed(failure.cause ?? failure.kind.rawValue) }
}
