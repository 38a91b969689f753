public import Images

/// What the Image API v2 changes of an image other than by an update (image-v2 §7).
extension FileRegistry {
    public var capabilities: RegistryCapabilities {
        RegistryCapabilities(
            importMethods: ["glance-direct"], hasLocationCalls: objects != nil, diskFormats: ImageRules.diskFormats,
            containerFormats: ImageRules.containerFormats)
    }

    /// Withholds the data of an active image, or gives them free again; what is so already stays.
    func setDeactivated(_ id: String, _ isDeactivated: Bool, _ caller: Caller) async throws(Failure) {
        try await changeOwn(id, caller) { (image: inout Image) throws(Failure) in
            guard image.status == .active || image.status == .deactivated else {
                throw Failure(
                    .forbidden,
                    "Not allowed to \(isDeactivated ? "deactivate" : "reactivate") image in status '\(image.text(.status) ?? "")'"
                )
            }
            image[.status] = .text((isDeactivated ? ImageStatus.deactivated : .active).rawValue)
        }
    }

    func addTag(_ id: String, _ tag: String, _ caller: Caller) async throws(Failure) {
        let rules = rules
        try await changeOwn(id, caller) { (image: inout Image) throws(Failure) in
            let tags = ImageRules.normalized((image.tags ?? []) + [tag])
            guard tags.count > image.tags?.count ?? 0 else { return }
            image.tags = tags
            try rules.checkCounts(image)
        }
    }

    func removeTag(_ id: String, _ tag: String, _ caller: Caller) async throws(Failure) {
        try await changeOwn(id, caller) { (image: inout Image) throws(Failure) in
            let tags = image.tags ?? []
            let rest = tags.filter { !$0.sameBytes(as: tag) }
            guard rest.count < tags.count else { throw Failure(.imageNotFound, "Tag could not be found.") }
            image.tags = rest
        }
    }

    /// Changes an image that the caller controls; what changes nothing writes nothing.
    private func changeOwn(
        _ id: String, _ caller: Caller, _ edit: @escaping @Sendable (inout Image) throws(Failure) -> Void
    ) async throws(Failure) {
        try AccessRules.requireControl(caller, try visible(id, caller).image)
        _ = try await change(id) { (record: inout ImageRecord) throws(Failure) -> Bool in
            try AccessRules.requireControl(caller, record.image)
            let before = record.image
            try edit(&record.image)
            guard record.image != before else { return false }
            record.image[.updatedAt] = .time(.now)
            return true
        }
    }

    // MARK: locations and stores

    /// For administrators: a location may say more than its image's readers should know (image-v2 §7).
    func locations(_ id: String, _ caller: Caller) throws(Failure) -> [ImageLocation] {
        let image = try visible(id, caller).image
        guard caller.isAdministrator else {
            throw Failure(.forbidden, "Only administrators may see the locations of an image.")
        }
        return image.text(.location).map { [ImageLocation(url: $0, store: image.text(.store))] } ?? []
    }

    /// Registers data of the objects folder for a queued image (image-v2 §12).
    func addLocation(_ id: String, _ url: String, _ caller: Caller) async throws(Failure) {
        let image = try visible(id, caller).image
        try AccessRules.requireControl(caller, image)
        guard image.status == .queued else {
            throw Failure(.conflict, "Locations can be added to queued images only.")
        }
        var said = Image()
        said[.location] = .text(url)
        _ = try await relocate(ImageUpdate(id: id, image: said, source: .location), caller)
    }

    /// Data have one place here, which goes only with the image (image-v2 §7).
    func deleteFromStore(_ id: String, _ store: String, _ caller: Caller) throws(Failure) {
        let record = try visible(id, caller)
        guard caller.isAdministrator else {
            throw Failure(.forbidden, "Only administrators may delete data from a store.")
        }
        guard record.data != .none, let name = record.image.text(.store), name.sameBytes(as: store) else {
            throw Failure(.imageNotFound, "The image has no data in a store \(store).")
        }
        throw Failure(.forbidden, "This is the only copy of the image's data.")
    }
}
