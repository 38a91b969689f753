import Dialects
import Images
import Upstream

/// Members: one to one, but for their status, which such a registry does not have (mapping §3.9).
extension GlanceV1Backend {
    func performMembers(_ operation: Operation, _ session: GlanceV1Session) async throws(Failure) -> Outcome {
        switch operation {
        case .listMembers(let id): return .members(try await members(of: id, session))
        case .replaceMembers(let id, let members):
            let remote = try await session.remoteID(id)
            try await locks.withLock(remote) { () async throws(Failure) in
                try await shareUnlessPublic(remote, members.isEmpty, session)
                try await send(session.calls.replaceMembers(remote, members), session)
            }
            return .done
        case .addMember(let id, let member):
            if member.status != nil { return .member(try await addStrictly(member.id, to: id, session), imageID: id) }
            try await add(member, to: id, session)
            return .done
        case .removeMember(let id, let member, let absentIsDone):
            try await remove(member, from: id, absentIsDone: absentIsDone, session)
            return .done
        case .showMember(let id, let member):
            return .member(try await self.member(member, of: id, session), imageID: id)
        case .setMemberStatus(let id, let member, let status):
            let found = try await self.member(member, of: id, session)
            guard status.sameBytes(as: "accepted") else {
                throw Failure(.forbidden, "In this registry all members have accepted")
            }
            return .member(found, imageID: id)
        default: throw Failure(.internal, cause: "\(operation.name) is no member operation")
        }
    }

    private func members(of id: String, _ session: GlanceV1Session) async throws(Failure) -> MemberList {
        let remote = try await session.remoteID(id)
        let members = try await list(remote, session)
        let image = try await session.show(remote).image
        return MemberList(
            members, owner: image.text(.owner), isPublic: image.isPublic, visibility: image.knownVisibility,
            imageCreatedAt: image.time(.createdAt))
    }

    private func list(_ remote: String, _ session: GlanceV1Session) async throws(Failure) -> [Member] {
        try GlanceV1.Reply.members(try await session.object(session.calls.members(remote)))
    }

    private func member(_ member: String, of id: String, _ session: GlanceV1Session) async throws(Failure) -> Member {
        let found = try await members(of: id, session)
        guard var entry = found.members.first(where: { $0.id.sameBytes(as: member) }) else {
            throw Failure(.memberNotFound)
        }
        entry.createdAt = found.imageCreatedAt
        entry.updatedAt = found.imageCreatedAt
        return entry
    }

    /// By the rules of the Image API v2: shared images only, nobody twice (image-v2 §13).
    private func addStrictly(
        _ member: String, to id: String, _ session: GlanceV1Session
    ) async throws(Failure) -> Member {
        let remote = try await session.remoteID(id)
        return try await locks.withLock(remote) { () async throws(Failure) -> Member in
            let image = try await session.show(remote).image
            guard image.knownVisibility == .shared else {
                throw Failure(.forbidden, "Only shared images have members.")
            }
            guard try await !list(remote, session).contains(where: { $0.id.sameBytes(as: member) }) else {
                throw Failure(.conflict, "\(member) is a member of the image already.")
            }
            try await send(session.calls.addMember(remote, member, canShare: false), session)
            return Member(
                id: member, canShare: false, status: "accepted", createdAt: image.time(.createdAt),
                updatedAt: image.time(.createdAt))
        }
    }

    private func add(_ member: Member, to id: String, _ session: GlanceV1Session) async throws(Failure) {
        let remote = try await session.remoteID(id)
        try await locks.withLock(remote) { () async throws(Failure) in
            var canShare = member.canShare
            if canShare == nil {
                let present = try await list(remote, session)
                canShare = present.first { $0.id.sameBytes(as: member.id) }?.canShare
            }
            try await shareUnlessPublic(remote, false, session)
            try await send(session.calls.addMember(remote, member.id, canShare: canShare ?? false), session)
        }
    }

    /// An image with members is shared, whatever a mark said before (mapping §6.1).
    private func shareUnlessPublic(
        _ remote: String, _ losesMembers: Bool, _ session: GlanceV1Session
    ) async throws(Failure) {
        guard !losesMembers, session.held.marks != nil else { return }
        let current = try await session.show(remote)
        guard current.image.visibility == .private else { return }
        try locks.requireNoUpload(remote)
        var image = Image()
        image[.visibility] = .text(Visibility.shared.rawValue)
        _ = try await change(current, by: ImageUpdate(id: current.image.id, image: image), session)
    }

    private func remove(
        _ member: String, from id: String, absentIsDone: Bool, _ session: GlanceV1Session
    ) async throws(Failure) {
        let remote = try await session.remoteID(id)
        let answer = try await session.exchange(session.calls.removeMember(remote, member))
        if (200...204).contains(answer.status) || (answer.status == 404 && answer.wasRepeated) {
            return await session.discard(answer.reply)
        }
        let failure = await session.failure(of: answer.reply)
        guard failure.kind == .imageNotFound else { throw Self.hidden(failure) }
        // Neither the image nor the member, or no right to know: only the image tells.
        _ = try await session.show(remote)
        guard !absentIsDone else { return }
        throw Failure(.memberNotFound, failure.message, isDetail: failure.isDetail)
    }

    private func send(_ call: RegistryCall, _ session: GlanceV1Session) async throws(Failure) {
        let reply = try await session.exchange(call).reply
        guard (200...204).contains(reply.status) else { throw Self.hidden(await session.failure(of: reply)) }
        await session.discard(reply)
    }

    private static func hidden(_ failure: Failure) -> Failure {
        var failure = failure
        if failure.kind == .forbidden { failure.kind = .membershipForbidden }
        return failure
    }
}
