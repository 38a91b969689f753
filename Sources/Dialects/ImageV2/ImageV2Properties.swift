public import Bytes
public import Images

/// How custom properties are written for one registry: marks, escapes and the site's rules together (mapping §4.2).
public struct ImageV2Properties: Sendable {
    public var marks: Marks?
    public var schema: ImageV2Schema

    public init(marks: Marks?, schema: ImageV2Schema = ImageV2Schema()) {
        self.marks = marks
        self.schema = schema
    }

    /// The key and value under which a property is stored.
    ///
    /// - Throws: `badRequest` when it cannot be stored: the escaped name is too long, or marks are off.
    public func encode(_ property: Property, escaped isForced: Bool = false) throws(Failure) -> JSONObject.Member {
        let prefix = marks?.prefix ?? "gw_"
        let value = property.value ?? ""
        var isEscaped = isForced || ImageV2Names.needsEscape(name: property.name, markPrefix: prefix)
        if !isEscaped {
            if property.value == nil, schema.allowsNull(property.name) {
                return JSONObject.Member(key: property.name, value: .null)
            }
            isEscaped = ImageV2Names.needsEscape(value: value) || !schema.accepts(property.name, value)
        }
        guard isEscaped else { return JSONObject.Member(key: property.name, value: .string(value)) }
        guard let marks else {
            throw Failure(.badRequest, "Property '\(property.name)' cannot be stored by this registry")
        }
        let name = ImageV2Names.escape(property.name)
        guard name.unicodeScalars.count <= ImageV2Names.maxEscapedName else {
            throw Failure(.badRequest, "Name of property '\(property.name.prefix(64))...' is too long")
        }
        return JSONObject.Member(key: marks.escapePrefix + name, value: .string(ImageV2Names.escape(value)))
    }

    /// A mark; refused when marks are off.
    public func mark(_ mark: Mark, _ value: String) throws(Failure) -> JSONObject.Member {
        guard let marks else {
            throw Failure(.badRequest, "This registry cannot hold \(mark.rawValue) \(value)")
        }
        let stored = ImageV2Names.needsEscape(value: value) ? ImageV2Names.escape(value) : value
        return JSONObject.Member(key: marks.name(mark), value: .string(stored))
    }
}
