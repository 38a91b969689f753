import Images

extension Backend {
    /// Refuses callers who may not give an image its data, where the gateway will do so for them later.
    ///
    /// The registry refuses foreign data when they come to it, but what another has slipped under an image would come there
    /// by its owner's hand.
    func requireControl(of image: Image, _ request: BackendRequest) async throws(Failure) {
        // A registry that names no owners lets everybody change everything.
        guard !request.caller.isAdministrator, let owner = image.text(.owner), !owner.isEmpty else { return }
        if let own = request.caller.owner {
            guard own.sameBytes(as: owner) else { throw Failure(.forbidden, "The image is not yours.") }
            return
        }
        // Only the registry knows who asks: an image that nobody else can see is the caller's.
        guard !image.isPublic, image.visibility != .community, try await !hasMembers(image, request) else {
            throw Failure(
                .forbidden, "Data of an image that others can see cannot come by way of the gateway: upload them.")
        }
    }

    private func hasMembers(_ image: Image, _ request: BackendRequest) async throws(Failure) -> Bool {
        let asked = BackendRequest(
            operation: .listMembers(id: image.id), caller: request.caller, requestID: request.requestID)
        do throws(Failure) {
            guard case .members(let list) = try await perform(asked) else { return true }
            return !list.members.isEmpty
        } catch {
            guard error.kind == .membershipForbidden else { throw error }
            return false
        }
    }

    /// The image as the registry has it.
    func image(_ id: String, for request: BackendRequest) async throws(Failure) -> Image {
        let asked = BackendRequest(
            operation: .showImage(id: id), caller: request.caller, requestID: request.requestID)
        guard case .image(let image) = try await perform(asked) else {
            throw Failure(.internal, cause: "an image was asked for, something else came")
        }
        return image
    }
}
