import Dialects
import Images

/// Lists: filtered and sorted by the registry as far as marks allow, else by the gateway (mapping §6.3).
extension GlanceV1Backend {
    func list(_ query: ImageQuery, _ session: GlanceV1Session) async throws(Failure) -> any ImageSource {
        let call = GlanceV1.ListCall(query, caller: session.caller)
        var rest = query
        var marker: String?
        if call.takesMarker, let asked = query.marker {
            marker = try await session.remoteID(asked)
            rest.marker = nil
        }
        // One more than wanted shows where the last of them stands.
        let limit = call.isExact && call.takesMarker ? query.limit.map { $0 + 1 } : nil
        let walk = GlanceV1Pages(call.parameters, limit: limit, marker: marker, session)
        try await walk.start()
        return ListSelection(Reachable(walk, call, rest.marker), rest, filters: call.filters, order: call.order)
    }

    /// Images that the query's scope leaves, and its marker.
    private final class Reachable: ReleasableImages {
        private let source: GlanceV1Pages
        private let call: GlanceV1.ListCall
        private let marker: String?

        init(_ source: GlanceV1Pages, _ call: GlanceV1.ListCall, _ marker: String?) {
            self.source = source
            self.call = call
            self.marker = marker
        }

        func next() async throws(Failure) -> Image? {
            while let image = try await source.next() {
                if call.reaches(image) || marker.map({ image.id.sameBytes(as: $0) }) ?? false { return image }
            }
            return nil
        }

        func finish() async { await source.finish() }
    }

    // MARK: Shared images

    func sharedImages(_ query: SharedImagesQuery, _ session: GlanceV1Session) async throws(Failure) -> [SharedImage] {
        switch query {
        case .sharedWith(let member):
            var images = try GlanceV1.Reply.sharedImages(
                try await session.object(session.calls.sharedImages(member)))
            guard images.count <= registry.maxSharedImages else { throw tooMany }
            for place in images.indices where GlanceV1Image.mayBeMade(images[place].imageID) {
                images[place].imageID = try await clientID(images[place].imageID, session)
            }
            return images
        case .ownedBy(let owner):
            let walk = GlanceV1Pages([], session)
            try await walk.start()
            var found: [SharedImage] = []
            var seen = 0
            while let image = try await walk.next() {
                seen += 1
                guard seen <= registry.maxSharedImages else { throw tooMany }
                guard !image.isPublic, let actual = image.text(.owner), actual.sameBytes(as: owner) else { continue }
                found.append(SharedImage(imageID: image.id, canShare: false))
            }
            return found
        }
    }

    private var tooMany: Failure { Failure(.tooLarge, "More than \(registry.maxSharedImages) shared images") }

    /// The id that clients know an image by; the registry's own where the image cannot be seen.
    private func clientID(_ remote: String, _ session: GlanceV1Session) async throws(Failure) -> String {
        do throws(Failure) {
            return try await session.show(remote).image.id
        } catch {
            guard error.kind == .imageNotFound else { throw error }
            return remote
        }
    }
}
