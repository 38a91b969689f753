import FoundationEssentials
import Posix
import Upstream

extension Configuration {
    /// Reads a file and the environment (nil: the process's own).
    ///
    /// - Throws: every mistake at once.
    public static func load(
        file: String, environment: [String: String]? = nil
    ) throws(ConfigurationError) -> Configuration {
        let configuration = try read(
            try text(of: file, "name a file with --config FILE"), origin: file,
            environment: environment ?? ProcessInfo.processInfo.environment)
        try configuration.checkFiles()
        return configuration
    }

    /// Reads what identities name, so that mistakes in it are told at the start.
    private func checkFiles() throws(ConfigurationError) {
        var mistakes: [String] = []
        for identity in [standardIdentity] + identities.values {
            do throws(ConfigurationError) {
                if identity.text("kind") == "static" {
                    _ = try Self.staticTokens(of: identity.text("file") ?? "")
                }
                if identity.hasBridge { _ = try bridgeMap(of: identity) }
            } catch {
                mistakes += error.mistakes
            }
        }
        guard mistakes.isEmpty else { throw ConfigurationError(mistakes: mistakes.sorted()) }
    }

    static func read(
        _ text: String, origin: String, environment: [String: String] = [:]
    ) throws(ConfigurationError) -> Configuration {
        let tree: ConfigTree
        do {
            tree = try ConfigTree.parse(text)
        } catch {
            throw ConfigurationError(mistakes: ["\(origin): is not JSON5: \(Self.reason(of: error))"])
        }
        return try ConfigurationReader.read(tree, origin: origin, environment: environment)
    }

    /// - Parameter remedy: what to do when it cannot be read.
    private static func text(of file: String, _ remedy: String) throws(ConfigurationError) -> String {
        guard let data = try? Data(contentsOf: URL(filePath: file)) else {
            throw ConfigurationError(mistakes: ["\(file): cannot be read; \(remedy)"])
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw ConfigurationError(mistakes: ["\(file): is not UTF-8"])
        }
        return text
    }

    /// A file of JSON5.
    static func tree(of file: String, _ remedy: String) throws(ConfigurationError) -> ConfigTree {
        let text = try text(of: file, remedy)
        do { return try ConfigTree.parse(text) } catch {
            throw ConfigurationError(mistakes: ["\(file): is not JSON5: \(reason(of: error))"])
        }
    }

    private static func reason(of error: any Error) -> String {
        guard case DecodingError.dataCorrupted(let context) = error else { return "\(error)" }
        return context.underlyingError.map { "\($0)" } ?? context.debugDescription
    }
}

/// Checks of values that other rooms understand.
enum SocketAddressText {
    static func isAddress(_ text: String) -> Bool { SocketAddress(text) != nil }

    /// Whether only this machine reaches it; also of a text that is no address, which is a mistake of its own.
    static func isLoopback(_ text: String) -> Bool { SocketAddress(text)?.isLoopback ?? true }
}

enum PublicURL {
    /// A plain http or https URL without query; an address that clients or we can reach.
    static func isValid(_ text: String) -> Bool { UpstreamURL(text) != nil }
}
