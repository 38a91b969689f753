public import Bytes

/// A site's rules for single custom properties, from the registry's image schema (image-v2 §14).
public struct ImageV2Schema: Sendable {
    struct Rule: Sendable {
        var allowsNull = false
        var pattern: String?
        var choices: [String]?
        var maxLength: Int?
    }

    /// Values longer than this are not tried against a pattern; they count as refused.
    static let maxPatternInput = 1024

    var rules: [String: Rule] = [:]

    /// No rules.
    public init() {}

    /// - Parameter properties: the schema's member `properties`.
    public init(properties: JSONObject) {
        for member in properties.members where !ImageV2Names.isBase(member.key) {
            guard let described = member.value.object else { continue }
            var rule = Rule()
            rule.allowsNull = described["type"]?.array?.contains { $0.text == "null" } ?? false
            rule.pattern = described["pattern"]?.text
            rule.choices = described["enum"]?.array.map { $0.compactMap(\.text) }
            rule.maxLength = described["maxLength"]?.integer.flatMap { Int(exactly: $0) }
            rules[member.key] = rule
        }
    }

    func allowsNull(_ name: String) -> Bool { rules[name]?.allowsNull ?? false }

    /// Whether the registry would take this value.
    func accepts(_ name: String, _ value: String) -> Bool {
        guard let rule = rules[name] else { return true }
        if let longest = rule.maxLength, value.unicodeScalars.count > longest { return false }
        if let choices = rule.choices, !choices.contains(where: { ASCII.sameBytes($0, value) }) { return false }
        guard let pattern = rule.pattern else { return true }
        guard value.utf8.count <= Self.maxPatternInput else { return false }
        guard let regex = try? Regex(pattern) else { return true }
        return (try? regex.firstMatch(in: value)) ?? nil != nil
    }
}
