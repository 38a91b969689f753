/// Checked values of one object of the configuration, by their keys' paths in it.
protocol ConfigSection: Sendable {
    var values: [String: ConfigValue] { get }
}

extension ConfigSection {
    func text(_ key: String) -> String? { if case .text(let text)? = values[key] { text } else { nil } }
    func texts(_ key: String) -> [String] { if case .texts(let texts)? = values[key] { texts } else { [] } }
    /// 0 when the key is null.
    func integer(_ key: String) -> Int {
        if case .integer(let value)? = values[key] { Int(clamping: value) } else { 0 }
    }
    func duration(_ key: String) -> Duration {
        if case .duration(let value)? = values[key] { value } else { .zero }
    }
    func boolean(_ key: String) -> Bool { values[key] == .boolean(true) }
}
