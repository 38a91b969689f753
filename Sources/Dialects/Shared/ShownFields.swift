public import Images

/// What a client of some dialect can say of a field of the canonical image, and what becomes of it (mapping §2, §3).
public enum SaidClass: Sendable, Equatable {
    /// In the same words.
    case native
    /// In other words that mean the same.
    case translated
    /// Taken, but not exactly as it was said: the numbered difference says how.
    case lossy(Difference)
    /// Read and dropped; nil: the field is the registry's own in every dialect.
    case ignored(Difference?)
    /// May be repeated, never changed: another value is refused.
    case fixed
    /// Refused.
    case refused
    /// The dialect has no word for it.
    case absent
}

/// What a client of some dialect is told of a field of the canonical image (mapping §2, §3).
public enum ShownClass: Sendable, Equatable {
    case native
    case translated
    /// Some values are shown otherwise or not at all: the numbered difference says which.
    case lossy(Difference)
    /// Never shown: the numbered difference says why.
    case withheld(Difference)
}

/// The other half of ``HeldFields``: how clients of one dialect say the canonical fields and are told of them. What is taken
/// and what is shown stands in the dialect's own rules and is read from there; here stands only what its values lose.
public struct ShownFields: Sendable {
    public struct Entry: Sendable, Equatable {
        /// When an image is made (Plankton: registered), and when it is changed.
        public let create: SaidClass
        public let update: SaidClass
        public let answer: ShownClass

        init(_ create: SaidClass, _ update: SaidClass, _ answer: ShownClass) {
            self.create = create
            self.update = update
            self.answer = answer
        }
    }

    /// The dialect's name in configuration.
    public let dialect: String
    private let entries: [ImageField: Entry]
    public let tags: Entry
    public let members: Entry
    public let memberStatus: Entry
    public let canShare: Entry
    public let properties: Entry
    /// The spelling of property names.
    public let propertyNames: Entry
    /// Properties whose value is null.
    public let nullProperties: Entry

    public subscript(field: ImageField) -> Entry { entries[field] ?? Self.unknown }

    private static let unknown = Entry(.absent, .absent, .withheld(.noWord))
    private static let native = Entry(.native, .native, .native)

    /// How the clients of the dialect spell a property's name.
    private static func names(_ number: Difference) -> Entry { Entry(.lossy(number), .lossy(number), .native) }

    /// In the order of the compatibility page.
    public static let all = [glance2010, glanceV1, plankton, imageV2]
}

// MARK: - The dialects

extension ShownFields {
    /// What a dialect's rules say of one field.
    private struct Rule {
        var create: SaidClass = .absent
        var update: SaidClass = .absent
        var isShown = false
    }

    /// - Parameters:
    ///   - rule: read from the dialect's own table; nil: it has none for the field.
    ///   - translated: fields whose values are told in other words.
    ///   - lossy: fields some of whose values are told otherwise, or not at all.
    ///   - withheld: fields that are not shown, for a reason that has a number.
    private static func entries(
        translated: [ImageField], lossy: [ImageField: Difference], withheld: [ImageField: Difference],
        _ rule: (ImageField) -> Rule?
    ) -> [ImageField: Entry] {
        var entries: [ImageField: Entry] = [:]
        for field in ImageField.allCases {
            let rule = rule(field) ?? Rule()
            let isTranslated = translated.contains(field)
            func said(_ said: SaidClass) -> SaidClass { said == .native && isTranslated ? .translated : said }
            let answer: ShownClass =
                if !rule.isShown {
                    withheld[field].map { .withheld($0) } ?? .withheld(.noWord)
                } else if let number = lossy[field] {
                    .lossy(number)
                } else {
                    isTranslated ? .translated : .native
                }
            entries[field] = Entry(said(rule.create), said(rule.update), answer)
        }
        return entries
    }

    /// Times are the registry's own, whatever a client says (mapping §3.8).
    private static func ignored(_ field: ImageField) -> SaidClass {
        .ignored(field.kind == .time ? .clientTimes : nil)
    }

    private static func guarded(_ guards: [FieldGuard], _ field: ImageField) -> SaidClass? {
        switch guards.first(where: { $0.field == field })?.scope {
        case .always?, .whileActive?, .unlessQueued?: .fixed
        case .ignored?: .ignored(nil)
        case nil: nil
        }
    }

    /// Glance-v1 §2.2, §3.
    public static let glanceV1 = ShownFields(
        dialect: "glance-v1",
        entries: entries(
            translated: [.status], lossy: [.checksum: .checksumWithheld],
            withheld: [
                .location: .locationHidden, .osHashAlgo: .noSecureHash, .osHashValue: .noSecureHash,
                .visibility: .publicOrNot,
            ]
        ) { field in
            guard let rule = GlanceV1.rules.first(where: { $0.field == field }) else { return nil }
            return Rule(
                create: rule.create == .taken ? .native : ignored(field),
                update: guarded(GlanceV1.updateGuards, field) ?? (rule.update == .taken ? .native : ignored(field)),
                isShown: rule.shown != .nowhere)
        },
        tags: unknown, members: native, memberStatus: Entry(.absent, .absent, .withheld(.memberStatus)),
        canShare: native, properties: native, propertyNames: names(.foldedNames), nullProperties: native)

    /// Plankton §4.
    public static let plankton = ShownFields(
        dialect: "plankton",
        entries: entries(
            translated: [.status],
            lossy: [
                .location: .locationHidden, .diskFormat: .plainDump, .createdAt: .wholeSeconds,
                .updatedAt: .wholeSeconds, .deletedAt: .wholeSeconds,
            ],
            withheld: [
                .osHashAlgo: .noSecureHash, .osHashValue: .noSecureHash, .visibility: .publicOrNot,
            ]
        ) { field in
            guard let rule = Plankton.rules.first(where: { $0.field == field }) else { return nil }
            func said(_ access: Plankton.FieldRule.Access) -> SaidClass {
                switch access {
                case .taken: .native
                case .refused: .refused
                case .unknown: .absent
                }
            }
            return Rule(
                create: said(rule.register), update: guarded(Plankton.updateGuards, field) ?? said(rule.update),
                isShown: rule.shown != .nowhere)
        },
        tags: unknown, members: native, memberStatus: Entry(.absent, .absent, .withheld(.memberStatus)),
        canShare: Entry(.ignored(.canShare), .ignored(.canShare), .withheld(.canShare)), properties: native,
        propertyNames: Entry(.lossy(.foldedNames), .lossy(.foldedNames), .lossy(.foldedNames)),
        nullProperties: Entry(.absent, .absent, .withheld(.nullProperty)))

    /// Glance-2010 §2, in the seed's profile.
    public static let glance2010 = ShownFields(
        dialect: "glance-2010",
        entries: entries(
            translated: [.status, .diskFormat, .containerFormat, .store],
            lossy: [.createdAt: .wholeSeconds, .updatedAt: .wholeSeconds, .deletedAt: .wholeSeconds],
            withheld: [
                .location: .locationHidden, .osHashAlgo: .noSecureHash, .osHashValue: .noSecureHash,
                .owner: .noOwners, .visibility: .publicOrNot,
            ]
        ) { field in
            guard let rule = Glance2010.rules.first(where: { $0.field == field }) else { return nil }
            let said: SaidClass = rule.reading == .ignored ? ignored(field) : .native
            // Both formats are shown as one word, the type.
            let isFormat = field == .diskFormat || field == .containerFormat
            return Rule(
                create: said, update: field == .id ? .ignored(nil) : guarded(Glance2010.updateGuards, field) ?? said,
                isShown: rule.seed != .nowhere || isFormat)
        },
        tags: unknown, members: Entry(.absent, .absent, .withheld(.noOwners)),
        memberStatus: Entry(.absent, .absent, .withheld(.noOwners)),
        canShare: Entry(.absent, .absent, .withheld(.noOwners)), properties: native,
        propertyNames: names(.foldedNames), nullProperties: Entry(.native, .native, .translated))

    /// Image-v2 §5; locations stand for the field in a change alone (image-v2 §12).
    public static let imageV2 = ShownFields(
        dialect: "image-v2",
        entries: entries(
            translated: [.isPublic],
            lossy: [
                .checksum: .checksumWithheld, .createdAt: .wholeSeconds, .updatedAt: .wholeSeconds,
                .diskFormat: .plainDump,
            ],
            withheld: [.deletedAt: .deletedImages, .location: .locationHidden, .store: .locationHidden]
        ) { field in
            // Told as visibility.
            if field == .isPublic { return Rule(create: .native, update: .native, isShown: true) }
            if field == .location {
                return Rule(create: .refused, update: said(ImageV2.attribute("locations")?.update))
            }
            guard let rule = ImageV2.attributes.first(where: { $0.field == field }) else { return nil }
            return Rule(
                create: said(rule.create), update: said(rule.update), isShown: ImageV2.shownFields.contains(field))
        },
        tags: Entry(.lossy(.tagOrder), .lossy(.tagOrder), .native), members: native, memberStatus: native,
        canShare: Entry(.absent, .absent, .withheld(.canShare)), properties: native,
        propertyNames: Entry(.native, .native, .lossy(.attributeNames)),
        nullProperties: Entry(.absent, .absent, .lossy(.nullProperty)))

    private static func said(_ access: ImageV2.Attribute.Access?) -> SaidClass {
        switch access {
        case .taken?: .native
        case .readOnly?, .reserved?: .refused
        case .dropped?: .ignored(nil)
        case nil: .absent
        }
    }
}
