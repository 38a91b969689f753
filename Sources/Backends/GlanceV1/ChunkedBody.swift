import Bytes

/// A body that goes out in chunks: to registries of v1 an announced length of 0 says that there are no data
/// (glance-v1 §5.1).
final class ChunkedBody: BodySource {
    private let source: any BodySource

    init(_ source: any BodySource) { self.source = source }

    var length: Int64? { nil }

    func next() async throws(BodyError) -> [UInt8]? { try await source.next() }
}
