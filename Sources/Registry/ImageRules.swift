import Images

/// What the registry accepts in an image, whatever the client's dialect.
struct ImageRules: Sendable {
    let settings: RegistrySettings

    /// Everything that any dialect knows (glance-v1 §2.4, plankton §6, image-v2).
    static let diskFormats = RegistryCapabilities.glanceDiskFormats + ValueRules.planktonDiskFormats
    static let containerFormats = RegistryCapabilities.glanceContainerFormats

    /// Sets one field that clients may write; everything else is the registry's own and stays as it is.
    func set(_ field: ImageField, _ value: FieldValue, in image: inout Image, by caller: Caller) throws(Failure) {
        switch field {
        case .name: image[.name] = value
        case .diskFormat:
            if let word = value.text, !Self.diskFormats.contains(word) {
                throw Failure(.badRequest, "Invalid disk format '\(word)' for image.")
            }
            image[.diskFormat] = value
        case .containerFormat:
            if let word = value.text, !Self.containerFormats.contains(word) {
                throw Failure(.badRequest, "Invalid container format '\(word)' for image.")
            }
            image[.containerFormat] = value
        case .owner where caller.isAdministrator: image[.owner] = value
        case .isPublic:
            try setVisibility(value.boolean == true ? .public : image.isPublic ? .shared : nil, in: &image, by: caller)
        case .visibility: try setVisibility(value.text.flatMap(Visibility.init(rawValue:)), in: &image, by: caller)
        case .minRAM, .minDisk: image[field] = .integer(value.integer ?? 0)
        case .protected, .hidden: image[field] = .boolean(value.boolean ?? false)
        default: break
        }
    }

    private func setVisibility(_ visibility: Visibility?, in image: inout Image, by caller: Caller) throws(Failure) {
        guard let visibility, visibility != image.visibility else { return }
        if visibility == .public, settings.publish == .admin, !caller.isAdministrator {
            throw Failure(.forbidden, "Only administrators may publish images.")
        }
        image[.visibility] = .text(visibility.rawValue)
        image[.isPublic] = .boolean(visibility == .public)
    }

    func checkCounts(_ image: Image) throws(Failure) {
        let properties = image.properties.count
        if properties > settings.maxProperties {
            throw Failure(
                .tooLarge,
                "The limit has been exceeded on the number of allowed image properties. Attempted: \(properties), Maximum: \(settings.maxProperties)"
            )
        }
        let tags = image.tags?.count ?? 0
        if tags > settings.maxTags {
            throw Failure(
                .tooLarge,
                "The limit has been exceeded on the number of allowed image tags. Attempted: \(tags), Maximum: \(settings.maxTags)"
            )
        }
        let members = image.members?.count ?? 0
        if members > settings.maxMembers {
            throw Failure(
                .tooLarge,
                "The limit has been exceeded on the number of allowed image members for this image. Attempted: \(members), Maximum: \(settings.maxMembers)"
            )
        }
    }

    /// What an image needs before it becomes active through data or a location (glance-v1 §2.4).
    func checkFormats(_ image: Image) throws(Failure) {
        if image.text(.diskFormat) == nil { throw Failure(.badRequest, "Disk format is not specified.") }
        if image.text(.containerFormat) == nil { throw Failure(.badRequest, "Container format is not specified.") }
    }

    func checkSize(_ size: Int64) throws(Failure) {
        if size > settings.maxImageBytes {
            throw Failure(.tooLarge, "Denying attempt to upload image larger than \(settings.maxImageBytes) bytes.")
        }
    }

    static func externalSource(_ url: String) -> Failure {
        Failure(.badRequest, "External sources are not supported: '\(url)'")
    }

    /// Tags are a set (image-v2 §5): the first of equal ones.
    static func normalized(_ tags: [String]) -> [String] {
        var seen: Set<[UInt8]> = []
        return tags.filter { seen.insert(Array($0.utf8)).inserted }
    }

    /// Members as they are stored: the last of two equal ids.
    static func normalized(_ members: [Member], present: [Member]) -> [Member] {
        var list: [Member] = []
        for member in members {
            let known = present.first { $0.id.sameBytes(as: member.id) }
            var stored = Member(
                id: member.id, canShare: member.canShare ?? known?.canShare ?? false,
                status: member.status ?? known?.status ?? MemberStatus.pending.rawValue,
                createdAt: known?.createdAt, updatedAt: known?.updatedAt)
            stored.stamp(unlike: known)
            list.removeAll { $0.id.sameBytes(as: member.id) }
            list.append(stored)
        }
        return list
    }
}
