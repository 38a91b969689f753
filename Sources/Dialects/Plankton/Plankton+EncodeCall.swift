import Bytes
import HTTP
public import Images

extension Plankton {
    /// Requests to a Plankton server (plankton §3, §10): one function for each call, nothing but encoding. Metadata are in
    /// the server's own words.
    public struct Calls: Sendable {
        /// Longest request id that is passed on.
        private static let maxRequestID = 64

        /// Sent as `X-Auth-Token`; nil: none.
        public var token: String?
        /// Empty: none is sent.
        public var requestID: String
        /// What stands before `/images`: `/v1.0`, or nothing before 0.14.
        public var prefix: String

        public init(token: String?, requestID: String, prefix: String = "/v1.0") {
            self.token = token
            self.requestID = requestID
            self.prefix = prefix
        }

        private func call(_ method: String, _ path: String, document: [UInt8]? = nil) -> RegistryCall {
            var fields = Fields()
            if let token { fields.append("X-Auth-Token", token) }
            if !requestID.isEmpty, requestID.utf8.count <= Self.maxRequestID {
                fields.append("X-Openstack-Request-ID", requestID)
            }
            return RegistryCall(method, prefix + path, fields: fields, document: document)
        }

        private static func path(_ id: String, _ tail: String = "") -> String {
            "/images/" + PercentCoding.encode(id) + tail
        }

        private static func memberPath(_ id: String, _ member: String) -> String {
            path(id, "/members/" + segment(member))
        }

        /// A segment of dots only would be a step upwards for whoever normalizes the path.
        private static func segment(_ text: String) -> String {
            let isDots = text.utf8.allSatisfy { $0 == UInt8(ascii: ".") }
            return PercentCoding.encode(text, keeping: isDots ? ByteSet.alphanumeric : .unreserved)
        }

        /// No filters: servers since 0.14 check them and apply none (plankton §1).
        public func list(isDetailed: Bool, sortedBy key: ImageField, isAscending: Bool) -> RegistryCall {
            let path = isDetailed ? "/images/detail" : "/images/"
            return call("GET", "\(path)?sort_key=\(key.rawValue)&sort_dir=\(isAscending ? "asc" : "desc")")
        }

        public func show(_ id: String) -> RegistryCall { call("HEAD", Self.path(id)) }

        public func download(_ id: String) -> RegistryCall { call("GET", Self.path(id)) }

        /// - Parameter image: with name and location. Its size is never sent: servers since 0.16 refuse even the right one.
        public func register(_ image: Image) -> RegistryCall {
            var call = call("POST", "/images/", document: [])
            Self.write(image, removing: [], to: &call.fields)
            return call
        }

        /// - Parameter removals: property keys, sent with an empty value.
        public func update(_ id: String, _ image: Image, removing removals: [String]) -> RegistryCall {
            var call = call("PUT", Self.path(id), document: [])
            Self.write(image, removing: removals, to: &call.fields)
            return call
        }

        public func delete(_ id: String) -> RegistryCall { call("DELETE", Self.path(id)) }

        public func members(_ id: String) -> RegistryCall { call("GET", Self.path(id, "/members")) }

        public func replaceMembers(_ id: String, _ members: [String]) -> RegistryCall {
            var writer = JSONWriter(ascii: true)
            writer.beginObject()
            writer.key("memberships")
            writer.beginArray()
            for member in members {
                writer.beginObject()
                writer.key("member_id")
                writer.string(member)
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
            var call = call("PUT", Self.path(id, "/members"), document: writer.take())
            call.fields.append("Content-Type", "application/json")
            return call
        }

        public func addMember(_ id: String, _ member: String) -> RegistryCall {
            call("PUT", Self.memberPath(id, member), document: [])
        }

        public func removeMember(_ id: String, _ member: String) -> RegistryCall {
            call("DELETE", Self.memberPath(id, member))
        }

        public func sharedImages(_ member: String) -> RegistryCall {
            call("GET", "/shared-images/" + Self.segment(member))
        }

        /// Fields that a call may carry, in the order of the guide's examples.
        private static let sent: [ImageField] = [
            .name, .location, .diskFormat, .containerFormat, .isPublic, .status, .checksum,
        ]

        private static func write(_ image: Image, removing removals: [String], to fields: inout Fields) {
            for field in sent {
                guard let rule = rules.first(where: { $0.field == field }), let text = text(of: field, image) else {
                    continue
                }
                fields.append(Plankton.prefix + rule.header, text)
            }
            for property in image.properties.list {
                let value = PercentCoding.encode(property.value ?? "", keeping: fullyKept)
                fields.append(header(ofProperty: property.name), value)
            }
            for key in removals { fields.append(header(ofProperty: key), "") }
        }

        private static func text(of field: ImageField, _ image: Image) -> String? {
            switch image[field] {
            case .text(let text): field == .name ? PercentCoding.encode(text, keeping: fullyKept) : text
            case .boolean(let flag): flag ? "True" : "False"
            case .absent, .null, .integer, .time: nil
            }
        }

        /// Hyphens only: front ends drop names with `_` (plankton §4).
        private static func header(ofProperty key: String) -> String {
            let hyphened = key.utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }
            return Plankton.prefix + propertyPrefix + PercentCoding.encode(hyphened, keeping: fullyKeptInNames)
        }
    }
}
