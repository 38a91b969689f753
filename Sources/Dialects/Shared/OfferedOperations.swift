/// By which call the clients of each dialect ask for an operation (mapping §5): the compatibility page prints it, tests send
/// every request of it.
public struct OfferedOperation: Sendable {
    /// One call of a client's dialect; `ID`, `MEMBER` and the like stand for values.
    public struct Call: Sendable {
        public let method: String
        /// Below the mount.
        public let path: String
        /// Of an answer that is a success.
        public let status: Int

        public init(_ method: String, _ path: String, _ status: Int) {
            self.method = method
            self.path = path
            self.status = status
        }
    }

    /// As in `Operation.name`.
    public let name: String
    /// By dialect; a dialect that is not named has no such call.
    public let calls: [String: Call]

    private init(_ name: String, _ calls: [String: Call]) {
        self.name = name
        self.calls = calls
    }

    /// Operations of all dialects: v1, Plankton, 2010 and v2 calls, nil where there is none.
    private init(_ name: String, v1: Call?, plankton: Call?, first: Call? = nil, v2: Call?) {
        let pairs = [("glance-v1", v1), ("plankton", plankton), ("glance-2010", first), ("image-v2", v2)]
        self.init(name, Dictionary(uniqueKeysWithValues: pairs.compactMap { name, call in call.map { (name, $0) } }))
    }

    /// Only the Image API v2 has it.
    private init(_ name: String, _ method: String, _ path: String, _ status: Int) {
        self.init(name, ["image-v2": Call(method, path, status)])
    }

    /// In the order of mapping §1.
    public static let all: [OfferedOperation] = [
        OfferedOperation(
            "list_versions", v1: Call("GET", "/versions", 200), plankton: Call("GET", "/", 200),
            v2: Call("GET", "/versions", 200)),
        OfferedOperation(
            "list_images", v1: Call("GET", "/v1/images", 200), plankton: Call("GET", "/v1.0/images/", 200),
            first: Call("GET", "/images", 200), v2: nil),
        OfferedOperation(
            "list_images_detail", v1: Call("GET", "/v1/images/detail", 200),
            plankton: Call("GET", "/v1.0/images/detail", 200), first: Call("GET", "/images/detail", 200),
            v2: Call("GET", "/v2/images", 200)),
        OfferedOperation(
            "get_image_meta", v1: Call("HEAD", "/v1/images/ID", 200), plankton: Call("HEAD", "/v1.0/images/ID", 200),
            first: Call("HEAD", "/images/ID", 200), v2: Call("GET", "/v2/images/ID", 200)),
        OfferedOperation(
            "get_image_data", v1: Call("GET", "/v1/images/ID", 200), plankton: Call("GET", "/v1.0/images/ID", 200),
            first: Call("GET", "/images/ID", 200), v2: Call("GET", "/v2/images/ID/file", 200)),
        OfferedOperation(
            "create_image", v1: Call("POST", "/v1/images", 201), plankton: Call("POST", "/v1.0/images/", 200),
            first: Call("POST", "/images", 200), v2: Call("POST", "/v2/images", 201)),
        OfferedOperation(
            "update_image", v1: Call("PUT", "/v1/images/ID", 200), plankton: Call("PUT", "/v1.0/images/ID", 200),
            first: Call("PUT", "/images/ID", 200), v2: Call("PATCH", "/v2/images/ID", 200)),
        OfferedOperation(
            "delete_image", v1: Call("DELETE", "/v1/images/ID", 200), plankton: Call("DELETE", "/v1.0/images/ID", 204),
            first: Call("DELETE", "/images/ID", 200), v2: Call("DELETE", "/v2/images/ID", 204)),
        OfferedOperation(
            "list_members", v1: Call("GET", "/v1/images/ID/members", 200),
            plankton: Call("GET", "/v1.0/images/ID/members", 200), v2: Call("GET", "/v2/images/ID/members", 200)),
        OfferedOperation(
            "replace_members", v1: Call("PUT", "/v1/images/ID/members", 204),
            plankton: Call("PUT", "/v1.0/images/ID/members", 204), v2: nil),
        OfferedOperation(
            "add_member", v1: Call("PUT", "/v1/images/ID/members/MEMBER", 204),
            plankton: Call("PUT", "/v1.0/images/ID/members/MEMBER", 204), v2: Call("POST", "/v2/images/ID/members", 200)
        ),
        OfferedOperation(
            "remove_member", v1: Call("DELETE", "/v1/images/ID/members/MEMBER", 204),
            plankton: Call("DELETE", "/v1.0/images/ID/members/MEMBER", 204),
            v2: Call("DELETE", "/v2/images/ID/members/MEMBER", 204)),
        OfferedOperation(
            "list_shared_images", v1: Call("GET", "/v1/shared-images/MEMBER", 200),
            plankton: Call("GET", "/v1.0/shared-images/MEMBER", 200), v2: nil),
        OfferedOperation("show_member", "GET", "/v2/images/ID/members/MEMBER", 200),
        OfferedOperation("set_member_status", "PUT", "/v2/images/ID/members/MEMBER", 200),
        OfferedOperation("deactivate_image", "POST", "/v2/images/ID/actions/deactivate", 204),
        OfferedOperation("reactivate_image", "POST", "/v2/images/ID/actions/reactivate", 204),
        OfferedOperation("add_tag", "PUT", "/v2/images/ID/tags/TAG", 204),
        OfferedOperation("remove_tag", "DELETE", "/v2/images/ID/tags/TAG", 204),
        OfferedOperation("stage_data", "PUT", "/v2/images/ID/stage", 204),
        OfferedOperation("import_image", "POST", "/v2/images/ID/import", 202),
        OfferedOperation("list_locations", "GET", "/v2/images/ID/locations", 200),
        OfferedOperation("add_location", "POST", "/v2/images/ID/locations", 202),
        OfferedOperation("delete_from_store", "DELETE", "/v2/stores/STORE/ID", 204),
        OfferedOperation("get_stores", "GET", "/v2/info/stores", 200),
        OfferedOperation("get_import_info", "GET", "/v2/info/import", 200),
        OfferedOperation("get_schema", "GET", "/v2/schemas/image", 200),
    ]

    /// The client dialects, in the order of the page.
    public static let dialects = ShownFields.all.map { $0.dialect }
}
