import Testing

@testable import Gateway

/// A configuration that has no mistake, with room for one.
enum ConfigurationFixture {
    /// As a message lists them.
    static let backendDialects = ConfigSchema.backends.map { "\"\($0.dialect)\"" }.joined(separator: ", ")

    static let backends = "backends: { main: { dialect: \"embedded\", directory: \"d\" } }"

    static func read(
        _ members: String, environment: [String: String] = [:]
    ) throws(ConfigurationError) -> Configuration {
        try Configuration.read("{ \(backends), \(members) }", origin: "a.json5", environment: environment)
    }

    /// The mistakes in a whole document.
    static func mistakes(in document: String, environment: [String: String] = [:]) -> [String] {
        do throws(ConfigurationError) {
            _ = try Configuration.read(document, origin: "a.json5", environment: environment)
            return []
        } catch { return error.mistakes }
    }

    static func mistakes(_ members: String, environment: [String: String] = [:]) -> [String] {
        mistakes(in: "{ \(backends), \(members) }", environment: environment)
    }
}
