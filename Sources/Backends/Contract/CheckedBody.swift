import Bytes
import Images

/// An image's data, which must be as long as was said.
final class CheckedBody: BodySource {
    private let source: any BodySource
    private let size: Int64?
    private let watch: ContractWatch
    private var count: Int64 = 0

    init(_ source: any BodySource, size: Int64?, _ watch: ContractWatch) throws(Failure) {
        if let size, let length = source.length, size != length {
            throw watch.breach("data of \(length) bytes, announced were \(size)")
        }
        self.source = source
        self.size = size
        self.watch = watch
    }

    var length: Int64? { source.length }

    func next() async throws(BodyError) -> [UInt8]? {
        let piece = try await source.next()
        if let piece, piece.isEmpty { throw broken("an empty piece of data") }
        count &+= Int64(piece?.count ?? 0)
        if let size, piece == nil ? count != size : count > size {
            throw broken("\(count) bytes of data, announced were \(size)")
        }
        return piece
    }

    private func broken(_ promise: String) -> BodyError { .failed(watch.breach(promise).cause ?? promise) }
}

/// Data on their way to a backend, counted.
final class CountedBody: BodySource {
    private let source: any BodySource
    private(set) var count: Int64 = 0

    init(_ source: any BodySource) { self.source = source }

    var length: Int64? { source.length }

    func next() async throws(BodyError) -> [UInt8]? {
        let piece = try await source.next()
        count &+= Int64(piece?.count ?? 0)
        return piece
    }
}
