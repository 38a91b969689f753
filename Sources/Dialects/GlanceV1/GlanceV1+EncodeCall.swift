import Bytes
import HTTP
public import Images

extension GlanceV1 {
    /// Requests to a registry of this dialect (glance-v1 §10): each header once, underscores, raw UTF-8, purging always
    /// said.
    public struct Calls: Sendable {
        /// Longest request id that is passed on.
        static let maxRequestID = 64
        private static let root = "/v1/images"

        /// Sent as `X-Auth-Token`; nil: none.
        public var token: String?
        public var requestID: String

        public init(token: String?, requestID: String) {
            self.token = token
            self.requestID = requestID
        }

        /// Detail entries only: marks are among the properties.
        public func list(_ pairs: [(String, String)]) -> RegistryCall {
            let query = pairs.map {
                PercentCoding.encode($0.0, keeping: .unreserved) + "="
                    + PercentCoding.encode($0.1, keeping: .unreserved)
            }
            return call("GET", Self.root + "/detail?" + query.joined(separator: "&"))
        }

        public func show(_ id: String) -> RegistryCall { call("HEAD", Self.path(id)) }

        public func download(_ id: String) -> RegistryCall {
            var call = call("GET", Self.path(id))
            call.fields.set("Accept", "*/*")
            return call
        }

        public func delete(_ id: String) -> RegistryCall { call("DELETE", Self.path(id)) }

        public func create(_ metadata: Metadata) throws(Failure) -> RegistryCall {
            try call("POST", Self.root, metadata)
        }

        /// - Parameter purges: properties that are not named are removed; data never go with it (glance-v1 §5.3).
        public func update(_ id: String, _ metadata: Metadata, purges: Bool) throws(Failure) -> RegistryCall {
            var call = try call("PUT", Self.path(id), metadata)
            call.fields.append("x-glance-registry-purge-props", purges ? "true" : "false")
            return call
        }

        // MARK: Members (glance-v1 §6)

        public func members(_ id: String) -> RegistryCall { call("GET", Self.path(id, "/members")) }

        public func replaceMembers(_ id: String, _ members: [Member]) -> RegistryCall {
            let list = members.map { member in
                var entry = JSONObject(["member_id": .string(member.id)])
                if let canShare = member.canShare { entry.append("can_share", .boolean(canShare)) }
                return JSONValue.object(entry)
            }
            return document(["memberships": .array(list)], "PUT", Self.path(id, "/members"))
        }

        /// `can_share` is always said: without it release 16 does not bring a removed membership back.
        public func addMember(_ id: String, _ member: String, canShare: Bool) -> RegistryCall {
            let entry = JSONObject(["can_share": .boolean(canShare)])
            return document(["member": .object(entry)], "PUT", Self.memberPath(id, member))
        }

        public func removeMember(_ id: String, _ member: String) -> RegistryCall {
            call("DELETE", Self.memberPath(id, member))
        }

        public func sharedImages(_ member: String) -> RegistryCall {
            call("GET", "/v1/shared-images/" + Self.segment(member))
        }

        // MARK: Parts

        /// Everything but unreserved characters coded.
        private static func path(_ id: String, _ tail: String = "") -> String { root + "/" + segment(id) + tail }

        private static func memberPath(_ id: String, _ member: String) -> String {
            path(id, "/members/" + segment(member))
        }

        /// A name of dots only is coded too, so that nobody takes it for a step upwards.
        private static func segment(_ text: String) -> String {
            let isDots = text.utf8.allSatisfy { $0 == UInt8(ascii: ".") }
            return PercentCoding.encode(text, keeping: isDots ? ByteSet.alphanumeric : .unreserved)
        }

        private func call(_ method: String, _ target: String) -> RegistryCall {
            var fields = Fields()
            if let token { fields.append("X-Auth-Token", token) }
            fields.append("Accept", "application/json")
            if !requestID.isEmpty, requestID.utf8.count <= Self.maxRequestID {
                fields.append("X-Openstack-Request-ID", requestID)
            }
            return RegistryCall(method, target, fields: fields)
        }

        private func document(_ object: JSONObject, _ method: String, _ target: String) -> RegistryCall {
            var call = call(method, target)
            call.fields.append("Content-Type", "application/json")
            var writer = JSONWriter()
            writer.value(.object(object))
            call.document = writer.take()
            return call
        }

        private func document(
            _ members: KeyValuePairs<String, JSONValue>, _ method: String, _ target: String
        ) -> RegistryCall {
            document(JSONObject(members), method, target)
        }

        private func call(_ method: String, _ target: String, _ metadata: Metadata) throws(Failure) -> RegistryCall {
            var call = call(method, target)
            if metadata.hasData { call.fields.append("Content-Type", "application/octet-stream") }
            for (name, value) in try metadata.headers() { call.fields.append(name, value) }
            return call
        }
    }

    /// What a POST or PUT says of an image, in the registry's words.
    public struct Metadata: Sendable {
        /// Fields that are absent are not sent; the properties are all sent.
        public var image: Image
        /// The data go beside the call.
        public var hasData = false
        /// Without data the registry makes an image of size 0 active at once, so 0 is sent only when that is meant.
        public var isActiveWhenEmpty = false
        /// The registry fetches a copy from there.
        public var copySource: String?

        public init(_ image: Image) { self.image = image }

        /// What a registry takes; status, times and the like make it fail (glance-v1 §10).
        private static let sent: [ImageField] = [
            .id, .name, .diskFormat, .containerFormat, .size, .checksum, .location, .store, .owner, .isPublic, .minRAM,
            .minDisk, .protected,
        ]

        /// - Throws: `badRequest` for a value that no header carries.
        func headers() throws(Failure) -> [(name: String, value: String)] {
            var headers: [(name: String, value: String)] = []
            for rule in GlanceV1.rules {
                guard let field = rule.field, Self.sent.contains(field), let value = text(of: field) else { continue }
                guard !FieldMarks.isFragile(value) else { throw Self.refusal(field.rawValue) }
                headers.append((rule.header, value))
            }
            for property in image.properties.list {
                let value = property.value ?? ""
                guard !property.name.isEmpty, property.name.utf8.allSatisfy(ByteSet.token.contains) else {
                    throw Failure(.badRequest, "This registry cannot hold a property named '\(property.name)'")
                }
                // What the registry shows it holds, whatever the bytes at the ends.
                guard !value.utf8.contains(where: FieldMarks.isControl) else { throw Self.refusal(property.name) }
                headers.append((GlanceV1.prefix + GlanceV1.propertyPrefix + property.name, value))
            }
            if let copySource {
                guard !FieldMarks.isFragile(copySource) else { throw Self.refusal("copy-from") }
                headers.append(("x-glance-api-copy-from", copySource))
            }
            return headers
        }

        /// Nil: the header is left out.
        private func text(of field: ImageField) -> String? {
            switch image[field] {
            case .absent: nil
            // An empty format is refused, an empty size fails.
            case .null: [.name, .checksum, .owner].contains(field) ? "" : nil
            case .integer(0) where field == .size: isActiveWhenEmpty ? "0" : nil
            case let value: FieldMarks.text(value)
            }
        }

        private static func refusal(_ name: String) -> Failure {
            Failure(.badRequest, "This registry cannot hold the value of \(name): no header carries it unchanged")
        }
    }
}
