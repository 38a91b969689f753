public import Images

/// How each kind of backend carries out an operation (mapping §6): the compatibility page prints it, tests ask the backends.
public struct PlannedOperation: Sendable {
    public enum Plan: Sendable, Equatable {
        /// One request to the registry; in the embedded registry one step.
        case call
        /// Several requests that are one to the client: all or nothing.
        case calls
        /// The registry has nothing like it: the gateway does it with what the registry has.
        case emulated
        /// The message of a v2 client goes to the registry as it is.
        case relayed
        /// Answered by the gateway, the registry is not asked.
        case own
        case refused(Failure.Kind)
    }

    /// As in `Operation.name`.
    public let name: String
    /// By the backend's name in configuration.
    public let plans: [String: Plan]

    /// - Parameter first: of a registry of the first Glance API.
    private init(_ name: String, first: Plan, v1: Plan, plankton: Plan, v2: Plan, embedded: Plan) {
        self.name = name
        plans = [
            "glance-2010": first, "glance-v1": v1, "plankton": plankton, "image-v2": v2, "embedded": embedded,
        ]
    }

    /// In the order of mapping §1.
    public static let all: [PlannedOperation] = [
        PlannedOperation("list_versions", first: .own, v1: .own, plankton: .own, v2: .own, embedded: .own),
        PlannedOperation(
            "list_images", first: .emulated, v1: .calls, plankton: .emulated, v2: .calls, embedded: .call),
        PlannedOperation(
            "list_images_detail", first: .emulated, v1: .calls, plankton: .emulated, v2: .calls, embedded: .call),
        PlannedOperation("get_image_meta", first: .call, v1: .call, plankton: .call, v2: .call, embedded: .call),
        PlannedOperation("get_image_data", first: .call, v1: .call, plankton: .calls, v2: .calls, embedded: .call),
        PlannedOperation("create_image", first: .call, v1: .call, plankton: .calls, v2: .calls, embedded: .call),
        PlannedOperation("update_image", first: .calls, v1: .calls, plankton: .calls, v2: .calls, embedded: .call),
        PlannedOperation("delete_image", first: .calls, v1: .call, plankton: .calls, v2: .call, embedded: .call),
        members("list_members", v1: .calls, plankton: .calls, v2: .calls),
        members("replace_members", v1: .calls, plankton: .calls, v2: .calls),
        members("add_member", v1: .calls, plankton: .calls, v2: .calls),
        members("remove_member", v1: .call, plankton: .calls, v2: .call),
        PlannedOperation(
            "list_shared_images", first: .own, v1: .call, plankton: .calls, v2: .calls, embedded: .call),
        members("show_member", v1: .emulated, plankton: .emulated, v2: .relayed),
        members("set_member_status", v1: .emulated, plankton: .emulated, v2: .relayed),
        modern(
            "deactivate_image", first: .refused(.forbidden), v1: .refused(.forbidden), plankton: .refused(.forbidden)),
        modern("reactivate_image", first: .refused(.forbidden), v1: .refused(.forbidden), plankton: .emulated),
        modern("add_tag", first: .emulated, v1: .emulated, plankton: .emulated),
        modern("remove_tag", first: .emulated, v1: .emulated, plankton: .emulated),
        modern(
            "stage_data", first: .refused(.notImplemented), v1: .refused(.unknownPath),
            plankton: .refused(.notImplemented)),
        modern(
            "import_image", first: .refused(.notImplemented), v1: .emulated,
            plankton: .refused(.notImplemented)),
        modern("list_locations", first: .call, v1: .call, plankton: .call),
        modern(
            "add_location", first: .refused(.notImplemented), v1: .emulated,
            plankton: .refused(.forbidden)),
        modern(
            "delete_from_store", first: .refused(.notImplemented), v1: .refused(.unknownPath),
            plankton: .refused(.forbidden)),
        PlannedOperation("get_stores", first: .own, v1: .own, plankton: .own, v2: .relayed, embedded: .own),
        PlannedOperation("get_import_info", first: .own, v1: .own, plankton: .own, v2: .relayed, embedded: .own),
        PlannedOperation("get_schema", first: .own, v1: .own, plankton: .own, v2: .relayed, embedded: .own),
    ]

    /// A registry of the first Glance API has no members.
    private static func members(_ name: String, v1: Plan, plankton: Plan, v2: Plan) -> PlannedOperation {
        PlannedOperation(
            name, first: .refused(.membershipForbidden), v1: v1, plankton: plankton, v2: v2, embedded: .call)
    }

    /// Only v2 clients ask for it.
    private static func modern(_ name: String, first: Plan, v1: Plan, plankton: Plan) -> PlannedOperation {
        PlannedOperation(name, first: first, v1: v1, plankton: plankton, v2: .relayed, embedded: .call)
    }
}
