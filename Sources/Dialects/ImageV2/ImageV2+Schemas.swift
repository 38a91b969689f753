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
                    others: [("enum", Self.texts(ImageStatus.allCases.map(\.rawValue)))])
            ),
            (
                "visibility",
                Rule(
                    type: ["string"], description: "Scope of image accessibility",
                    others: [("enum", Self.texts(Visibility.allCases.map(\.rawValue)))])
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
            ("stores", Rule(type: ["string"], description: "Store in which image data resides.")),
            ("schema", Rule(type: ["string"], description: "An image schema url")),
            (
                "locations",
                Rule(
                    type: ["array"], description: "A set of URLs to access the image file kept in external store",
                    others: [("items", location)])
            ),
        ]
    }

    private static let readOnly: Set<String> = [
        "status", "checksum", "os_hash_algo", "os_hash_value", "size", "virtual_size", "created_at", "updated_at",
        "direct_url", "self", "file", "stores", "schema",
    ]

    private func image(_ capabilities: RegistryCapabilities) -> JSONValue {
        var properties: [(String, JSONValue)] = rules(capabilities).map { name, rule in
            var members = [
                ("type", rule.type.count == 1 ? JSONValue.string(rule.type[0]) : Self.texts(rule.type)),
                ("description", JSONValue.string(rule.description)),
            ]
            if Self.readOnly.contains(name) { members.append(("readOnly", .boolean(true))) }
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
        func text(_ description: String, readOnly: Bool = true) -> JSONValue {
            object([
                ("type", .string("string")), ("description", .string(description)), ("readOnly", .boolean(readOnly)),
            ])
        }
        return object([
            ("name", .string("member")),
            (
                "properties",
                object([
                    ("created_at", text("Date and time of image member creation")),
                    ("image_id", text("An identifier for the image")),
                    ("member_id", text("An identifier for the image member (tenantId)")), ("schema", text("")),
                    (
                        "status",
                        object([
                            ("type", .string("string")), ("description", .string("The status of this image member")),
                            ("enum", texts(["pending", "accepted", "rejected"])),
                        ])
                    ), ("updated_at", text("Date and time of last modification of image member")),
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
