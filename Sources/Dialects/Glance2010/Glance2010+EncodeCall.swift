import Bytes
import HTTP
public import Images

extension Glance2010 {
    /// Requests to a registry of this dialect (glance-2010 §8): no slash at the end, no query, no version.
    public struct Calls: Sendable {
        /// Longest request id that is passed on.
        static let maxRequestID = 64

        /// Sent as `X-Auth-Token`; nil: none.
        public var token: String?
        public var requestID: String

        public init(token: String?, requestID: String) {
            self.token = token
            self.requestID = requestID
        }

        public func list() -> RegistryCall { call("GET", "/images/detail") }

        public func show(_ id: String) -> RegistryCall { call("HEAD", Self.path(id)) }

        public func download(_ id: String) -> RegistryCall {
            var call = call("GET", Self.path(id))
            call.fields.set("Accept", "*/*")
            return call
        }

        public func delete(_ id: String) -> RegistryCall { call("DELETE", Self.path(id)) }

        /// Data, if any, go beside the call.
        public func create(_ image: Image, hasData: Bool) throws(Failure) -> RegistryCall {
            try call("POST", "/images", image, hasData: hasData)
        }

        /// Everything that the image says is changed, all else stays.
        public func update(_ id: String, _ image: Image, hasData: Bool = false) throws(Failure) -> RegistryCall {
            try call("PUT", Self.path(id), image, hasData: hasData)
        }

        // MARK: Parts

        /// Everything but unreserved characters coded; a name of dots only too, so that nobody takes it for a step
        /// upwards.
        static func path(_ id: String) -> String {
            let isDots = id.utf8.allSatisfy { $0 == UInt8(ascii: ".") }
            return "/images/" + PercentCoding.encode(id, keeping: isDots ? ByteSet.alphanumeric : .unreserved)
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

        private func call(
            _ method: String, _ target: String, _ image: Image, hasData: Bool
        ) throws(Failure) -> RegistryCall {
            var call = call(method, target)
            if hasData { call.fields.append("Content-Type", "application/octet-stream") }
            for rule in Glance2010.rules {
                guard let value = Self.value(rule, of: image) else { continue }
                try Self.check(value, of: rule.name)
                call.fields.append(rule.header, value)
            }
            for property in image.properties.list {
                let value = property.value ?? ""
                guard !property.name.isEmpty, property.name.utf8.allSatisfy(ByteSet.token.contains) else {
                    throw Failure(.badRequest, "This registry cannot hold a property named \(property.name)")
                }
                try Self.check(value, of: property.name)
                call.fields.append(Glance2010.propertyPrefix + property.name, value)
            }
            return call
        }

        /// Nil: the header is left out.
        private static func value(_ rule: FieldRule, of image: Image) -> String? {
            guard let field = rule.field else {
                guard rule.name == "type", !image[.diskFormat].isAbsent || !image[.containerFormat].isAbsent else {
                    return nil
                }
                return ValueRules.imageType(of: image)
            }
            guard Self.sent.contains(field) else { return nil }
            switch image[field] {
            case .absent: return nil
            // An empty text is the only one that release 0.1.7 takes for false.
            case .null, .boolean(false): return ""
            case .text(let text): return text
            case .integer(let number): return String(number)
            case .boolean(true): return "True"
            case .time: return nil
            }
        }

        /// The fields that a registry of this dialect takes.
        private static let sent: [ImageField] = [.id, .name, .size, .store, .location, .isPublic]

        private static func check(_ value: String, of name: String) throws(Failure) {
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw Failure(.badRequest, "This registry cannot hold the value of \(name): it has control characters")
            }
        }
    }
}
