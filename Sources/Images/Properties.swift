/// One custom property. The value is null where a dialect can say so (v1: an empty header).
public struct Property: Sendable, Equatable {
    public var name: String
    public var value: String?

    public init(_ name: String, _ value: String?) {
        self.name = name
        self.value = value
    }

    public static func == (left: Property, right: Property) -> Bool {
        guard left.name.sameBytes(as: right.name) else { return false }
        switch (left.value, right.value) {
        case (nil, nil): return true
        case (let a?, let b?): return a.sameBytes(as: b)
        default: return false
        }
    }
}

/// Custom properties in the order of their source. Names are compared byte by byte, letter case counts (v2 has `Name` and
/// `name` side by side).
public struct Properties: Sendable {
    public private(set) var list: [Property]

    public init(_ list: [Property] = []) {
        self.list = []
        for property in list { set(property.name, property.value) }
    }

    public var count: Int { list.count }
    public var isEmpty: Bool { list.isEmpty }

    /// Outer nil: there is no such property; inner nil: its value is null.
    public subscript(name: String) -> String?? {
        for property in list where property.name.sameBytes(as: name) { return .some(property.value) }
        return nil
    }

    public func contains(_ name: String) -> Bool { list.contains { $0.name.sameBytes(as: name) } }

    /// Sets in place, or appends.
    public mutating func set(_ name: String, _ value: String?) {
        for index in list.indices where list[index].name.sameBytes(as: name) {
            list[index].value = value
            return
        }
        list.append(Property(name, value))
    }

    public mutating func remove(_ name: String) {
        list.removeAll { $0.name.sameBytes(as: name) }
    }

    /// Appends without looking for an equal name: for decoders whose source cannot repeat one.
    public mutating func appendUnchecked(_ property: Property) { list.append(property) }
}

extension Properties: Equatable {
    /// The same names with the same values, whatever their order.
    public static func == (left: Properties, right: Properties) -> Bool {
        left.count == right.count
            && left.list.allSatisfy { property in right.list.contains { $0 == property } }
    }
}
