import FoundationEssentials

/// A configuration document as it stands, before any key means something.
enum ConfigTree: Sendable, Equatable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case real(Double)
    case text(String)
    case list([ConfigTree])
    case object([String: ConfigTree])

    /// Reads JSON5 (comments, trailing commas, unquoted keys).
    static func parse(_ json5: String) throws -> ConfigTree {
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        return try decoder.decode(Node.self, from: Data(json5.utf8)).tree
    }

    /// As a person would write it, for messages.
    var shown: String {
        switch self {
        case .null: "null"
        case .boolean(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .real(let value): "\(value)"
        case .text(let value): "\"\(value)\""
        case .list: "a list"
        case .object: "an object"
        }
    }
}

/// Decodes whatever stands there.
private struct Node: Decodable {
    let tree: ConfigTree

    struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: Key.self) {
            var members: [String: ConfigTree] = [:]
            for key in object.allKeys { members[key.stringValue] = try object.decode(Node.self, forKey: key).tree }
            tree = .object(members)
        } else if var list = try? decoder.unkeyedContainer() {
            var elements: [ConfigTree] = []
            while !list.isAtEnd { elements.append(try list.decode(Node.self).tree) }
            tree = .list(elements)
        } else {
            let value = try decoder.singleValueContainer()
            if value.decodeNil() {
                tree = .null
            } else if let boolean = try? value.decode(Bool.self) {
                tree = .boolean(boolean)
            } else if let integer = try? value.decode(Int64.self) {
                tree = .integer(integer)
            } else if let real = try? value.decode(Double.self) {
                tree = .real(real)
            } else {
                tree = .text(try value.decode(String.self))
            }
        }
    }
}
