public import Images

extension FileRegistry {
    /// Shows an image that waits for its data as `killed`: what was to come in the background will not (glance-v1 §5.2).
    /// One that has its data by now, or is gone, stays as it is.
    public func kill(_ id: String) async throws(Failure) {
        _ = try await change(id) { (record: inout ImageRecord) throws(Failure) -> Bool in
            guard record.image.status == .queued else { return false }
            record.image[.status] = .text(ImageStatus.killed.rawValue)
            record.image[.updatedAt] = .time(.now)
            return true
        }
    }
}
