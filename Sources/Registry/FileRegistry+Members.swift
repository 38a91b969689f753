import Images
import Synchronization

extension FileRegistry {
    /// The owner and administrators see all members, a member only itself, others of a public image none (glance-v1 §6).
    func members(_ id: String, _ caller: Caller) throws(Failure) -> MemberList {
        let record = try visible(id, caller)
        let seesAll = caller.isAdministrator || AccessRules.owns(caller, record.image)
        let seen = seesAll ? record.members : AccessRules.membership(of: caller, in: record.image).map { [$0] } ?? []
        return MemberList(seen, owner: record.image.text(.owner), isPublic: record.image.isPublic)
    }

    func replaceMembers(_ id: String, _ members: [Member], _ caller: Caller) async throws(Failure) {
        try await changeMembers(id, caller) { (present: [Member]) throws(Failure) in
            ImageRules.normalized(members, present: present)
        }
    }

    func addMember(_ id: String, _ member: Member, _ caller: Caller) async throws(Failure) {
        try await changeMembers(id, caller) { (present: [Member]) throws(Failure) in
            guard let place = present.firstIndex(where: { $0.id.sameBytes(as: member.id) }) else {
                return present + ImageRules.normalized([member], present: [])
            }
            var list = present
            if let canShare = member.canShare { list[place].canShare = canShare }
            if let status = member.status { list[place].status = status }
            return list
        }
    }

    func removeMember(_ id: String, _ memberID: String, absentIsDone: Bool, _ caller: Caller) async throws(Failure) {
        try await changeMembers(id, caller) { (present: [Member]) throws(Failure) in
            let rest = present.filter { !$0.id.sameBytes(as: memberID) }
            if rest.count == present.count, !absentIsDone {
                throw Failure(.memberNotFound, "Membership could not be found.")
            }
            return rest
        }
    }

    private func changeMembers(
        _ id: String, _ caller: Caller, _ edit: @escaping @Sendable ([Member]) throws(Failure) -> [Member]
    ) async throws(Failure) {
        try AccessRules.requireSharing(caller, try visible(id, caller).image)
        let rules = rules
        _ = try await change(id) { (record: inout ImageRecord) throws(Failure) -> Bool in
            try AccessRules.requireSharing(caller, record.image)
            let before = record.members
            record.members = try edit(before)
            if record.members.count > before.count { try rules.checkCounts(record.image) }
            return record.members != before
        }
    }

    func sharedImages(_ query: SharedImagesQuery, _ caller: Caller) async throws(Failure) -> [SharedImage] {
        let records = index.withLock { Array($0.records.values) }
        return await sorted(records.count) {
            var lines: [(Image, SharedImage)] = []
            for record in records {
                if let canShare = Self.canShare(query, record, caller) {
                    lines.append((record.image, SharedImage(imageID: record.image.id, canShare: canShare)))
                }
            }
            let order = ImageQuery(isDetailed: false)
            return lines.sorted { order.areInOrder($0.0, $1.0) }.map(\.1)
        }
    }

    /// Whether the image belongs into the answer, and with which `can_share`.
    private static func canShare(_ query: SharedImagesQuery, _ record: ImageRecord, _ caller: Caller) -> Bool? {
        switch query {
        case .sharedWith(let id):
            guard let member = record.members.first(where: { $0.id.sameBytes(as: id) }) else { return nil }
            let isMember = caller.owner.map { $0.sameBytes(as: id) } ?? false
            guard caller.isAdministrator || isMember || AccessRules.owns(caller, record.image) else { return nil }
            return member.canShare ?? false
        case .ownedBy(let id):
            guard let owner = record.image.text(.owner), owner.sameBytes(as: id), !record.image.isPublic,
                AccessRules.maySee(caller, record.image)
            else { return nil }
            return false
        }
    }
}
