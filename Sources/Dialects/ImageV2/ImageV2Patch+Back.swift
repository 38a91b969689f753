import Bytes
import Images

extension ImageV2Patch {
    /// The change that gives what this one set its former values again; nil when nothing of it is left to undo.
    ///
    /// - Parameters:
    ///   - before: the image as it was read before this change.
    ///   - after: as the registry answered it; only what is there can be removed.
    public func back(to before: ImageV2Image, from after: ImageV2Image, _ marks: Marks?) -> ImageV2Patch? {
        var patch = ImageV2Patch()
        for (key, _) in base {
            let former = before.baseValue(key)
            if former != after.baseValue(key) { patch.replace(key, former) }
        }
        // A publication may have gone by way of its mark.
        let marked = marks.map { publishes ? [$0.name(.isPublic)] : [] } ?? []
        for key in extra.map(\.key) + marked {
            let former = before.customValue(key, marks)
            let present = after.customValue(key, marks)
            guard former != present else { continue }
            if let former { patch.add(.init(key: key, value: former)) } else { patch.remove(key) }
        }
        return patch.isEmpty ? nil : patch
    }
}

extension ImageV2Image {
    /// The registry's own value of a base field that changes set.
    fileprivate func baseValue(_ key: String) -> JSONValue {
        switch key {
        case "visibility": .string(remoteVisibility)
        case "disk_format": remoteDiskFormat.map(JSONValue.string) ?? .null
        default:
            if let field = ImageV2Names.base(key)?.field {
                image.text(field).map(JSONValue.string) ?? image.integer(field).map(JSONValue.integer)
                    ?? image.boolean(field).map(JSONValue.boolean) ?? .null
            } else {
                .null
            }
        }
    }

    /// The stored value of a custom property or a mark; nil: it has none.
    fileprivate func customValue(_ key: String, _ names: Marks?) -> JSONValue? {
        if let names, let mark = Mark.allCases.first(where: { names.name($0).sameBytes(as: key) }) {
            return marks[mark].map(JSONValue.string)
        }
        return stored.first { $0.key.sameBytes(as: key) }?.value
    }
}
