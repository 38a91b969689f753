public import Bytes
public import HTTP
import Images

/// Requests to an Image API v2 registry (image-v2 §7): one function for each call, nothing but encoding.
public struct ImageV2Calls: Sendable {
    /// Longest request id that the registry takes; it fails on a longer one (image-v2 §1).
    static let maxRequestID = 64
    public static let patchType = "application/openstack-images-v2.1-json-patch"

    /// Sent as `X-Auth-Token`; nil: none.
    public var token: String?
    public var requestID: String

    public init(token: String?, requestID: String) {
        self.token = token
        self.requestID = requestID
    }

    private var fields: Fields {
        var fields = Fields()
        if let token { fields.append("X-Auth-Token", token) }
        fields.append("Accept", "application/json")
        addRequestID(to: &fields)
        return fields
    }

    /// Longer ids than the registry takes are left out.
    public func addRequestID(to fields: inout Fields) {
        guard !requestID.isEmpty, requestID.utf8.count <= Self.maxRequestID else { return }
        fields.append("X-Openstack-Request-ID", requestID)
    }

    private func document(_ value: JSONValue, _ method: String, _ target: String, type: String = "application/json")
        -> RegistryCall
    {
        var writer = JSONWriter()
        writer.value(value)
        var fields = fields
        fields.append("Content-Type", type)
        return RegistryCall(method, target, fields: fields, document: writer.take())
    }

    /// `/v2/images/ID`, everything but unreserved characters coded.
    public static func path(_ id: String, _ tail: String = "") -> String {
        "/v2/images/" + segment(id) + tail
    }

    /// One path segment; a name of dots only is coded too, so that nobody takes it for a step upwards.
    private static func segment(_ text: String) -> String {
        let isDots = text.utf8.allSatisfy { $0 == UInt8(ascii: ".") }
        return PercentCoding.encode(text, keeping: isDots ? ByteSet.alphanumeric : .unreserved)
    }

    public func list(_ pairs: [(String, String)]) -> RegistryCall {
        let query = pairs.map {
            PercentCoding.encode($0.0, keeping: .unreserved) + "=" + PercentCoding.encode($0.1, keeping: .unreserved)
        }
        return RegistryCall("GET", "/v2/images?" + query.joined(separator: "&"), fields: fields)
    }

    public func show(_ id: String) -> RegistryCall { RegistryCall("GET", Self.path(id), fields: fields) }

    public func create(_ object: JSONObject) -> RegistryCall { document(.object(object), "POST", "/v2/images") }

    public func patch(_ id: String, _ operations: [JSONValue]) -> RegistryCall {
        document(.array(operations), "PATCH", Self.path(id), type: Self.patchType)
    }

    public func delete(_ id: String) -> RegistryCall { RegistryCall("DELETE", Self.path(id), fields: fields) }

    /// - Parameter range: offsets within the data; nil: all of them.
    public func download(_ id: String, range: Range<Int64>? = nil) -> RegistryCall {
        var call = RegistryCall("GET", Self.path(id, "/file"), fields: fields)
        call.fields.set("Accept", "*/*")
        if let range { call.fields.append("Range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)") }
        return call
    }

    /// The data goes beside the call.
    ///
    /// - Parameters:
    ///   - size: bytes when known and not 0; the registry then refuses any other number.
    ///   - store: id of the store that is to take them.
    public func upload(_ id: String, size: Int64?, store: String?) -> RegistryCall {
        var call = RegistryCall("PUT", Self.path(id, "/file"), fields: fields)
        call.fields.append("Content-Type", "application/octet-stream")
        if let size, size > 0 { call.fields.append("x-openstack-image-size", String(size)) }
        if let store { call.fields.append("X-Image-Meta-Store", store) }
        return call
    }

    public func webDownload(_ id: String, from url: String) -> RegistryCall {
        let method = JSONObject([
            .init(key: "name", value: .string("web-download")), .init(key: "uri", value: .string(url)),
        ])
        return document(
            .object(JSONObject([.init(key: "method", value: .object(method))])), "POST", Self.path(id, "/import"))
    }

    public func addLocation(_ id: String, _ url: String) -> RegistryCall {
        document(.object(JSONObject([.init(key: "url", value: .string(url))])), "POST", Self.path(id, "/locations"))
    }

    public func members(_ id: String) -> RegistryCall { RegistryCall("GET", Self.path(id, "/members"), fields: fields) }

    public func addMember(_ id: String, _ member: String) -> RegistryCall {
        document(.object(JSONObject([.init(key: "member", value: .string(member))])), "POST", Self.path(id, "/members"))
    }

    public func removeMember(_ id: String, _ member: String) -> RegistryCall {
        RegistryCall("DELETE", memberPath(id, member), fields: fields)
    }

    public func acceptMember(_ id: String, _ member: String) -> RegistryCall {
        document(
            .object(JSONObject([.init(key: "status", value: .string("accepted"))])), "PUT", memberPath(id, member))
    }

    private func memberPath(_ id: String, _ member: String) -> String {
        Self.path(id, "/members/" + Self.segment(member))
    }

    public func schema() -> RegistryCall { RegistryCall("GET", "/v2/schemas/image", fields: fields) }

    public func stores() -> RegistryCall { RegistryCall("GET", "/v2/info/stores", fields: fields) }
}
