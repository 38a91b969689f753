/// A JSON value that keeps what a translator must not lose: the order of members and the text of numbers.
///
/// Equality is byte-exact: `"é"` composed and decomposed are two different strings, `1.0` and `1` two numbers.
public enum JSONValue: Sendable {
    case null
    case boolean(Bool)
    /// The number's text as it was sent (RFC 8259 §6).
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// The string, nil for every other kind.
    public var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The number when its text is an integer that fits (`5`, `-5`; not `5.0`, `5e0`), nil otherwise.
    public var integer: Int64? {
        if case .number(let text) = self { ASCII.signedDecimal(text.utf8) } else { nil }
    }

    public var boolean: Bool? {
        if case .boolean(let flag) = self { flag } else { nil }
    }

    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    public var array: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    public var object: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    public static func integer(_ value: Int64) -> JSONValue { .number(String(value)) }
}

extension JSONValue: Equatable {
    public static func == (a: JSONValue, b: JSONValue) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.boolean(let a), .boolean(let b)): a == b
        case (.number(let a), .number(let b)), (.string(let a), .string(let b)): ASCII.sameBytes(a, b)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }
}

/// The members of a JSON object in the order sent. Keys are compared byte by byte.
public struct JSONObject: Sendable, Equatable {
    public struct Member: Sendable, Equatable {
        public let key: String
        public var value: JSONValue

        public init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }

        public static func == (a: Member, b: Member) -> Bool {
            ASCII.sameBytes(a.key, b.key) && a.value == b.value
        }
    }

    public var members: [Member]

    public init(_ members: [Member] = []) {
        self.members = members
    }

    public init(_ pairs: KeyValuePairs<String, JSONValue>) {
        members = pairs.map { Member(key: $0.key, value: $0.value) }
    }

    /// The value of a key; setting nil removes the member, setting a new key appends it.
    public subscript(_ key: String) -> JSONValue? {
        get { members.first { ASCII.sameBytes($0.key, key) }?.value }
        set {
            let place = members.firstIndex { ASCII.sameBytes($0.key, key) }
            switch (place, newValue) {
            case (let place?, let value?): members[place].value = value
            case (let place?, nil): members.remove(at: place)
            case (nil, let value?): members.append(Member(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Adds a member without looking for an equal key: the caller knows that there is none.
    public mutating func append(_ key: String, _ value: JSONValue) {
        members.append(Member(key: key, value: value))
    }
}
