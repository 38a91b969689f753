import Bytes
import Dialects
import Images

/// Members, one to one (mapping §3.9, §6.4; plankton §7.6). The server knows no right to share: a mark keeps it.
extension PlanktonBackend {
    /// What servers take in a path; non-ASCII letters too.
    private static let memberBytes = ByteSet.alphanumeric.union(ByteSet("_@.-")).union(ByteSet(0x80...0xFF))

    static func isAddressable(_ member: String) -> Bool {
        !member.isEmpty && member.utf8.allSatisfy(memberBytes.contains)
    }

    /// A star means everybody on real servers, also in a document.
    private static func check(_ member: String) throws(Failure) {
        guard isAddressable(member) else {
            throw Failure(.badRequest, "A member's id may hold letters, digits and the characters _ @ . - here")
        }
    }

    private static func checkSharers(_ members: [Member], _ session: PlanktonSession) throws(Failure) {
        guard session.marks == nil, members.contains(where: { $0.canShare == true }) else { return }
        throw Failure(.badRequest, "Members of this registry's images cannot share them")
    }

    func members(of id: String, _ session: PlanktonSession) async throws(Failure) -> MemberList {
        let document = try await session.object(session.calls.members(id))
        let image = try await session.show(id)
        let owner = image.image.text(.owner)
        var members = try Plankton.members(document, owner: owner)
        let sharers = image.sharers
        for place in members.indices {
            members[place].canShare = sharers.contains { $0.sameBytes(as: members[place].id) }
            members[place].status = Self.accepted
        }
        return MemberList(
            members, owner: owner, isPublic: image.image.isPublic, imageCreatedAt: image.image.time(.createdAt))
    }

    /// All members have accepted (mapping §3.9).
    private static let accepted = "accepted"

    func member(_ memberID: String, of id: String, _ session: PlanktonSession) async throws(Failure) -> Member {
        let list = try await members(of: id, session)
        guard var member = list.members.first(where: { $0.id.sameBytes(as: memberID) }) else {
            throw Failure(.memberNotFound)
        }
        member.createdAt = list.imageCreatedAt
        member.updatedAt = list.imageCreatedAt
        return member
    }

    func setStatus(
        _ status: String, of memberID: String, at id: String, _ session: PlanktonSession
    ) async throws(Failure) -> Member {
        let member = try await member(memberID, of: id, session)
        guard status.sameBytes(as: Self.accepted) else {
            throw Failure(.forbidden, "Members of this registry's images have always accepted")
        }
        return member
    }

    /// A member whose status is said comes from the Image API v2, whose rules then hold: shared images only, nobody twice,
    /// and the member is the answer (image-v2 §7, §13).
    func add(_ member: Member, to id: String, _ session: PlanktonSession) async throws(Failure) -> Outcome {
        try Self.check(member.id)
        try Self.checkSharers([member], session)
        let isStrict = member.status != nil
        try await locks.withLock(id) { () async throws(Failure) in
            if isStrict { try await checkStrictly(member, id, session) }
            try await change(session.calls.addMember(id, member.id), session)
            try await keepMarks(of: id, session) { sharers in
                let isSharer = sharers.contains { $0.sameBytes(as: member.id) }
                guard let canShare = member.canShare, isSharer != canShare else { return sharers }
                return canShare ? sharers + [member.id] : sharers.filter { !$0.sameBytes(as: member.id) }
            }
        }
        return isStrict ? .member(try await self.member(member.id, of: id, session), imageID: id) : .done
    }

    private func checkStrictly(_ member: Member, _ id: String, _ session: PlanktonSession) async throws(Failure) {
        let image = try await session.show(id).image
        guard image.knownVisibility == .shared else {
            throw Failure(.forbidden, "Only shared images have members.")
        }
        guard try await !has(member.id, id, session) else {
            throw Failure(.conflict, "\(member.id) is a member of the image already.")
        }
    }

    func remove(
        _ member: String, from id: String, absentIsDone: Bool, _ session: PlanktonSession
    ) async throws(Failure) {
        guard Self.isAddressable(member) else {
            // No server has such a member in a path, so that it cannot be asked to remove it.
            _ = try await session.show(id)
            if absentIsDone { return }
            throw Failure(.memberNotFound)
        }
        try await locks.withLock(id) { () async throws(Failure) in
            // The server's answer is the same for who was no member.
            if !absentIsDone, try await !has(member, id, session) { throw Failure(.memberNotFound) }
            do throws(Failure) {
                try await change(session.calls.removeMember(id, member), session)
            } catch {
                // Releases 0.14 and 0.15 fail on who is no member.
                guard error.kind == .badGateway, try await !has(member, id, session) else { throw error }
            }
            try await keepMarks(of: id, session, isShared: false) { sharers in
                sharers.filter { !$0.sameBytes(as: member) }
            }
        }
    }

    private func has(_ member: String, _ id: String, _ session: PlanktonSession) async throws(Failure) -> Bool {
        try Plankton.members(try await session.object(session.calls.members(id)))
            .contains { $0.id.sameBytes(as: member) }
    }

    func replaceMembers(of id: String, by wanted: [Member], _ session: PlanktonSession) async throws(Failure) {
        guard wanted.count <= settings.maxMembers else {
            throw Failure(.tooLarge, "More than \(settings.maxMembers) members")
        }
        for member in wanted where member.id.isEmpty || member.id.sameBytes(as: "*") || member.id.utf8.contains(0) {
            throw Failure(.badRequest, "Invalid 'member_id' field")
        }
        try Self.checkSharers(wanted, session)
        try await locks.withLock(id) { () async throws(Failure) in
            try await change(session.calls.replaceMembers(id, wanted.map(\.id)), session)
            // Not said: stays as it was; a new member may not share.
            try await keepMarks(of: id, session, isShared: !wanted.isEmpty) { sharers in
                wanted.filter { member in
                    member.canShare ?? sharers.contains { $0.sameBytes(as: member.id) }
                }.map(\.id)
            }
        }
    }

    private func change(_ call: RegistryCall, _ session: PlanktonSession) async throws(Failure) {
        do throws(Failure) {
            try await session.perform(call)
        } catch {
            throw error.kind == .forbidden
                ? Failure(.membershipForbidden, error.message, cause: error.cause) : error
        }
    }

    /// Brings the marks up to date with the members: who may share, and that an image with members is shared, whatever a
    /// mark said before (mapping §6.1).
    private func keepMarks(
        of id: String, _ session: PlanktonSession, isShared: Bool = true, _ edit: ([String]) -> [String]
    ) async throws(Failure) {
        guard session.marks != nil else { return }
        let current = try await session.show(id)
        let wanted = edit(current.sharers)
        let isSame = wanted.elementsEqual(current.sharers, by: { $0.sameBytes(as: $1) })
        var changes = ImageChanges()
        if isShared, current.image.visibility == .private {
            changes.fields = [(.visibility, .text(Visibility.shared.rawValue))]
        }
        _ = try await send(changes, sharers: isSame ? nil : wanted, on: current, session)
    }
}
