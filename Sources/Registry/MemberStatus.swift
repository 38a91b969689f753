import Images

/// What a member says of its membership (image-v2 §13).
enum MemberStatus: String {
    case pending, accepted, rejected
}

extension Member {
    /// Notes when it was made or changed.
    ///
    /// - Parameter known: the member before; nil: there was none.
    mutating func stamp(unlike known: Member?) {
        guard let known else {
            createdAt = .now
            updatedAt = createdAt
            return
        }
        if self != known { updatedAt = .now }
    }
}
