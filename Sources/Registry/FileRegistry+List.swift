import Images
import Synchronization

extension FileRegistry {
    /// Up to this many images are filtered and sorted on the loop itself: a worker's round trip would cost more.
    private static let fewImages = 256

    /// Runs pure work over `count` images where it disturbs least.
    func sorted<R: Sendable>(_ count: Int, _ work: @escaping @Sendable () -> R) async -> R {
        count <= Self.fewImages ? work() : await workers.run(work)
    }

    /// A list is made of one moment's index: images that come or go meanwhile neither shift nor tear it.
    func list(_ query: ImageQuery, _ caller: Caller) async throws(Failure) -> ImageArray {
        var marker: Image?
        if let id = query.marker {
            guard let image = try? visible(id, caller).image else {
                throw Failure(.badRequest, "Invalid marker. Image could not be found.")
            }
            marker = image
        }
        let after = marker
        let records = index.withLock { Array($0.records.values) }
        return ImageArray(await sorted(records.count) { Self.select(records, query, caller, after: after) })
    }

    private static func select(_ records: [ImageRecord], _ query: ImageQuery, _ caller: Caller, after marker: Image?)
        -> [Image]
    {
        var images: [Image] = []
        let limit = query.limit ?? Int.max
        guard limit > 0 else { return [] }
        for record in records {
            let image = record.image
            guard AccessRules.isListed(image, for: caller, in: query.scope), query.matches(image) else { continue }
            if let marker, !query.areInOrder(marker, image) { continue }
            if limit < records.count {
                insert(image, into: &images, query, limit: limit)
            } else {
                images.append(image)
            }
        }
        return limit < records.count ? images : images.sorted(by: query.areInOrder)
    }

    /// Keeps the first `limit` images in order: a page of a long list needs no sorting of all of it.
    private static func insert(_ image: Image, into images: inout [Image], _ query: ImageQuery, limit: Int) {
        if images.count >= limit, let last = images.last, !query.areInOrder(image, last) { return }
        var low = 0
        var high = images.count
        while low < high {
            let middle = (low + high) / 2
            if query.areInOrder(images[middle], image) { low = middle + 1 } else { high = middle }
        }
        images.insert(image, at: low)
        if images.count > limit { images.removeLast() }
    }
}
