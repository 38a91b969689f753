/// The words for an image's state; canonical are those of the Image API v2 (mapping §3.1).
///
/// A canonical status is what the image *is* for a client: a reference image (its data stays where its location points)
/// is `active` although a v2 backend holds it as `queued`.
public enum ImageStatus: String, CaseIterable, Sendable {
    case queued, saving, uploading, importing, active, deactivated, killed, deleted
    case pendingDelete = "pending_delete"
}

/// Who may see an image; canonical are the words of the Image API v2 (mapping §3.2).
public enum Visibility: String, CaseIterable, Sendable {
    case `public`, `private`, shared, community
}
