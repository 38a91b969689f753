import Bytes
import Dialects
import Images
import Upstream

/// Changing an image: read, compare, one PUT (mapping §4.3, §6.5).
extension Glance2010Backend {
    func update(
        _ update: ImageUpdate, _ data: (any BodySource)?, _ session: Glance2010Session
    ) async throws(Failure) -> Glance2010Image {
        let id = update.id
        switch update.source {
        case .none, .location:
            return try await locks.withLock(id) { () async throws(Failure) -> Glance2010Image in
                try locks.requireNoUpload(id)
                return try await change(try await session.show(id), by: update, session)
            }
        case .copyFrom: throw Failure(.notImplemented, "This registry cannot copy from another place")
        case .body:
            guard let data else { throw Failure(.internal, cause: "data announced and not given") }
            return try await fill(by: update, with: data, session)
        }
    }

    private func change(
        _ current: Glance2010Image, by update: ImageUpdate, _ session: Glance2010Session
    ) async throws(Failure) -> Glance2010Image {
        var after = try Self.applied(update, to: current, by: session.caller)
        guard update.source == .location, let location = update.image.text(.location) else {
            var change = current.change(to: try Self.target(after, on: current, update, session))
            if update.verified != nil, after[.size] != current.image[.size] {
                change = change ?? Image()
                change?[.size] = after[.size]
            }
            guard let change else { return current }
            return try await session.put(current.native.id, change)
        }
        guard current.native.status == .queued, !current.isReference, !current.isAwaiting else {
            throw Failure(.badRequest, "Attempted to update Location field for an image not in queued status.")
        }
        after[.location] = .text(location)
        let target = try Self.target(after, on: current, update, session)
        var change = current.change(to: target) ?? Image()
        if update.verified != nil {
            guard session.held.marks != nil else {
                throw Failure(.badRequest, "This registry cannot hold the location of an image")
            }
            change[.size] = after[.size]
            return try await session.put(current.native.id, change)
        }
        change[.location] = .text(location)
        do throws(Failure) {
            return try await session.put(current.native.id, change)
        } catch {
            // Only the gateway can follow it.
            guard error.kind == .badRequest, Self.isPithos(location), session.held.marks != nil else { throw error }
        }
        change[.location] = .absent
        return try await session.put(current.native.id, change)
    }

    /// The image as it shall be.
    private static func applied(
        _ update: ImageUpdate, to current: Glance2010Image, by caller: Caller
    ) throws(Failure) -> Image {
        let changes = try update.changes(on: current.image, by: caller)
        var after = current.image
        changes.apply(to: &after)
        // The one field follows the other that was changed (mapping §3.2).
        if changes.fields.contains(where: { $0.field == .visibility }) {
            after[.isPublic] = .boolean(after.visibility == .public)
        } else if after.isPublic != current.image.isPublic {
            after[.visibility] = .text((after.isPublic ? Visibility.public : .shared).rawValue)
        }
        return after
    }

    /// What the registry shall hold then. Removed properties can only be emptied there: a mark names them.
    private static func target(
        _ after: Image, on current: Glance2010Image, _ update: ImageUpdate, _ session: Glance2010Session
    ) throws(Failure) -> Image {
        let gone = current.image.properties.list.map(\.name).filter { !after.properties.contains($0) }
        let removed = current.removed + gone
        guard gone.isEmpty || session.held.marks != nil else {
            throw Failure(.badRequest, "This registry cannot remove property '\(gone.first ?? "")'")
        }
        var unique: [String] = []
        for name in removed where !unique.contains(where: { $0.sameBytes(as: name) }) { unique.append(name) }
        var after = after
        if !current.isAwaiting || update.verified != nil { after[.status] = .absent }
        return try Glance2010Image.native(of: after, session.held, removed: unique)
    }

    // MARK: Data

    /// Data go to an image that waits for them, with the name, type and size that the registry asks for.
    private func fill(
        by update: ImageUpdate, with data: any BodySource, _ session: Glance2010Session
    ) async throws(Failure) -> Glance2010Image {
        let id = update.id
        let (current, after) = try await locks.withLock(id) {
            () async throws(Failure) -> (Glance2010Image, Image) in
            try locks.beginUpload(id)
            do throws(Failure) {
                let current = try await session.show(id)
                let isTaken = current.isReference || (current.isAwaiting && update.verified == nil)
                guard current.native.status == .queued, !isTaken else {
                    throw Failure(.conflict, "Image is already activated or cannot take data")
                }
                return (current, try Self.applied(update, to: current, by: session.caller))
            } catch {
                locks.endUpload(id)
                throw error
            }
        }
        // The data come as slowly as the client likes: nobody waits for them.
        defer { locks.endUpload(id) }
        var demands = Self.demands(of: current.image)
        let said = Self.demands(of: update.image)
        demands.size = said.size ?? demands.size
        demands.checksum = said.checksum ?? demands.checksum
        var filled = after
        filled[.checksum] = demands.checksum.map { .text($0) } ?? .null
        if update.verified != nil { filled[.location] = update.image[.location] }
        let target = try Self.target(filled, on: current, update, session)
        var sent = current.change(to: target) ?? Image()
        sent[.name] = target[.name].isAbsent || target[.name] == .null ? .absent : target[.name]
        for field in [ImageField.diskFormat, .containerFormat] { sent[field] = target[field] }
        sent[.size] = (data.length ?? demands.size).map { .integer($0) } ?? .absent
        if target.isPublic { sent[.isPublic] = .boolean(true) }
        let call = try session.calls.update(id, sent, hasData: true)
        let (reply, measured) = try await upload(data, call, demands, session)
        let image = try await session.image(of: reply, id: id)
        return try await completed(image, measured, demands, session)
    }

    // MARK: Tags

    func retag(
        _ id: String, adding added: String? = nil, removing removed: String? = nil, _ session: Glance2010Session
    ) async throws(Failure) -> Outcome {
        _ = try await locks.withLock(id) { () async throws(Failure) -> Glance2010Image in
            try locks.requireNoUpload(id)
            let current = try await session.show(id)
            var tags = current.image.tags ?? []
            if let removed {
                guard tags.contains(where: { $0.sameBytes(as: removed) }) else {
                    throw Failure(.imageNotFound, "Image \(id) does not have the tag \(removed)")
                }
                tags.removeAll { $0.sameBytes(as: removed) }
            }
            if let added, !tags.contains(where: { $0.sameBytes(as: added) }) { tags.append(added) }
            var image = Image()
            image.tags = tags
            return try await change(current, by: ImageUpdate(id: id, image: image), session)
        }
        return .done
    }
}
