import FoundationEssentials
import Identity
import Synchronization

extension Configuration {
    /// The map of `bridge.file`: `{ users: { USER: PROJECT }, tenants: { TENANT: PROJECT }, projects: { NAME: ... } }`, and
    /// the template beside it.
    func bridgeMap(of identity: Identity) throws(ConfigurationError) -> BridgeMap {
        let file = identity.text("bridge.file") ?? ""
        guard case .object(let root) = try Self.tree(of: file, "\(identity.path).bridge.file names it") else {
            throw ConfigurationError(mistakes: ["\(file): must be an object with users, tenants and projects"])
        }
        var map = BridgeMap()
        var mistakes: [String] = []
        for name in root.keys.sorted() where !["users", "tenants", "projects"].contains(name) {
            mistakes.append("\(file): \(name): there is no such key; there are users, tenants and projects")
        }
        map.users = Self.names(root["users"], "\(file): users", &mistakes)
        map.tenants = Self.names(root["tenants"], "\(file): tenants", &mistakes)
        switch root["projects"] {
        case .object(let projects)? where !projects.isEmpty:
            for (name, entry) in projects.sorted(by: { $0.key < $1.key }) {
                guard let access = Self.access(entry) else {
                    mistakes.append(
                        "\(file): projects.\(name): must be { applicationCredential: \"ID\", secretFile: \"PATH\" } or { trust: \"ID\" }"
                    )
                    continue
                }
                if case .trust = access, identity.text("bridge.user") == nil {
                    mistakes.append(
                        "\(file): projects.\(name): a trust needs \(identity.path).bridge.user, who uses it")
                }
                map.projects[name] = access
            }
        default: mistakes.append("\(file): projects: must be an object of projects and what opens them")
        }
        for (section, names) in [("users", map.users), ("tenants", map.tenants)] {
            for (name, project) in names.sorted(by: { $0.key < $1.key }) where map.projects[project] == nil {
                mistakes.append("\(file): \(section).\(name): there is no \"\(project)\" in projects")
            }
        }
        if let text = identity.text("bridge.template") {
            map.template = BridgeTemplate(text)
            if map.template == nil {
                mistakes.append(
                    "\(origin): \(identity.path).bridge.template: \"\(text)\" is not a name with one {user} or {tenant} in it"
                )
            }
        }
        guard mistakes.isEmpty else { throw ConfigurationError(mistakes: mistakes) }
        return map
    }

    private static func names(_ tree: ConfigTree?, _ place: String, _ mistakes: inout [String]) -> [String: String] {
        switch tree {
        case nil, .null?: return [:]
        case .object(let members)?:
            return members.compactMapValues { value in
                if case .text(let text) = value, !text.isEmpty { return text }
                mistakes.append("\(place): \(value.shown) is not a project's name")
                return nil
            }
        case let other?:
            mistakes.append("\(place): \(other.shown) is not an object of names and projects")
            return [:]
        }
    }

    private static func access(_ tree: ConfigTree) -> BridgeMap.Access? {
        guard case .object(let members) = tree else { return nil }
        switch (members["applicationCredential"], members["secretFile"], members["trust"]) {
        case (.text(let id)?, .text(let file)?, nil) where members.count == 2 && !id.isEmpty && !file.isEmpty:
            return .applicationCredential(id: id, secretFile: file)
        case (nil, nil, .text(let id)?) where members.count == 1 && !id.isEmpty: return .trust(id: id)
        default: return nil
        }
    }
}

/// The map of a bridge, read again when its file was written; a wrong one changes nothing and is told once.
final class WatchedBridgeMap: Sendable {
    private let configuration: Configuration
    private let identity: Configuration.Identity
    private let seen: Mutex<FileVersion?>

    init(_ configuration: Configuration, _ identity: Configuration.Identity) {
        self.configuration = configuration
        self.identity = identity
        seen = Mutex(FileVersion(identity.text("bridge.file") ?? ""))
    }

    /// The map when it is another one. Blocks.
    func next() -> BridgeMap? {
        let version = FileVersion(identity.text("bridge.file") ?? "")
        let isNew = seen.withLock { seen in
            defer { seen = version }
            return seen != version
        }
        guard isNew else { return nil }
        do throws(ConfigurationError) { return try configuration.bridgeMap(of: identity) } catch {
            OperatorLog.line("the bridge's map stays what it was: \(error)")
            return nil
        }
    }
}
