import Images
import Synchronization

extension FileRegistry {
    /// The owner and administrators see all members, a member only itself, others of a public image none (glance-v1 §6).
    func members(_ id: String, _ caller: Caller) throws(Failure) -> MemberList {
        let record = try visible(id, caller)
        let seesAll = caller.isAdministrator || AccessRules.owns(caller, record.image)
        let seen = seesAll ? record.members : AccessRules.membership(of: caller, in: record.image).map { [$0] } ?? []
        return MemberList(
            seen, owner: record.image.text(.owner), isPublic: record.image.isPublic,
            visibility: record.image.knownVisibility, imageCreatedAt: record.image.time(.createdAt))
    }

    /// The owner and administrators see every member, a member only itself (image-v2 §13).
    func member(_ id: String, _ memberID: String, _ caller: Caller) throws(Failure) -> Member {
        let record = try visible(id, caller)
        try Self.requireShared(record.image)
        let isSeen =
            caller.isAdministrator || AccessRules.owns(caller, record.image)
            || caller.owner.map { $0.sameBytes(as: memberID) } ?? false
        guard isSeen, let member = record.members.first(where: { $0.id.sameBytes(as: memberID) }) else {
            throw Self.noMember
        }
        return member
    }

    /// The member itself says whether it takes the image, or an administrator for it; never the owner (image-v2 §13).
    func setMemberStatus(_ id: String, _ memberID: String, _ status: String, _ caller: Caller) async throws(Failure)
        -> Member
    {
        guard MemberStatus(rawValue: status) != nil else {
            throw Failure(.badRequest, "The status of a member is pending, accepted or rejected, not '\(status)'")
        }
        _ = try member(id, memberID, caller)
        let record = try await change(id) { (record: inout ImageRecord) throws(Failure) -> Bool in
            try AccessRules.requireSight(caller, record.image)
            try Self.requireShared(record.image)
            guard caller.isAdministrator || caller.owner.map({ $0.sameBytes(as: memberID) }) ?? false else {
                throw Failure(.forbidden, "Only the member itself sets the status of its membership.")
            }
            guard let place = record.members.firstIndex(where: { $0.id.sameBytes(as: memberID) }) else {
                throw Self.noMember
            }
            let before = record.members[place]
            record.members[place].status = status
            record.members[place].stamp(unlike: before)
            return record.members[place] != before
        }
        return record.members.first { $0.id.sameBytes(as: memberID) } ?? Member(id: memberID, status: status)
    }

    private static let noMember = Failure(.memberNotFound, "Membership could not be found.")

    /// Only `shared` images have members for the Image API v2 (image-v2 §13).
    private static func requireShared(_ image: Image) throws(Failure) {
        guard image.knownVisibility == .shared else {
            throw Failure(.forbidden, "Only shared images have members.")
        }
    }

    /// What the Image API v2 demands of who adds a member: nobody shares on (image-v2 §13).
    private static func requireStrictly(_ caller: Caller, _ image: Image) throws(Failure) {
        try requireShared(image)
        guard caller.isAdministrator || AccessRules.owns(caller, image) else {
            throw Failure(.membershipForbidden, "No permission to share image \(image.id)")
        }
    }

    /// A v1 or Plankton client knows no `private` image: with its first member it becomes a shared one. Those of a
    /// community image would have no effect (mapping §6.1).
    private static func open(_ image: inout Image) throws(Failure) {
        switch image.knownVisibility {
        case .private: image[.visibility] = .text(Visibility.shared.rawValue)
        case .community: throw Failure(.forbidden, "Members cannot be added to a community image.")
        case .public, .shared: break
        }
    }

    func replaceMembers(_ id: String, _ members: [Member], _ caller: Caller) async throws(Failure) {
        try await changeMembers(id, caller) { (image: inout Image) throws(Failure) in
            if !members.isEmpty { try Self.open(&image) }
            image.members = ImageRules.normalized(members, present: image.members ?? [])
        }
    }

    /// Only the Image API v2 names a new member's status, which is `pending` whatever it says; then its rules hold: shared
    /// images only, nobody twice, and the member is the answer (image-v2 §7, §13).
    func addMember(_ id: String, _ member: Member, _ caller: Caller) async throws(Failure) -> Outcome {
        let isStrict = member.status != nil
        let record = try await changeMembers(id, caller) { (image: inout Image) throws(Failure) in
            if isStrict { try Self.requireStrictly(caller, image) } else { try Self.open(&image) }
            var list = image.members ?? []
            if let place = list.firstIndex(where: { $0.id.sameBytes(as: member.id) }) {
                if isStrict { throw Failure(.conflict, "\(member.id) is a member of the image already.") }
                let before = list[place]
                list[place].canShare = member.canShare ?? before.canShare
                list[place].stamp(unlike: before)
            } else {
                list += ImageRules.normalized([Member(id: member.id, canShare: member.canShare)], present: [])
            }
            image.members = list
        }
        guard isStrict, let added = record.members.first(where: { $0.id.sameBytes(as: member.id) }) else {
            return .done
        }
        return .member(added, imageID: id)
    }

    func removeMember(_ id: String, _ memberID: String, absentIsDone: Bool, _ caller: Caller) async throws(Failure) {
        try await changeMembers(id, caller) { (image: inout Image) throws(Failure) in
            let present = image.members ?? []
            let rest = present.filter { !$0.id.sameBytes(as: memberID) }
            if rest.count == present.count, !absentIsDone { throw Self.noMember }
            image.members = rest
        }
    }

    @discardableResult
    private func changeMembers(
        _ id: String, _ caller: Caller, _ edit: @escaping @Sendable (inout Image) throws(Failure) -> Void
    ) async throws(Failure) -> ImageRecord {
        try AccessRules.requireSharing(caller, try visible(id, caller).image)
        let rules = rules
        return try await change(id) { (record: inout ImageRecord) throws(Failure) -> Bool in
            try AccessRules.requireSharing(caller, record.image)
            let before = record.members
            try edit(&record.image)
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
            guard caller.isAdministrator || isMember || AccessRules.owns(caller, record.image),
                Self.countsMembers(record.image)
            else { return nil }
            return member.canShare ?? false
        case .ownedBy(let id):
            guard let owner = record.image.text(.owner), owner.sameBytes(as: id), !record.image.isPublic,
                record.image.knownVisibility != .community || AccessRules.owns(caller, record.image),
                AccessRules.maySee(caller, record.image)
            else { return nil }
            return false
        }
    }

    /// v1 and Plankton share public images, too; members of other images that are not shared have no effect.
    private static func countsMembers(_ image: Image) -> Bool {
        image.knownVisibility == .shared || image.isPublic
    }
}
