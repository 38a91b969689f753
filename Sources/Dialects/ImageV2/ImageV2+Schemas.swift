import Bytes
import Images

/// Schemas and `info` answers, made of what the backend can do (image-v2 §7, §14).
extension ImageV2 {
    func describe(_ capabilities: RegistryCapabilities, _ operation: Images.Operation) throws(Failure) -> ClientResponse
    {
        guard case .describe(let description) = operation else {
            throw Failure(.internal, cause: "capabilities for \(operation.name)")
        }
        switch description {
        case .stores(let isDetailed):
            guard !capabilities.stores.isEmpty, !isDetailed else {
                throw Failure(.unknownPath, "Multi backend is not supported at this site.")
            }
            let stores = capabilities.stores.map { store in
                var object = JSONObject([.init(key: "id", value: .string(store.id))])
                if store.isDefault { object.append("default", .string("true")) }
                return JSONValue.object(object)
            }
            return Self.json(200, Self.object([("stores", .array(stores))]))
        case .importMethods:
            let methods = Self.object([
                ("description", .string("Import methods available.")), ("type", .string("array")),
                ("value", .array(capabilities.importMethods.map(JSONValue.string))),
            ])
            return Self.json(200, Self.object([("import-methods", methods)]))
        case .schema(let name):
            switch name {
            case "image": return Self.json(200, image(capabilities))
            case "images": return Self.json(200, Self.list("images", of: image(capabilities), links: true))
            case "member": return Self.json(200, Self.member)
            case "members": return Self.json(200, Self.list("members", of: Self.member, links: false))
            default: throw Failure(.unknownPath)
            }
        }
    }

    static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(JSONObject(members.map { JSONObject.Member(key: $0.0, value: $0.1) }))
    }

    private static func texts(_ values: [String]) -> JSONValue { .array(values.map(JSONValue.string)) }

    /// What the schema says of an attribute beside its type.
    private struct Rule {
        var type: [String]
        var description: String
        var others: [(String, JSONValue)] = []
    }

    private static let uuid =
        "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"
    private static let short: [(String, JSONValue)] = [("maxLength", .integer(Int64(maxText)))]

    private func rules(_ capabilities: RegistryCapabilities) -> [(String, Rule)] {
        func formats(_ list: [String]) -> [(String, JSONValue)] {
            [("enum", .array([.null] + list.map(JSONValue.string)))]
        }
        let location = Self.object([
            ("type", .string("object")),
            (
                "properties",
                Self.object([
                    ("url", Self.object([("type", .string("string")), ("maxLength", .integer(255))])),
                    ("metadata", Self.object([("type", .string("object"))])),
                    ("validation_data", Self.validation),
                ])
            ), ("required", Self.texts(["url", "metadata"])),
        ])
        return [
            (
                "id",
                Rule(
                    type: ["string"], description: "An identifier for the image",
                    others: [("pattern", .string(Self.uuid))])
            ),
            (
                "name",
                Rule(type: ["null", "string"], description: "Descriptive name for the image", others: Self.short)
            ),
            (
                "status",
                Rule(
                    type: ["string"], description: "Status of the image",
                    others: [("enum", Self.texts(Self.states))])
            ),
            (
                "visibility",
                Rule(
                    type: ["string"], description: "Scope of image accessibility",
                    others: [("enum", Self.texts(["community", "public", "private", "shared"]))])
            ),
            ("protected", Rule(type: ["boolean"], description: "If true, image will not be deletable.")),
            (
                "os_hidden",
                Rule(type: ["boolean"], description: "If true, image will not appear in default image list response.")
            ),
            (
                "checksum",
                Rule(
                    type: ["null", "string"], description: "md5 hash of image contents.",
                    others: [("maxLength", .integer(32))])
            ),
            (
                "os_hash_algo",
                Rule(
                    type: ["null", "string"], description: "Algorithm to calculate the os_hash_value",
                    others: [("maxLength", .integer(64))])
            ),
            (
                "os_hash_value",
                Rule(
                    type: ["null", "string"],
                    description: "Hexdigest of the image contents using the algorithm specified by the os_hash_algo",
                    others: [("maxLength", .integer(128))])
            ), ("owner", Rule(type: ["null", "string"], description: "Owner of the image", others: Self.short)),
            ("size", Rule(type: ["null", "integer"], description: "Size of image file in bytes")),
            ("virtual_size", Rule(type: ["null", "integer"], description: "Virtual size of image in bytes")),
            (
                "container_format",
                Rule(
                    type: ["null", "string"], description: "Format of the container",
                    others: formats(capabilities.containerFormats))
            ),
            (
                "disk_format",
                Rule(
                    type: ["null", "string"], description: "Format of the disk",
                    others: formats(capabilities.diskFormats))
            ), ("created_at", Rule(type: ["string"], description: "Date and time of image registration")),
            ("updated_at", Rule(type: ["string"], description: "Date and time of the last image modification")),
            (
                "tags",
                Rule(
                    type: ["array"], description: "List of strings related to the image",
                    others: [("items", Self.object([("type", .string("string")), ("maxLength", .integer(255))]))])
            ),
            ("direct_url", Rule(type: ["string"], description: "URL to access the image file kept in external store")),
            (
                "min_ram",
                Rule(type: ["integer"], description: "Amount of ram (in MB) required to boot image.")
            ),
            (
                "min_disk",
                Rule(type: ["integer"], description: "Amount of disk space (in GB) required to boot image.")
            ), ("self", Rule(type: ["string"], description: "An image self url")),
            ("file", Rule(type: ["string"], description: "An image file url")),
            (
                "stores",
                Rule(
                    type: ["string"],
                    description:
                        "Store in which image data resides.  Only present when the operator has enabled multiple stores.  May be a comma-separated list of store identifiers."
                )
            ),
            ("schema", Rule(type: ["string"], description: "An image schema url")),
            (
                "locations",
                Rule(
                    type: ["array"], description: "A set of URLs to access the image file kept in external store",
                    others: [("items", location)])
            ),
        ]
    }

    /// In the order of the servers.
    private static let states = [
        "queued", "saving", "active", "killed", "deleted", "uploading", "importing", "pending_delete", "deactivated",
    ]

    /// What may be said of the data at a location.
    private static let validation: JSONValue = {
        func text(_ length: Int64, least: Int64? = nil) -> JSONValue {
            object(
                [("type", .string("string"))] + (least.map { [("minLength", .integer($0))] } ?? [])
                    + [("maxLength", .integer(length))])
        }
        return object([
            (
                "description",
                .string(
                    "Values to be used to populate the corresponding image properties. If the image status is not 'queued', values must exactly match those already contained in the image properties."
                )
            ), ("type", .string("object")), ("writeOnly", .boolean(true)), ("additionalProperties", .boolean(false)),
            (
                "properties",
                object([
                    ("checksum", text(32, least: 32)), ("os_hash_algo", text(64)), ("os_hash_value", text(128)),
                ])
            ), ("required", texts(["os_hash_algo", "os_hash_value"])),
        ])
    }()

    private static let readOnly: Set<String> = [
        "status", "checksum", "os_hash_algo", "os_hash_value", "size", "virtual_size", "created_at", "updated_at",
        "direct_url", "self", "file", "stores", "schema",
    ]

    private func image(_ capabilities: RegistryCapabilities) -> JSONValue {
        var properties: [(String, JSONValue)] = rules(capabilities).map { name, rule in
            var members = [("type", rule.type.count == 1 ? JSONValue.string(rule.type[0]) : Self.texts(rule.type))]
            if Self.readOnly.contains(name) { members.append(("readOnly", .boolean(true))) }
            members.append(("description", JSONValue.string(rule.description)))
            return (name, Self.object(members + rule.others))
        }
        for name in Self.imageReferences {
            properties.append(
                (
                    name,
                    Self.object([
                        ("pattern", .string(Self.uuid)), ("type", Self.texts(["null", "string"])),
                        ("is_base", .boolean(false)), ("description", .string("ID of an image stored here.")),
                    ])
                ))
        }
        return Self.object([
            ("name", .string("image")), ("properties", Self.object(properties)),
            ("additionalProperties", Self.object([("type", .string("string"))])),
            (
                "links",
                .array([
                    Self.link("self", "{self}"), Self.link("enclosure", "{file}"), Self.link("describedby", "{schema}"),
                ])
            ),
        ])
    }

    private static func link(_ relation: String, _ address: String) -> JSONValue {
        object([("rel", .string(relation)), ("href", .string(address))])
    }

    private static let member: JSONValue = {
        func text(_ description: String, _ others: [(String, JSONValue)] = []) -> JSONValue {
            object([("type", .string("string")), ("description", .string(description))] + others)
        }
        return object([
            ("name", .string("member")),
            (
                "properties",
                object([
                    ("member_id", text("An identifier for the image member (tenantId)")),
                    ("image_id", text("An identifier for the image", [("pattern", .string(uuid))])),
                    ("created_at", text("Date and time of image member creation")),
                    ("updated_at", text("Date and time of last modification of image member")),
                    ("status", text("The status of this image member", [("enum", texts(memberStates))])),
                    ("schema", object([("readOnly", .boolean(true)), ("type", .string("string"))])),
                ])
            ),
        ])
    }()

    /// A collection of what a schema describes.
    private static func list(_ name: String, of item: JSONValue, links: Bool) -> JSONValue {
        let text = object([("type", .string("string"))])
        var properties = [(name, object([("type", .string("array")), ("items", item)]))]
        for key in links ? ["first", "next", "schema"] : ["schema"] { properties.append((key, text)) }
        let relations =
            links
            ? [link("first", "{first}"), link("next", "{next}"), link("describedby", "{schema}")]
            : [link("describedby", "{schema}")]
        return object([
            ("name", .string(name)), ("properties", object(properties)), ("links", .array(relations)),
        ])
    }
}
