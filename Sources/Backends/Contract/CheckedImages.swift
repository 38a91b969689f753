import Images

/// A list that must be what the query asks for, image by image.
///
/// Ties of the query's sort keys are not judged: a registry may break them by more than it shows. Of brief entries only
/// what they tell is.
final class CheckedImages: ReleasableImages {
    private let source: any ImageSource
    private let query: ImageQuery
    private let watch: ContractWatch
    private var count = 0
    private var last: Image?

    init(_ source: any ImageSource, _ query: ImageQuery, _ watch: ContractWatch) {
        self.source = source
        self.query = query
        self.watch = watch
    }

    func finish() async { await (source as? any ReleasableImages)?.finish() }

    func next() async throws(Failure) -> Image? {
        let image: Image?
        do throws(Failure) {
            image = try await source.next()
        } catch {
            if let complaint = Contract.complaint(error, of: .listImages(query)) { throw watch.breach(complaint) }
            throw error
        }
        guard let image else { return nil }
        if let complaint = complaint(image) {
            await finish()
            throw watch.breach(complaint)
        }
        last = image
        return image
    }

    private func complaint(_ image: Image) -> String? {
        count += 1
        if let complaint = Contract.complaint(image) { return complaint }
        if let limit = query.limit, count > limit { return "more than the \(limit) images asked for" }
        if let marker = query.marker, image.id.sameBytes(as: marker) { return "the marker itself is in the list" }
        if let filter = query.filters.first(where: { isKnown($0, image) && !$0.matches(image) }) {
            return "image \(image.id) does not pass the filter by \(Self.name(of: filter))"
        }
        if !isInScope(image) { return "image \(image.id) is not in the scope asked for" }
        guard let last else { return nil }
        if last.id.sameBytes(as: image.id) { return "image \(image.id) comes twice" }
        return isInOrder(last, image) ? nil : "image \(image.id) stands behind \(last.id), which sorts after it"
    }

    /// Whether the entry says what the filter looks at: a brief one says little.
    private func isKnown(_ filter: ImageQuery.Filter, _ image: Image) -> Bool {
        guard !query.isDetailed else { return true }
        switch filter {
        case .oneOf(let field, _), .atLeast(let field, _), .atMost(let field, _), .time(let field, _, _):
            return !image[field].isAbsent
        case .changedSince: return !image[.updatedAt].isAbsent
        case .property: return !image.properties.isEmpty
        case .tag: return image.tags != nil
        case .deleted: return !image[.status].isAbsent
        }
    }

    /// Values are the client's and stay out of the log.
    private static func name(of filter: ImageQuery.Filter) -> String {
        switch filter {
        case .oneOf(let field, _), .atLeast(let field, _), .atMost(let field, _), .time(let field, _, _): field.rawValue
        case .changedSince: "change"
        case .property: "property"
        case .tag: "tag"
        case .deleted: "deletion"
        }
    }

    private func isInScope(_ image: Image) -> Bool {
        let isSaid = !image[.isPublic].isAbsent || !image[.visibility].isAbsent
        switch query.scope {
        case .publicOnly: return !isSaid || image.isPublic
        case .reachable(.only(let visibility), _): return !isSaid || image.knownVisibility == visibility
        case .visible, .notPublic, .everything, .reachable: return true
        }
    }

    /// By the keys asked for; images that differ in none of them are in order either way.
    private func isInOrder(_ first: Image, _ second: Image) -> Bool {
        for key in query.sort {
            let (left, right) = (first[key.field], second[key.field])
            if left.isAbsent || right.isAbsent { return true }
            if left == right {
                // A registry knows its times finer than it shows them.
                if key.field.kind == .time { return true }
                continue
            }
            return ImageQuery(isDetailed: true, sort: [key]).areInOrder(first, second)
        }
        return true
    }
}
