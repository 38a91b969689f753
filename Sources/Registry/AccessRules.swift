import Images

/// Who may see and change what (glance-v1 §4.1, §5.3, §6).
enum AccessRules {
    static func owns(_ caller: Caller, _ image: Image) -> Bool {
        guard let me = caller.owner, let owner = image.text(.owner) else { return false }
        return me.sameBytes(as: owner)
    }

    static func membership(of caller: Caller, in image: Image) -> Member? {
        guard let me = caller.owner else { return nil }
        return image.members?.first { $0.id.sameBytes(as: me) }
    }

    /// Whether membership shows the image to the caller. Members of a `private` or `community` image are kept, and count
    /// again once it is `shared` (image-v2 §13).
    static func isShared(_ image: Image, with caller: Caller) -> Bool {
        image.knownVisibility == .shared && membership(of: caller, in: image) != nil
    }

    /// By id: public and community images of everybody, own, shared with the caller; administrators see all.
    static func maySee(_ caller: Caller, _ image: Image) -> Bool {
        image.isPublic || image.visibility == .community || caller.isAdministrator || owns(caller, image)
            || isShared(image, with: caller)
    }

    /// In a list of this scope; an administrator's list is that of a normal user unless asked otherwise.
    static func isListed(_ image: Image, for caller: Caller, in scope: ImageQuery.Scope) -> Bool {
        switch scope {
        case .publicOnly: return image.isPublic
        case .notPublic where caller.isAdministrator: return !image.isPublic
        case .everything where caller.isAdministrator: return true
        case .visible, .notPublic, .everything:
            return image.isPublic || owns(caller, image) || isShared(image, with: caller)
        case .reachable(let choice, let status):
            return isReachable(image, for: caller, choice, memberStatus: status)
        }
    }

    /// Image-v2 §9a, §13.
    private static func isReachable(
        _ image: Image, for caller: Caller, _ choice: ImageQuery.VisibilityChoice, memberStatus: String?
    ) -> Bool {
        let visibility = image.knownVisibility
        if case .only(let wanted) = choice, wanted != visibility { return false }
        if owns(caller, image) || visibility == .public { return true }
        if visibility == .community { return choice != .usual }
        if caller.isAdministrator { return true }
        guard visibility == .shared, let member = membership(of: caller, in: image) else { return false }
        return memberStatus.map { $0.sameBytes(as: member.status ?? "pending") } ?? true
    }

    static func notFound(_ id: String) -> Failure {
        Failure(.imageNotFound, "Image with identifier \(id) not found", isDetail: true)
    }

    static func requireSight(_ caller: Caller, _ image: Image) throws(Failure) {
        guard maySee(caller, image) else { throw notFound(image.id) }
    }

    /// For changing and deleting: the owner and administrators.
    static func requireControl(_ caller: Caller, _ image: Image) throws(Failure) {
        try requireSight(caller, image)
        try requireIdentity(caller)
        guard caller.isAdministrator || owns(caller, image) else {
            throw Failure(.forbidden, "You are not the owner of image \(image.id).")
        }
    }

    /// For every write: somebody with a name.
    static func requireIdentity(_ caller: Caller) throws(Failure) {
        guard caller.owner != nil || caller.isAdministrator else {
            throw Failure(.forbidden, "Read-only access", isDetail: true)
        }
    }

    /// For changing members: the owner, administrators, and members that may share.
    static func requireSharing(_ caller: Caller, _ image: Image) throws(Failure) {
        try requireSight(caller, image)
        guard caller.owner != nil || caller.isAdministrator else {
            throw Failure(.unauthorized, "No authenticated user", isDetail: true)
        }
        guard caller.isAdministrator || owns(caller, image) || membership(of: caller, in: image)?.canShare == true
        else {
            throw Failure(.membershipForbidden, "No permission to share image \(image.id)")
        }
    }
}
