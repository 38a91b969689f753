import Images

/// What a member id may be in every dialect: it ends up in paths and headers of other registries.
enum MemberRules {
    /// Longest id that registries take (image-v2 §15).
    private static let maximumCharacters = 255
    /// Members in one request: each may be a call to the backend.
    private static let maximumMembers = 1024

    static func check(_ operation: Operation) throws(Failure) {
        switch operation {
        case .replaceMembers(_, let members):
            guard members.count <= maximumMembers else {
                throw Failure(.tooLarge, "more than \(maximumMembers) members in one request")
            }
            for member in members { try check(member.id) }
        case .addMember(_, let member): try check(member.id)
        case .removeMember(_, let id, _): try check(id)
        default: return
        }
    }

    private static func check(_ id: String) throws(Failure) {
        let isClean = id.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
        guard isClean, !id.isEmpty, id.unicodeScalars.count <= maximumCharacters else {
            throw Failure(.badRequest, "Invalid member_id: 1 to \(maximumCharacters) characters, no control characters")
        }
    }
}
