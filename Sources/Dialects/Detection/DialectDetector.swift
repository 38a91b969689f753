import Bytes
import HTTP

/// Which dialect a request is in: always the same one, or decided by what only one kind of client sends.
public struct DialectDetector: Sendable {
    private let dialects: [any ClientDialect]
    private let fallback: any ClientDialect

    /// Every request is in this dialect.
    public init(only dialect: any ClientDialect) {
        dialects = []
        fallback = dialect
    }

    /// - Parameters:
    ///   - dialects: those to choose from.
    ///   - fallback: for requests that show nothing.
    public init(among dialects: [any ClientDialect], fallback: any ClientDialect) {
        self.dialects = dialects
        self.fallback = fallback
    }

    /// The first evidence in the order of ``Evidence/all`` decides; what follows only supports it.
    public func dialect(for request: ClientRequest) -> any ClientDialect { judge(request).dialect }

    /// The dialect of a request, and the name of the evidence that decided; nil where there was nothing to decide or
    /// none was found.
    public func judge(_ request: ClientRequest) -> (dialect: any ClientDialect, evidence: String?) {
        guard !dialects.isEmpty else { return (fallback, nil) }
        for evidence in Evidence.all {
            if let name = evidence.dialect(request), let found = dialects.first(where: { $0.name == name }) {
                return (found, evidence.name)
            }
        }
        return (fallback, nil)
    }
}

/// One thing about a request by which its client gives itself away.
public struct Evidence: Sendable {
    public let name: String
    /// The name of the dialect it speaks for; nil: it is not there.
    let dialect: @Sendable (ClientRequest) -> String?

    /// Strongest first: what can only be meant so, then habits of known clients.
    public static let all: [Evidence] = [
        Evidence(name: "pithos location") { request in
            let location = MetadataHeaders.value(of: "x_image_meta_location", in: request.head.fields)
            return location.map { $0.starts(with: "pithos:".utf8) } == true ? "plankton" : nil
        },
        Evidence(name: "version 2") { request in
            let isVersion =
                request.path.utf8.starts(with: "/v2/".utf8) || request.path.utf8.starts(with: "/v2.".utf8)
                || request.path.utf8.elementsEqual("/v2".utf8)
            return isVersion || ImageV2.asksForVersion(request) ? "image-v2" : nil
        },
        Evidence(name: "what only v2 sends") { request in
            let type = ASCII.lowercased(request.head.fields["content-type"] ?? "")
            let isPatch = type.utf8.starts(with: "application/openstack-images-v2".utf8)
            return isPatch || request.head.method == "PATCH" || request.head.fields.contains("x-openstack-image-size")
                ? "image-v2" : nil
        },
        Evidence(name: "fields of 2010") { request in
            let names = ["x-image-meta-type", "x-image-meta-uri"]
            return names.contains { request.head.fields[$0] != nil } ? "glance-2010" : nil
        },
        Evidence(name: "spelling") { request in
            for field in request.head.fields {
                for name in compoundNames where ASCII.equalIgnoringCase(field.name, name.hyphens.utf8) {
                    return "plankton"
                }
                for name in compoundNames where ASCII.equalIgnoringCase(field.name, name.underscores.utf8) {
                    return "glance-v1"
                }
            }
            return nil
        },
        Evidence(name: "headers of v1 alone") { request in
            let names = ["x-glance-api-copy-from", "x-glance-registry-purge-props", "x-image-meta-copy_from"]
            return names.contains { request.head.fields[$0] != nil } ? "glance-v1" : nil
        },
        Evidence(name: "version in the path") { request in
            // `/v1.0` is Plankton's, too.
            let versions = ["/v1/", "/v1.1/"]
            return versions.contains { request.path.utf8.starts(with: $0.utf8) } ? "glance-v1" : nil
        },
        Evidence(name: "Accept") { request in
            GlanceV1.asksForVersion(request) ? "glance-v1" : nil
        },
        Evidence(name: "User-Agent") { request in
            guard let agent = request.head.fields["user-agent"] else { return nil }
            return agents.first(where: { agent.utf8.starts(with: $0.start.utf8) })?.dialect
        },
        Evidence(name: "query") { request in
            guard let query = request.query else { return nil }
            let isV1 = query.utf8.split(separator: UInt8(ascii: "&")).contains { item in
                let name = item.prefix { $0 != UInt8(ascii: "=") }
                return v1Parameters.contains { $0.utf8.elementsEqual(name) } || name.starts(with: "property-".utf8)
            }
            return isV1 ? "glance-v1" : nil
        },
        Evidence(name: "body") { request in
            guard request.framing != .none, request.framing != .length(0) else { return nil }
            // Plankton takes no data and the servers after 2010 no documents about an image.
            if request.isOctetStream { return "glance-v1" }
            let isImage = request.path.utf8.split(separator: UInt8(ascii: "/")).count == 2
            return request.head.method == "PUT" && isImage ? "glance-2010" : nil
        },
        Evidence(name: "silence of kamaki") { request in
            // It names neither itself nor what it accepts, and always has a token (plankton §8); the clients of 2010
            // are as silent, but know no tokens.
            let fields = request.head.fields
            let isSilent = fields["user-agent"] == nil && fields["accept"] == nil
            return isSilent && fields["accept-encoding"] == "identity" && fields["x-auth-token"] != nil
                ? "plankton" : nil
        },
    ]

    /// Fields of more than one word, which the dialects spell differently.
    private static let compoundNames = [
        "disk_format", "container_format", "is_public", "min_ram", "min_disk", "created_at", "updated_at", "deleted_at",
    ].map { name in
        (
            hyphens: "x-image-meta-" + String(name.map { $0 == "_" ? "-" : $0 }), underscores: "x-image-meta-" + name
        )
    }

    private static let agents = [
        (start: "python-glanceclient", dialect: "glance-v1"), (start: "kamaki", dialect: "plankton"),
    ]

    /// Query parameters that neither Plankton nor the first API has.
    private static let v1Parameters = [
        "limit", "marker", "changes-since", "is_public", "protected", "min_ram", "min_disk",
    ]
}
