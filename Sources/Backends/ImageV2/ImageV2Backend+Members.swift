import Bytes
import Dialects
import Images
import Upstream

/// Members (mapping §3.9, §6.1): the registry has them on `shared` images only, and without the right to share.
extension ImageV2Backend {
    func members(of id: String, _ session: ImageV2Session) async throws(Failure) -> MemberList {
        let remote = ImageV2ID.remote(id)
        let reply = try await session.exchange(session.calls.members(remote)).reply
        switch reply.status {
        case 200:
            var members = try ImageV2Reply.members(try await session.document(of: reply))
            guard settings.showsCanShare, !members.isEmpty else {
                for place in members.indices { members[place].canShare = false }
                return MemberList(members)
            }
            let image = try await session.show(remote)
            let sharers = image.sharers
            for place in members.indices {
                members[place].canShare = sharers.contains { $0.sameBytes(as: members[place].id) }
            }
            return MemberList(members, owner: image.image.text(.owner))
        case 403:
            let refusal = await session.failure(of: reply)
            let image = try await session.show(remote)
            guard image.remoteVisibility != Visibility.shared.rawValue else { throw refusal }
            return MemberList([], owner: image.image.text(.owner))
        default: throw await session.failure(of: reply)
        }
    }

    /// Ids of the members; the image is shared.
    func memberIDs(of remote: String, _ session: ImageV2Session) async throws(Failure) -> [String] {
        try ImageV2Reply.members(try await session.object(session.calls.members(remote))).map(\.id)
    }

    func add(_ member: Member, to id: String, _ session: ImageV2Session) async throws(Failure) {
        let remote = ImageV2ID.remote(id)
        try await locks.withLock(remote) { () async throws(Failure) in
            _ = try await addMember(member.id, to: remote, session)
            guard settings.showsCanShare, let canShare = member.canShare else { return }
            let image = try await session.show(remote)
            var sharers = image.sharers
            let isSharer = sharers.contains { $0.sameBytes(as: member.id) }
            guard isSharer != canShare else { return }
            if canShare { sharers.append(member.id) } else { sharers.removeAll { $0.sameBytes(as: member.id) } }
            try await setSharers(sharers, of: image, session)
        }
    }

    private func setSharers(_ ids: [String], of image: ImageV2Image, _ session: ImageV2Session) async throws(Failure) {
        guard session.marks != nil else { return }
        let properties = ImageV2Properties(marks: session.marks)
        var patch = ImageV2Patch()
        try patch.setMark(.canShare, ids.isEmpty ? nil : ImageV2Names.sharers(ids), on: image, properties)
        guard !patch.isEmpty else { return }
        try locks.requireNoUpload(image.remoteID)
        _ = try await sendPatch(patch, to: image, properties, session)
    }

    /// Adds one member; a private image becomes a shared one. True: it was no member before.
    private func addMember(_ member: String, to remote: String, _ session: ImageV2Session) async throws(Failure)
        -> Bool
    {
        // The registry takes such an id and can then never address it again (image-v2 §1).
        guard !member.utf8.contains(UInt8(ascii: "/")) else {
            throw Failure(.badRequest, "A member's id may not contain '/'")
        }
        let call = session.calls.addMember(remote, member)
        var reply = try await session.exchange(call).reply
        if reply.status == 403 {
            let refusal = await session.failure(of: reply)
            let image = try await session.show(remote)
            switch image.image.visibility {
            case .private:
                try await share(image, session)
                reply = try await session.exchange(call).reply
            case .public, .community:
                throw Failure(.forbidden, "Members cannot be added to a public image here", cause: refusal.cause)
            default: throw Failure(.membershipForbidden, refusal.message, cause: refusal.cause)
            }
        }
        switch reply.status {
        case 200, 201:
            await session.discard(reply)
            await accept(member, of: remote, session)
            return true
        case 409:
            await session.discard(reply)
            return false
        case 403:
            let refusal = await session.failure(of: reply)
            throw Failure(.membershipForbidden, refusal.message, cause: refusal.cause)
        default: throw await session.failure(of: reply)
        }
    }

    private func share(_ image: ImageV2Image, _ session: ImageV2Session) async throws(Failure) {
        try locks.requireNoUpload(image.remoteID)
        var patch = ImageV2Patch()
        patch.replace("visibility", .string(Visibility.shared.rawValue))
        _ = try await sendPatch(patch, to: image, ImageV2Properties(marks: session.marks), session)
    }

    /// With an administrator's token the member need not accept; that it fails changes nothing for the caller.
    private func accept(_ member: String, of remote: String, _ session: ImageV2Session) async {
        guard let token = settings.autoAcceptToken else { return }
        var calls = session.calls
        calls.token = token
        if let answer = try? await session.exchange(calls.acceptMember(remote, member)) {
            await session.discard(answer.reply)
        }
    }

    func remove(
        _ member: String, from id: String, absentIsDone: Bool, _ session: ImageV2Session
    ) async throws(Failure) {
        let remote = ImageV2ID.remote(id)
        try await locks.withLock(remote) { () async throws(Failure) in
            do throws(Failure) {
                try await removeMember(member, from: remote, session)
            } catch {
                guard error.kind == .memberNotFound, absentIsDone else { throw error }
            }
        }
    }

    func removeMember(_ member: String, from remote: String, _ session: ImageV2Session) async throws(Failure) {
        let answer = try await session.exchange(session.calls.removeMember(remote, member))
        if answer.status == 204 || answer.status == 200 || (answer.status == 404 && answer.wasRepeated) {
            return await session.discard(answer.reply)
        }
        var failure = await session.failure(of: answer.reply)
        if failure.kind == .imageNotFound { failure.kind = .memberNotFound }
        if failure.kind == .forbidden { failure.kind = .membershipForbidden }
        throw failure
    }

    /// Removes all of these, or none: what went before the one that would not go comes back.
    func removeAll(_ members: [String], from remote: String, _ session: ImageV2Session) async throws(Failure) {
        var removed: [String] = []
        do throws(Failure) {
            for member in members where try await removeUnlessGone(member, from: remote, session) {
                removed.append(member)
            }
        } catch {
            await addAgain(removed, to: remote, session)
            throw error
        }
    }

    /// Gives members back that were removed; the client may have gone.
    func addAgain(_ members: [String], to remote: String, _ session: ImageV2Session) async {
        await session.shielded { [self] in
            for member in members { _ = try? await addMember(member, to: remote, session) }
        }
    }

    /// False: somebody else had removed it.
    private func removeUnlessGone(
        _ member: String, from remote: String, _ session: ImageV2Session
    ) async throws(Failure) -> Bool {
        do throws(Failure) {
            try await removeMember(member, from: remote, session)
            return true
        } catch {
            guard error.kind == .memberNotFound else { throw error }
            return false
        }
    }

    /// Adds what is missing, then removes what is too much; what was added is taken back when something fails before
    /// anything was removed.
    func replaceMembers(of id: String, by wanted: [Member], _ session: ImageV2Session) async throws(Failure) {
        guard wanted.count <= settings.maxMembers else {
            throw Failure(.tooLarge, "More than \(settings.maxMembers) members")
        }
        let remote = ImageV2ID.remote(id)
        try await locks.withLock(remote) { () async throws(Failure) in
            let image = try await session.show(remote)
            switch image.image.visibility {
            case .public, .community:
                if wanted.isEmpty { return }
                throw Failure(.forbidden, "Members cannot be added to a public image here")
            case .private:
                if wanted.isEmpty { return }
                try await share(image, session)
            default: break
            }
            let present = try await memberIDs(of: remote, session)
            try await exchangeMembers(of: remote, present: present, wanted: wanted.map(\.id), session)
            try await keepSharers(wanted, of: image, session)
        }
    }

    private func exchangeMembers(
        of remote: String, present: [String], wanted: [String], _ session: ImageV2Session
    ) async throws(Failure) {
        var added: [String] = []
        var isRemoving = false
        do throws(Failure) {
            for member in wanted where !present.contains(where: { $0.sameBytes(as: member) }) {
                guard !added.contains(where: { $0.sameBytes(as: member) }) else { continue }
                if try await addMember(member, to: remote, session) { added.append(member) }
            }
            for member in present where !wanted.contains(where: { $0.sameBytes(as: member) }) {
                if try await removeUnlessGone(member, from: remote, session) { isRemoving = true }
            }
        } catch {
            // Behind the first removal the old list cannot be had again; more members than wanted is the lesser evil.
            let undone = isRemoving ? [] : added
            await session.shielded { [self] in
                for member in undone { try? await removeMember(member, from: remote, session) }
            }
            throw error
        }
    }

    /// Not said: stays as it was; a new member may not share.
    private func keepSharers(_ wanted: [Member], of image: ImageV2Image, _ session: ImageV2Session)
        async throws(Failure)
    {
        guard settings.showsCanShare else { return }
        let before = image.sharers
        let after = wanted.filter { member in
            member.canShare ?? before.contains { $0.sameBytes(as: member.id) }
        }.map(\.id)
        guard !after.elementsEqual(before, by: { $0.sameBytes(as: $1) }) else { return }
        try await setSharers(after, of: image, session)
    }
}
