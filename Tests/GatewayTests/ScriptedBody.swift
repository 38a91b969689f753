import Bytes

/// A body whose pieces, end and length the test says.
final class ScriptedBody: BodySource {
    let length: Int64?
    private var pieces: [[UInt8]]
    private let fault: BodyError?
    private(set) var pulls = 0
    /// Whether the end was reached.
    private(set) var isRead = false

    init(_ pieces: [String], length: Int64? = nil, fault: BodyError? = nil) {
        self.pieces = pieces.map { Array($0.utf8) }
        self.length = length
        self.fault = fault
    }

    func next() async throws(BodyError) -> [UInt8]? {
        pulls += 1
        if !pieces.isEmpty { return pieces.removeFirst() }
        if let fault { throw fault }
        isRead = true
        return nil
    }
}
