import Images

/// A list that can be given up before its end, so that its connection serves again.
protocol ReleasableImages: ImageSource {
    /// No image is asked for any more.
    func finish() async
}

/// A list of a registry that does not filter, sort or page, as a query wants it (mapping §6.1, end; §6.4, §6.5).
///
/// Images that already come in the query's order stream through. Else as many are kept as the query's limit says, or all of
/// them when it has none, and never more than a given number. Nothing is asked of the source behind the last image.
final class ListSelection: ImageSource {
    /// Images kept for sorting, if not said otherwise: about 25 MiB.
    static let defaultMaxSorted = 50_000

    private enum Mode {
        /// The query wants no order.
        case asItComes
        /// Images with equal values of these fields stand together; only they must be sorted.
        case runs([ImageField])
        case sorting
    }

    /// Nil: the end was reached, or nobody needs more.
    private var source: (any ImageSource)?
    private let query: ImageQuery
    private let filters: [ImageQuery.Filter]
    private let markerImage: Image?
    private let mode: Mode
    private let maxSorted: Int
    private var left: Int?
    private var isPastMarker: Bool
    /// Sorted images to be given out, the next one last.
    private var ready: [PackedImage] = []
    /// The image behind the run that was begun.
    private var ahead: Image?

    /// - Parameters:
    ///   - source: every image that the caller may see.
    ///   - filters: those that the registry has not applied; nil: all of the query's.
    ///   - order: how the source is known to be sorted; images with equal keys may come in any order.
    ///   - markerImage: the query's marker, where the backend has looked it up: a page then takes no more memory than its
    ///     own images.
    ///   - maxSorted: most images kept for sorting; beyond them the list fails.
    init(
        _ source: any ImageSource, _ query: ImageQuery, filters: [ImageQuery.Filter]? = nil,
        order: [ImageQuery.Sort] = [], markerImage: Image? = nil, maxSorted: Int = ListSelection.defaultMaxSorted
    ) {
        self.source = source
        self.query = query
        self.filters = filters ?? query.filters
        self.maxSorted = maxSorted
        let mode = Self.mode(query, order)
        self.mode = mode
        if case .sorting = mode { self.markerImage = markerImage } else { self.markerImage = nil }
        left = query.limit
        isPastMarker = query.marker == nil || self.markerImage != nil
    }

    private static func mode(_ query: ImageQuery, _ order: [ImageQuery.Sort]) -> Mode {
        guard let last = query.sort.last else { return .asItComes }
        let wanted =
            query.sort + [.createdAt, .id].map { ImageQuery.Sort($0, ascending: last.isAscending) }
        return !order.isEmpty && wanted.starts(with: order) ? .runs(order.map(\.field)) : .sorting
    }

    func next() async throws(Failure) -> Image? {
        do throws(Failure) {
            let image = try await select()
            if image == nil { await release() }
            return image
        } catch {
            await release()
            throw error
        }
    }

    /// The next image that is wanted.
    private func select() async throws(Failure) -> Image? {
        if left == 0 { return nil }
        while let image = try await nextInOrder() {
            guard isPastMarker else {
                isPastMarker = isMarker(image)
                continue
            }
            guard filters.allSatisfy({ $0.matches(image) }) else { continue }
            left = left.map { $0 - 1 }
            if left == 0 { await release() }
            return image
        }
        guard isPastMarker else { throw Failure(.badRequest, "Invalid marker. Image could not be found.") }
        return nil
    }

    private func isMarker(_ image: Image) -> Bool { query.marker.map { image.id.sameBytes(as: $0) } ?? false }

    private func nextInOrder() async throws(Failure) -> Image? {
        if let packed = ready.popLast() { return packed.image }
        switch mode {
        case .asItComes: return try await pull()
        case .runs(let fields): return try await nextRun(fields)
        case .sorting: try await collectAll()
        }
        return ready.popLast()?.image
    }

    private func pull() async throws(Failure) -> Image? {
        guard let image = try await source?.next() else {
            source = nil
            return nil
        }
        return image
    }

    private func release() async {
        ready = []
        ahead = nil
        guard let source else { return }
        self.source = nil
        await (source as? any ReleasableImages)?.finish()
    }

    // MARK: Sorting

    /// The first image of the next run; if there are more of them, they wait in `ready`.
    private func nextRun(_ fields: [ImageField]) async throws(Failure) -> Image? {
        var first = ahead
        ahead = nil
        if first == nil { first = try await pull() }
        guard let first else { return nil }
        while let image = try await pull() {
            guard fields.allSatisfy({ Self.areEqual(image[$0], first[$0]) }) else {
                ahead = image
                break
            }
            if ready.isEmpty { ready.append(pack(first)) }
            ready.append(pack(image))
            try checkCount()
        }
        guard !ready.isEmpty else { return first }
        sortReady()
        return ready.popLast()?.image
    }

    private func pack(_ image: Image) -> PackedImage { PackedImage(image, sortValues: query.sortValues(of: image)) }

    private func sortReady() { ready.sort { query.areInOrder($1.sortValues, $0.sortValues) } }

    private static func areEqual(_ left: FieldValue, _ right: FieldValue) -> Bool {
        switch (left, right) {
        case (.null, .absent), (.absent, .null): true
        default: left == right
        }
    }

    /// Reads the source to its end. Of a page whose beginning is known only the page's images are kept.
    private func collectAll() async throws(Failure) {
        let wanted = isPastMarker ? query.limit : nil
        while let image = try await pull() {
            if let markerImage, !query.areInOrder(markerImage, image) || isMarker(image) { continue }
            guard filters.allSatisfy({ $0.matches(image) }) || (!isPastMarker && isMarker(image)) else { continue }
            guard let wanted else {
                ready.append(pack(image))
                try checkCount()
                continue
            }
            insert(image, wanted)
            try checkCount()
        }
        if wanted == nil { sortReady() }
    }

    /// Keeps the first `wanted` images, the last of them in front.
    private func insert(_ image: Image, _ wanted: Int) {
        let values = query.sortValues(of: image)
        if ready.count >= wanted, let last = ready.first {
            guard query.areInOrder(values, last.sortValues) else { return }
            ready.removeFirst()
        }
        var low = ready.startIndex
        var high = ready.endIndex
        while low < high {
            let middle = (low + high) / 2
            if query.areInOrder(values, ready[middle].sortValues) { low = middle + 1 } else { high = middle }
        }
        ready.insert(PackedImage(image, sortValues: values), at: low)
    }

    private func checkCount() throws(Failure) {
        guard ready.count > maxSorted else { return }
        throw Failure(
            .unavailable, "The list is too long to be sorted",
            cause: "more than \(maxSorted) images of a registry that sorts nothing")
    }
}
