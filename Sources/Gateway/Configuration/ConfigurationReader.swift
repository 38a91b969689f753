import Images

/// Turns a document and the environment into a configuration, collecting every mistake on the way.
struct ConfigurationReader {
    private(set) var configuration: Configuration
    private var mistakes: [String] = []
    private let environment: [String: String]
    private var usedVariables: Set<String> = []
    /// Which variable set a key or a list, by path.
    private var variables: [String: String] = [:]
    /// Places with a mistake: what follows from it is no second one.
    private var places: Set<String> = []
    /// Also those that have a mistake.
    private var backendNames: Set<String> = []
    private var isObject = true

    /// - Parameter origin: the file's name for messages.
    static func read(
        _ tree: ConfigTree, origin: String, environment: [String: String]
    ) throws(ConfigurationError) -> Configuration {
        var reader = ConfigurationReader(Configuration(origin: origin), environment)
        reader.readRoot(tree)
        reader.readEnvironment()
        reader.check()
        guard reader.mistakes.isEmpty else { throw ConfigurationError(mistakes: reader.mistakes) }
        return reader.configuration
    }

    private init(_ configuration: Configuration, _ environment: [String: String]) {
        self.configuration = configuration
        self.environment = environment.filter { $0.key.hasPrefix("BALEEN_") }
    }

    /// Names the variable that set the key, or the list that it is in; else the file.
    mutating func mistake(_ path: String, _ text: String) {
        let list = String(path.prefix { $0 != "." && $0 != "[" })
        let place = variables[path] ?? "\(variables[list] ?? configuration.origin): \(path)"
        if places.insert(place).inserted { mistakes.append("\(place): \(text)") }
    }

    // MARK: The document

    private static let lists = ["listen", "mounts", "identities", "backends"]

    private mutating func readRoot(_ tree: ConfigTree) {
        for key in ConfigSchema.keys { configuration.values[key.path] = key.standard ?? .null }
        guard case .object(let root) = tree else {
            isObject = false
            return mistake("(whole file)", "must be an object")
        }
        for (name, value) in root.sorted(by: { $0.key < $1.key }) {
            switch name {
            case "listen": readListen(value)
            case "mounts": readMounts(value)
            case "backends": readBackends(value)
            case "identities": readIdentities(value)
            default: readTree(value, path: name)
            }
        }
    }

    /// Descends until a known key is reached.
    private mutating func readTree(_ tree: ConfigTree, path: String) {
        if let key = ConfigSchema.keys.first(where: { $0.path == path }) {
            guard let value = key.value(tree) else {
                return mistake(path, "\(tree.shown) is not \(key.kind.expectation)")
            }
            configuration.values[path] = value
            return
        }
        let below = ConfigSchema.keys.filter { $0.path.hasPrefix(path + ".") }
        guard !below.isEmpty else { return mistake(path, "there is no such key" + Self.nearest(path, Self.allPaths)) }
        // A section may be null when each of its keys may.
        if tree == .null, below.allSatisfy({ $0.standard == nil }) { return }
        guard case .object(let members) = tree else { return mistake(path, "\(tree.shown) is not an object") }
        for (name, value) in members.sorted(by: { $0.key < $1.key }) { readTree(value, path: "\(path).\(name)") }
    }

    private static var allPaths: [String] {
        let sections = ConfigSchema.keys.map { String($0.path.prefix { $0 != "." }) }
        return lists + Array(Set(sections)) + ConfigSchema.keys.map(\.path)
    }

    private mutating func readListen(_ tree: ConfigTree) {
        guard case .list(let entries) = tree, !entries.isEmpty else {
            return mistake("listen", "must be a list like [{ address: \"127.0.0.1:9292\" }]")
        }
        configuration.listen = []
        for (index, entry) in entries.enumerated() {
            let path = "listen[\(index)]"
            guard let values = readEntry(entry, ConfigSchema.listener, path) else { continue }
            guard case .text(let address)? = values["address"] else {
                mistake("\(path).address", "is missing; write for instance \"127.0.0.1:9292\"")
                continue
            }
            configuration.listen.append(address)
        }
    }

    private mutating func readMounts(_ tree: ConfigTree) {
        guard case .list(let entries) = tree, !entries.isEmpty else {
            return mistake("mounts", "must be a list of { prefix, dialect, backend }")
        }
        configuration.mounts = []
        for (index, entry) in entries.enumerated() {
            let path = "mounts[\(index)]"
            guard let values = readEntry(entry, ConfigSchema.mount, path) else { continue }
            func text(_ key: String) -> String? { if case .text(let text)? = values[key] { text } else { nil } }
            for key in ["prefix", "dialect"] where text(key) == nil { mistake("\(path).\(key)", "is missing") }
            guard var prefix = text("prefix"), let dialect = text("dialect") else { continue }
            if prefix.hasSuffix("/") { prefix.removeLast() }
            let isPath = prefix.isEmpty || prefix.hasPrefix("/") && !prefix.contains("//") && !prefix.hasSuffix("/")
            if !isPath || prefix.contains("%") || prefix.contains("?") {
                mistake("\(path).prefix", "\"\(prefix)\" is not a path like \"/v1\"")
            }
            if dialect == "auto", text("fallback") == nil {
                mistake("\(path).fallback", "is missing; \"auto\" needs the dialect to fall back to")
            }
            configuration.mounts.append(
                .init(
                    prefix: prefix, dialect: dialect, fallback: text("fallback"), backend: text("backend") ?? "main",
                    identity: text("identity")))
        }
    }

    private mutating func readBackends(_ tree: ConfigTree) {
        guard case .object(let entries) = tree else {
            return mistake("backends", "must be an object of named backends")
        }
        backendNames = Set(entries.keys)
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) { readBackend(name, entry) }
    }

    private mutating func readBackend(_ name: String, _ tree: ConfigTree) {
        let path = "backends.\(name)"
        guard case .object(var members) = tree else { return mistake(path, "must be an object with a dialect") }
        if let text = variable("\(path).dialect") { members["dialect"] = .text(text) }
        let dialects = ConfigSchema.backends.map(\.dialect)
        guard case .text(let dialect)? = members.removeValue(forKey: "dialect"),
            let schema = ConfigSchema.backends.first(where: { $0.dialect == dialect })
        else {
            return mistake("\(path).dialect", "must be one of " + dialects.map { "\"\($0)\"" }.joined(separator: ", "))
        }
        guard var values = readEntry(.object(members), schema.keys, path) else { return }
        readVariables(of: ConfigSchema.backends.flatMap(\.keys), into: &values, path) { key in
            schema.keys.contains { $0.path == key.path } ? nil : "a backend of dialect \"\(dialect)\" has no such key"
        }
        configuration.backends.append(.init(name: name, dialect: dialect, values: values))
    }

    private mutating func readIdentities(_ tree: ConfigTree) {
        guard case .object(let entries) = tree else {
            return mistake("identities", "must be an object of named identities")
        }
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
            let path = "identities.\(name)"
            guard var values = readEntry(entry, ConfigSchema.identity, path) else { continue }
            readVariables(of: ConfigSchema.identity, into: &values, path) { _ in nil }
            configuration.identities[name] = .init(path: path, values: values)
        }
    }

    /// What variables say of the keys of a named entry; `refusal` says why a key may not be there.
    private mutating func readVariables(
        of keys: [ConfigKey], into values: inout [String: ConfigValue], _ path: String,
        refusal: (ConfigKey) -> String?
    ) {
        var seen: Set<String> = []
        for key in keys where seen.insert(key.path).inserted {
            guard let text = variable("\(path).\(key.path)") else { continue }
            if let reason = refusal(key) {
                mistake("\(path).\(key.path)", reason)
            } else if let value = key.value(environment: text) {
                values[key.path] = value
            } else {
                mistake("\(path).\(key.path)", "\"\(text)\" is not \(key.kind.expectation)")
            }
        }
    }

    /// The values of one object by its keys; unknown ones are mistakes.
    private mutating func readEntry(
        _ tree: ConfigTree, _ keys: [ConfigKey], _ path: String
    ) -> [String: ConfigValue]? {
        guard case .object = tree else {
            mistake(path, "\(tree.shown) is not an object")
            return nil
        }
        var values: [String: ConfigValue] = [:]
        for key in keys { values[key.path] = key.standard ?? .null }
        readMembers(tree, "", keys, path, into: &values)
        return values
    }

    /// Descends until a known key is reached.
    ///
    /// - Parameter section: where in the entry, with a dot at the end; empty for the entry itself.
    private mutating func readMembers(
        _ tree: ConfigTree, _ section: String, _ keys: [ConfigKey], _ path: String,
        into values: inout [String: ConfigValue]
    ) {
        guard case .object(let members) = tree else {
            return mistake("\(path).\(section.dropLast())", "\(tree.shown) is not an object")
        }
        for (member, value) in members.sorted(by: { $0.key < $1.key }) {
            let name = section + member
            if let key = keys.first(where: { $0.path == name }) {
                if let value = key.value(value) {
                    values[name] = value
                } else {
                    mistake("\(path).\(name)", "\(value.shown) is not \(key.kind.expectation)")
                }
            } else if keys.contains(where: { $0.path.hasPrefix(name + ".") }) {
                if value != .null { readMembers(value, name + ".", keys, path, into: &values) }
            } else {
                mistake("\(path).\(name)", "there is no such key" + Self.nearest(name, keys.map(\.path)))
            }
        }
    }

    // MARK: The environment

    /// The text of the variable of a key, which from now on is where the key was set.
    private mutating func variable(_ path: String) -> String? {
        let name = ConfigKey.environmentName(path)
        guard let text = environment[name] else { return nil }
        usedVariables.insert(name)
        variables[path] = name
        return text
    }

    private mutating func readEnvironment() {
        for key in ConfigSchema.keys {
            guard let text = variable(key.path) else { continue }
            guard let value = key.value(environment: text) else {
                mistake(key.path, "\"\(text)\" is not \(key.kind.expectation)")
                continue
            }
            configuration.values[key.path] = value
        }
        for name in Self.lists {
            guard let text = variable(name) else { continue }
            if name == "listen", SocketAddressText.isAddress(text) {
                configuration.listen = [text]
                continue
            }
            guard let tree = try? ConfigTree.parse(text) else {
                mistake(name, "is not JSON5")
                continue
            }
            switch name {
            case "listen": readListen(tree)
            case "mounts": readMounts(tree)
            case "identities":
                configuration.identities = [:]
                readIdentities(tree)
            default:
                configuration.backends = []
                readBackends(tree)
            }
        }
        let known = ConfigSchema.keys.map(\.environmentName) + Self.lists.map(ConfigKey.environmentName)
        for variable in environment.keys.sorted() where !usedVariables.contains(variable) && variable != "BALEEN_CONFIG"
        {
            mistakes.append("\(variable): there is no such key" + Self.nearest(variable, known))
        }
    }

    // MARK: Rules across keys

    private mutating func check() {
        for (index, address) in configuration.listen.enumerated() where !SocketAddressText.isAddress(address) {
            mistake(
                "listen[\(index)].address", "\"\(address)\" is not an address like \"127.0.0.1:9292\" or \"[::1]:9292\""
            )
        }
        if let admin = configuration.text("admin.address"), !SocketAddressText.isAddress(admin) {
            mistake("admin.address", "\"\(admin)\" is not an address like \"127.0.0.1:9293\"")
        }
        if let url = configuration.text("publicURL"), !PublicURL.isValid(url) {
            mistake("publicURL", "\"\(url)\" is not a URL like \"https://images.example.org\"")
        }
        if backendNames.isEmpty, isObject {
            mistake(
                "backends",
                "none is named; write for instance { main: { dialect: \"embedded\", directory: \"var/registry\" } }")
        }
        checkMounts()
        for backend in configuration.backends { check(backend) }
        checkIdentities()
        checkLocations()
        checkPasses()
    }

    private mutating func checkMounts() {
        var seen: Set<String> = []
        let names = backendNames.sorted()
        for (index, mount) in configuration.mounts.enumerated() {
            if !seen.insert(mount.prefix).inserted {
                mistake("mounts[\(index)].prefix", "\"\(mount.prefix.isEmpty ? "/" : mount.prefix)\" is mounted twice")
            }
            if !names.isEmpty, !names.contains(mount.backend) {
                mistake(
                    "mounts[\(index)].backend",
                    "there is no backend \"\(mount.backend)\"" + Self.nearest(mount.backend, names))
            }
        }
    }

    private mutating func check(_ backend: Configuration.Backend) {
        let path = "backends.\(backend.name)"
        if backend.isEmbedded, backend.text("directory") == nil {
            mistake("\(path).directory", "is missing; the folder where the registry lives")
        }
        if !backend.isEmbedded { checkURL(in: backend, "url", path, "http://10.0.0.5:9292") }
        checkStore(of: backend, path)
    }

    /// The store that `pithos://` locations name.
    private mutating func checkStore(of backend: Configuration.Backend, _ path: String) {
        if backend.text("pithos.url") != nil {
            checkURL(in: backend, "pithos.url", path, "https://pithos.example.org/object-store/v1")
            if backend.text("objects") != nil {
                mistake(
                    "\(path).objects", "stands in for a Pithos+ store, but there is one at pithos.url: leave one out")
            }
            return
        }
        for (key, reason) in Self.needStore where backend.text(key).map({ $0 != "reject" }) ?? false {
            mistake("\(path).pithos.url", "is missing; \(reason)")
        }
    }

    /// Keys that mean nothing without `pithos.url`.
    private static let needStore = [
        ("locationMode", "locationMode says what to do with what is there"),
        ("pithosUpload.container", "pithosUpload puts data there"),
        ("pithos.tokenFile", "pithos.tokenFile holds a token for it"),
    ]

    /// A service's address, with a transport that can reach it.
    mutating func checkURL(in section: some ConfigSection, _ key: String, _ path: String, _ example: String) {
        guard let url = section.text(key) else {
            return mistake("\(path).\(key)", "is missing; write for instance \"\(example)\"")
        }
        if !PublicURL.isValid(url) {
            mistake("\(path).\(key)", "\"\(url)\" is not a URL like \"\(example)\"")
        }
        let transport = key.dropLast("url".count) + "transport"
        if url.hasPrefix("https:"), section.text(String(transport)) == "direct" {
            mistake("\(path).\(transport)", "\"direct\" speaks http only; leave it out or write \"curl\"")
        }
    }

    private mutating func checkLocations() {
        for text in configuration.texts("locations.hosts") where HostRule(text) == nil {
            mistake(
                "locations.hosts",
                "\"\(text)\" is not a host like \"images.example.org\", \"*.example.org\", \"10.0.0.0/8\" or \"10.1.2.3:8080\""
            )
        }
        for text in configuration.texts("locations.ports") where UInt16(text).map({ $0 > 0 && "\($0)" == text }) != true
        {
            mistake("locations.ports", "\"\(text)\" is not a port like \"8080\"")
        }
    }

    private mutating func checkPasses() {
        for section in ConfigSchema.passes {
            for list in ["passRequestFields", "passResponseFields"] {
                let path = "dialects.\(section.key).\(list)"
                for name in configuration.texts(path) where PassedFields.isForbidden(name) {
                    mistake(path, "\"\(name)\" is never passed: it says who somebody is, or frames a message")
                }
            }
        }
    }

    // MARK: Suggestions

    /// `; did you mean "x"?` when a candidate is near, measured by the last name of a path.
    private static func nearest(_ word: String, _ candidates: [String]) -> String {
        let best = candidates.map { ($0, distance(Array(word.utf8), Array($0.utf8))) }.min { $0.1 < $1.1 }
        let name = word.utf8.split(separator: UInt8(ascii: ".")).last ?? word.utf8[...]
        guard let best, best.1 <= max(2, name.count / 3) else { return "" }
        return "; did you mean \"\(best.0)\"?"
    }

    /// Levenshtein distance.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (a == b ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
