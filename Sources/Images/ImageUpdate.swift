/// A change to one image, in canonical terms.
public struct ImageUpdate: Sendable {
    public var id: String
    /// The fields and properties said. A property with a null value stays null; see `removals` for removing.
    public var image: Image
    /// Properties to remove by name (Plankton: sent with an empty value).
    public var removals: [String]
    /// Properties that must be there before, else conflict `Property x does not exist.` (image-v2 §7.1).
    public var required: [String]
    /// Properties that must not be there before, else conflict (image-v2 §7.1, `add` of the older media type).
    public var forbidden: [String]
    /// Properties not named are removed (v1 default), marks and read-only ones excepted.
    public var purgesProperties: Bool
    public var source: DataSource
    /// Fields that a client may name but not change: compared, never written.
    public var guards: [FieldGuard]
    /// How the client's dialect spells property names it cannot tell apart (mapping §4.3).
    public var fold: PropertyFold
    /// What the gateway found at the `pithos:` location that the update names: as in `ImageCreation.verified`.
    public var verified: VerifiedObject?
    /// What the client would be shown for a field of the present image: an update value equal to it changes nothing
    /// (echo rule, mapping §4.3). Nil result: as the image has it.
    public var shown: @Sendable (ImageField, Image) -> FieldValue?

    public init(
        id: String, image: Image, removals: [String] = [], required: [String] = [], forbidden: [String] = [],
        purgesProperties: Bool = false, source: DataSource = .none, guards: [FieldGuard] = [],
        fold: PropertyFold = .exact, verified: VerifiedObject? = nil,
        shown: @escaping @Sendable (ImageField, Image) -> FieldValue? = { _, _ in nil }
    ) {
        self.id = id
        self.image = image
        self.removals = removals
        self.required = required
        self.forbidden = forbidden
        self.purgesProperties = purgesProperties
        self.source = source
        self.guards = guards
        self.fold = fold
        self.verified = verified
        self.shown = shown
    }
}

/// A field that must equal the present value when it is named.
public struct FieldGuard: Sendable {
    public enum Scope: Sendable {
        case always
        /// Only while the image is `active` or `deactivated`, and not for administrators (glance-v1 §5.3).
        case whileActive
        /// May be named only while the image is `queued`, whatever the value (image-v2 §5).
        case unlessQueued
        /// Named, but ignored: neither compared nor written.
        case ignored
    }

    public var field: ImageField
    public var scope: Scope
    /// What is answered when the value differs.
    public var failure: Failure

    public init(_ field: ImageField, _ scope: Scope, _ failure: Failure) {
        self.field = field
        self.scope = scope
        self.failure = failure
    }
}

/// Which spellings of a property name a header dialect takes for one.
public enum PropertyFold: Sendable {
    /// Every spelling is a name of its own (v2).
    case exact
    /// ASCII letters small, `-` is `_` (v1, 2010).
    case header
    /// ASCII letters small, every ASCII punctuation is `_` (plankton §5).
    case plankton

    public func apply(_ name: String) -> String {
        guard self != .exact else { return name }
        return String(
            decoding: name.utf8.map { byte -> UInt8 in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
                case UInt8(ascii: "-"): UInt8(ascii: "_")
                case 0x21...0x2f, 0x3a...0x40, 0x5b...0x60, 0x7b...0x7e: self == .plankton ? UInt8(ascii: "_") : byte
                default: byte
                }
            }, as: UTF8.self)
    }

    /// The existing property that `name` addresses: an exact match first, else the first by code point that folds to the
    /// same text, else `name` itself (mapping §4.3).
    public func target(of name: String, in properties: Properties) -> String {
        if self == .exact || properties.contains(name) { return name }
        let folded = apply(name)
        return properties.list.map(\.name)
            .filter { apply($0).sameBytes(as: folded) }
            .min { $0.precedesByCodePoint($1) } ?? name
    }
}

/// What really changes: the difference between an update and the present image.
public struct ImageChanges: Sendable {
    public var fields: [(field: ImageField, value: FieldValue)] = []
    public var setProperties: [Property] = []
    public var removedProperties: [String] = []
    /// All of the image's tags from now on; nil: no change.
    public var tags: [String]?

    public init() {}

    public var isEmpty: Bool {
        fields.isEmpty && setProperties.isEmpty && removedProperties.isEmpty && tags == nil
    }

    /// Applied to an image.
    public func apply(to image: inout Image) {
        for change in fields { image[change.field] = change.value }
        for property in setProperties { image.properties.set(property.name, property.value) }
        for name in removedProperties { image.properties.remove(name) }
        if let tags { image.tags = tags }
    }
}

extension ImageUpdate {
    /// Works out what changes on the present image.
    ///
    /// - Parameter keeps: properties that are never purged, beside those named (marks, read-only ones).
    /// - Throws: the failure of the first guard that does not hold.
    public func changes(
        on current: Image, by caller: Caller, keeping keeps: (String) -> Bool = { _ in false }
    ) throws(Failure) -> ImageChanges {
        for name in required where !current.properties.contains(name) {
            throw Failure(.conflict, "Property \(name) does not exist.")
        }
        for name in forbidden where current.properties.contains(name) {
            throw Failure(.conflict, "Property \(name) already present.")
        }
        var changes = ImageChanges()
        for field in image.statedFields {
            let wanted = image[field]
            let present = current[field]
            if let guarding = guards.first(where: { $0.field == field }) {
                try check(guarding, wanted: wanted, present: present, current: current, caller: caller)
                if guarding.scope != .unlessQueued { continue }
            }
            if field == .location { continue }
            if Self.same(wanted, present) { continue }
            if let shown = shown(field, current), Self.same(wanted, shown) { continue }
            changes.fields.append((field, wanted))
        }
        if let tags = image.tags, !Self.sameTags(tags, current.tags ?? []) { changes.tags = tags }
        collectProperties(of: current, keeping: keeps, into: &changes)
        return changes
    }

    private func check(
        _ guarding: FieldGuard, wanted: FieldValue, present: FieldValue, current: Image, caller: Caller
    ) throws(Failure) {
        switch guarding.scope {
        case .ignored: return
        case .unlessQueued:
            guard current.status == .queued else { throw guarding.failure }
            return
        case .whileActive:
            guard current.status == .active || current.status == .deactivated, !caller.isAdministrator else { return }
        case .always: break
        }
        let shown = shown(guarding.field, current) ?? present
        guard Self.same(wanted, present) || Self.same(wanted, shown) else { throw guarding.failure }
    }

    private func collectProperties(of current: Image, keeping keeps: (String) -> Bool, into changes: inout ImageChanges)
    {
        var named: [String] = []
        for property in image.properties.list {
            let target = fold.target(of: property.name, in: current.properties)
            named.append(target)
            if let present = current.properties[target], Property(target, present) == Property(target, property.value) {
                continue
            }
            changes.setProperties.append(Property(target, property.value))
        }
        for name in removals {
            let target = fold.target(of: name, in: current.properties)
            named.append(target)
            if current.properties.contains(target) { changes.removedProperties.append(target) }
        }
        guard purgesProperties else { return }
        for property in current.properties.list
        where !keeps(property.name) && !named.contains(where: { $0.sameBytes(as: property.name) }) {
            changes.removedProperties.append(property.name)
        }
    }

    /// Tags are a set (mapping §9).
    private static func sameTags(_ left: [String], _ right: [String]) -> Bool {
        Set(left.map { Array($0.utf8) }) == Set(right.map { Array($0.utf8) })
    }

    /// Absent and null are the same on a registry's side; so are size null and 0 (mapping §3.9).
    private static func same(_ left: FieldValue, _ right: FieldValue) -> Bool {
        switch (left, right) {
        case (.null, .absent), (.absent, .null), (.integer(0), .null), (.integer(0), .absent), (.null, .integer(0)):
            true
        default: left == right
        }
    }
}
