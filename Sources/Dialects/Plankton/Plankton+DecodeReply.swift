public import Bytes
public import HTTP
public import Images

extension Plankton {
    /// An image as a Plankton server shows it, in headers or in an entry of a list (plankton §4 to §6).
    public struct Record: Sendable {
        /// Fields that the answer lacks are absent.
        public private(set) var image = Image()
        /// The status as the server spells it; nil: not said.
        public private(set) var statusWord: String?
        /// Nil: not said, so that the server is older than 0.16, or a gateway.
        public private(set) var isSnapshot: Bool?

        /// Reads the headers of HEAD, register and update.
        ///
        /// - Parameter decodesValues: false for releases to 0.15, which send values as they are.
        /// - Throws: `badGateway` when they describe no image.
        public init(_ fields: Fields, decodesValues: Bool = true) throws(Failure) {
            var misprinted: [Int: String] = [:]
            for field in fields {
                let name = field.name.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : ASCII.lower($0) }
                let text = Self.text(field.value)
                if name.starts(with: Self.propertyStart) {
                    readProperty(name: field.name.dropFirst(Self.propertyStart.count), value: text, decodesValues)
                } else if let place = Self.headers.firstIndex(of: name) {
                    try read(rules[place], decodesValues ? Self.decoded(text, by: rules[place]) : text)
                } else if let place = Self.misprint(name) {
                    misprinted[place] = misprinted[place] ?? text
                }
            }
            for (place, text) in misprinted {
                guard let field = rules[place].field, image[field].isAbsent else { continue }
                try read(rules[place], decodesValues ? Self.decoded(text, by: rules[place]) : text)
            }
            try finish()
        }

        /// Reads an entry of a list, brief or detailed. Nothing in it is percent-encoded but locations.
        ///
        /// - Throws: `badGateway` when it describes no image.
        public init(_ entry: JSONObject) throws(Failure) {
            for member in entry.members {
                if member.key.sameBytes(as: "properties"), let object = member.value.object {
                    readProperties(object)
                } else if let rule = rules.first(where: { $0.key.sameBytes(as: member.key) }) {
                    try read(rule, member.value)
                }
            }
            try finish()
        }

        /// Whole header names by position in `rules`.
        private static let headers = rules.map { Array((prefix + $0.header).utf8) }
        private static let propertyStart = Array((prefix + propertyPrefix).utf8)

        /// The rule that a misprinted name of the guides stands for.
        private static func misprint(_ name: [UInt8]) -> Int? {
            if name.elementsEqual("x-image-created-at".utf8) { return rules.firstIndex { $0.field == .createdAt } }
            return rules.firstIndex { rule in rule.misprints.contains { name.elementsEqual($0.utf8) } }
        }

        private static func text(_ bytes: some Collection<UInt8>) -> String {
            String(validating: bytes, as: UTF8.self) ?? String(decoding: bytes, as: UTF8.self)
        }

        /// Text that is not encoded at all, or whose decoding would be none, stays as it is.
        private static func decoded(_ text: String) -> String {
            String(validating: PercentCoding.decode(text.utf8), as: UTF8.self) ?? text
        }

        private static func decoded(_ text: String, by rule: FieldRule) -> String {
            rule.field == .name ? decoded(text) : text
        }

        private mutating func readProperty(name: ArraySlice<UInt8>, value: String, _ decodesValues: Bool) {
            let key = PropertyFold.plankton.apply(Self.text(PercentCoding.decode(name)))
            // A server that keeps empty values removes nothing else either: for clients they are gone.
            guard !key.isEmpty, !value.isEmpty else { return }
            image.properties.set(key, decodesValues ? Self.decoded(value) : value)
        }

        /// Keys as HEAD shows them, so that an image is the same in both: of those that fold to one another the folded
        /// one, else the first.
        private mutating func readProperties(_ object: JSONObject) {
            var source = Image()
            for member in object.members {
                let value: String? =
                    switch member.value {
                    case .string(let text): text
                    case .number(let text): text
                    case .boolean(let flag): flag ? "True" : "False"
                    case .null, .array, .object: nil
                    }
                guard let value, !value.isEmpty else { continue }
                source.properties.appendUnchecked(Property(member.key, value))
            }
            for (name, value) in HeaderProperties.shown(of: source, fold: .plankton) {
                image.properties.appendUnchecked(Property(PropertyFold.plankton.apply(name), value))
            }
        }

        private mutating func read(_ rule: FieldRule, _ text: String) throws(Failure) {
            switch rule.field?.kind {
            case .integer:
                guard let number = ASCII.decimal(text) else { throw Self.garbled(rule.key) }
                try read(rule, .integer(number))
            case .boolean: try read(rule, .boolean(ASCII.equalIgnoringCase(text, "true")))
            default: try read(rule, .string(text))
            }
        }

        private mutating func read(_ rule: FieldRule, _ value: JSONValue) throws(Failure) {
            guard let field = rule.field else {
                if rule.key.sameBytes(as: "is_snapshot") {
                    isSnapshot = value.boolean ?? value.text.map { ASCII.equalIgnoringCase($0, "true") }
                }
                return
            }
            switch (field.kind, value) {
            case (_, .null): image[field] = .null
            case (.integer, _):
                // A length that cannot be one would be told to clients.
                guard let number = value.integer, number >= 0 else { throw Self.garbled(rule.key) }
                image[field] = .integer(number)
            case (.boolean, .boolean(let flag)): image[field] = .boolean(flag)
            case (.boolean, .string(let text)): image[field] = .boolean(ASCII.equalIgnoringCase(text, "true"))
            case (.time, .string(let text)): image[field] = Timestamp(text).map { .time($0) } ?? .null
            case (.text, .string(let text)): readText(field, text)
            case (.text, .number(let text)) where field == .name || field == .owner: image[field] = .text(text)
            default: throw Self.garbled(rule.key)
            }
        }

        private mutating func readText(_ field: ImageField, _ text: String) {
            switch field {
            case .status:
                statusWord = text
                image[.status] = .text((Plankton.status(meant: text)?.states.first ?? .queued).rawValue)
            case .location: image[.location] = text.isEmpty ? .null : .text(Self.normalized(text))
            case .name, .id: image[field] = .text(text)
            default: image[field] = text.isEmpty ? .null : .text(text)
            }
        }

        /// Servers to 0.15 show locations raw: what is no escape there is made one.
        private static func normalized(_ location: String) -> String {
            (try? PithosLocation(location))?.canonical ?? location
        }

        private func finish() throws(Failure) {
            guard let id = image.text(.id), !id.isEmpty else { throw Self.garbled("id") }
        }

        private static func garbled(_ key: String) -> Failure {
            Failure(.badGateway, "The registry answered with something that is no image", cause: "no sound \(key)")
        }
    }
}
