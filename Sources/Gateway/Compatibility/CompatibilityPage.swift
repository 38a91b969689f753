import Backends
import Dialects
import Images

/// The compatibility page: what each dialect's clients can ask, how each registry carries it out, and what becomes of every
/// field, out of the tables that plans and tests go by.
public enum CompatibilityPage {
    /// The whole page, Markdown, without the last line's end.
    public static func text() -> String {
        var page = """
            # Compatibility

            Any client dialect works on any backend. This page is printed by `baleen compatibility` from the tables that the
            gateway works by; what holds for a pair is the client's column and the backend's column together. A number in
            square brackets is a difference that no translation can hide: see the last section.

            """
        page += "\n## What clients ask\n\nThe call below the mount, and the status of a success.\n\n"
        page += table(["operation"] + OfferedOperation.dialects, OfferedOperation.all.map(calls))
        page += """

            ## How registries carry it out

            *one call*, *several calls*: that many requests to the registry, all or nothing. *emulated*: the registry has
            nothing like it, the gateway does it with what there is. *relayed*: the message of a v2 client goes on as it is.
            *itself*: the gateway answers. *refused*: what the client is told, in its own dialect's words. With a
            `stagingDirectory`, stage_data and import_image are emulated for glance-2010 and glance-v1.


            """
        page += table(["operation"] + HeldFields.all.map(\.dialect), PlannedOperation.all.map(plans))
        page += """

            ## Fields that clients say and see

            What a creation and an update may say of a field (one word when both may say the same), and behind the arrow what
            is shown. *as is*, *in other words*: nothing is lost. *dropped*: read and ignored. *fixed*: may be repeated, not
            changed. *–*: the dialect has no word for it.


            """
        page += table(["field"] + ShownFields.all.map(\.dialect), shownRows)
        page += """

            ## Fields that registries hold

            *as is*, *in other words*: nothing is lost. *mark*: kept in a custom property that clients never see. *made*: the
            registry's own; what a client says of it is checked or dropped. *refused*: with 400.


            """
        page += table(["field"] + HeldFields.all.map(\.dialect), heldRows)
        page += "\n## Differences\n\n"
        for difference in Difference.allCases {
            page += "\(difference.rawValue). **\(difference.title)**: \(difference.sentence)\n"
            page += "    Test: `\(testName(of: difference))`.\n"
        }
        return String(page.dropLast())
    }

    /// The name of the test that shows a difference.
    static func testName(of difference: Difference) -> String {
        "difference \(difference.rawValue): \(difference.title)"
    }

    private static func table(_ head: [String], _ rows: [[String]]) -> String {
        let lines = [head, head.map { _ in "---" }] + rows
        return lines.map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
    }

    // MARK: Operations

    private static func calls(_ operation: OfferedOperation) -> [String] {
        [operation.name]
            + OfferedOperation.dialects.map { dialect in
                operation.calls[dialect].map { "`\($0.method) \($0.path)` \($0.status)" } ?? "–"
            }
    }

    private static func plans(_ operation: PlannedOperation) -> [String] {
        [operation.name] + HeldFields.all.map { operation.plans[$0.dialect].map(text) ?? "–" }
    }

    private static func text(_ plan: PlannedOperation.Plan) -> String {
        switch plan {
        case .call: "one call"
        case .calls: "several calls"
        case .emulated: "emulated"
        case .relayed: "relayed"
        case .own: "itself"
        case .refused(let kind): "refused (\(kind.rawValue))"
        }
    }

    // MARK: Fields

    private static var shownRows: [[String]] {
        var rows = ImageField.allCases.map { field in [field.rawValue] + ShownFields.all.map { text($0[field]) } }
        for (name, part) in shownParts { rows.append([name] + ShownFields.all.map { text($0[keyPath: part]) }) }
        return rows
    }

    private static var shownParts: [(String, KeyPath<ShownFields, ShownFields.Entry>)] {
        [
            ("tags", \.tags), ("members", \.members), ("status of members", \.memberStatus), ("can_share", \.canShare),
            ("properties", \.properties), ("names of properties", \.propertyNames),
            ("null properties", \.nullProperties),
        ]
    }

    private static func text(_ entry: ShownFields.Entry) -> String {
        let create = text(entry.create)
        let update = text(entry.update)
        let said = create == update ? create : "\(create), then \(update)"
        return "\(said) → \(text(entry.answer))"
    }

    private static func text(_ said: SaidClass) -> String {
        switch said {
        case .native: "as is"
        case .translated: "in other words"
        case .lossy(let number): "as is \(link(number))"
        case .ignored(let number): number.map { "dropped \(link($0))" } ?? "dropped"
        case .fixed: "fixed"
        case .refused: "refused"
        case .absent: "–"
        }
    }

    private static func text(_ shown: ShownClass) -> String {
        switch shown {
        case .native: "as is"
        case .translated: "in other words"
        case .lossy(let number): "as is \(link(number))"
        case .withheld(let number): "not shown \(link(number))"
        }
    }

    private static var heldRows: [[String]] {
        var rows = ImageField.allCases.map { field in
            [field.rawValue]
                + HeldFields.all.map { held in text(held[field]) + (held.exceptions[field].map { " " + link($0) } ?? "")
                }
        }
        for (name, part) in heldParts { rows.append([name] + HeldFields.all.map { text($0[keyPath: part]) }) }
        return rows
    }

    private static var heldParts: [(String, KeyPath<HeldFields, FieldClass>)] {
        [
            ("tags", \.tags), ("members", \.members), ("status of members", \.memberStatus), ("can_share", \.canShare),
        ]
    }

    /// The class of every field for one pair of dialects: what is said of it (nil: nobody says anything), held, and shown;
    /// fields of one class together, in the order of the page.
    static func classes(client: String, backend: String, isCreation: Bool?) -> [(classes: String, fields: [String])] {
        guard let shown = ShownFields.all.first(where: { $0.dialect.sameBytes(as: client) }),
            let held = HeldFields.all.first(where: { $0.dialect.sameBytes(as: backend) })
        else { return [] }
        let parts =
            ImageField.allCases.map { ($0.rawValue, shown[$0], text(held[$0])) }
            + heldParts.compactMap { name, part in
                shownParts.first { $0.0.sameBytes(as: name) }.map {
                    (name, shown[keyPath: $0.1], text(held[keyPath: part]))
                }
            }
        var groups: [(classes: String, fields: [String])] = []
        for (name, entry, kept) in parts {
            let said = isCreation.map { text($0 ? entry.create : entry.update) + " → " } ?? ""
            let classes = "\(said)\(kept) → \(text(entry.answer))"
            if let place = groups.firstIndex(where: { $0.classes.sameBytes(as: classes) }) {
                groups[place].fields.append(name)
            } else {
                groups.append((classes, [name]))
            }
        }
        return groups
    }

    private static func text(_ held: FieldClass) -> String {
        switch held {
        case .native: "as is"
        case .translated: "in other words"
        case .mark: "mark"
        case .made: "made"
        case .refused: "refused"
        case .lossy(let number): "otherwise \(link(number))"
        }
    }

    private static func link(_ difference: Difference) -> String { "[\(difference.rawValue)]" }
}
