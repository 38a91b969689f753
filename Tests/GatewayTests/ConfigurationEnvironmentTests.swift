import Testing

@testable import Gateway

/// Every key can be set by its variable, and a wrong variable is named.
@Suite struct ConfigurationEnvironmentTests {
    /// Keys by place, since a test's arguments are best small.
    static let keys = Array(ConfigSchema.keys.indices)

    /// A text for the variable that is not the default, and what it means.
    private static func sample(_ key: ConfigKey) -> (text: String, value: ConfigValue) {
        switch key.kind {
        case .text:
            let isURL = key.path.hasSuffix("URL") || key.path.hasSuffix("url")
            let text = isURL ? "http://h:1" : key.path == "admin.address" ? "127.0.0.1:1" : "a b"
            return (text, .text(text))
        case .boolean: return key.standard == .boolean(true) ? ("false", .boolean(false)) : ("true", .boolean(true))
        case .integer(let range): return ("\(range.upperBound)", .integer(range.upperBound))
        case .size: return ("3KiB", .integer(3072))
        case .duration: return ("1234ms", .duration(.milliseconds(1234)))
        case .choice(let words):
            // "static" and "passthrough" need more than themselves.
            let others = words.filter { .text($0) != key.standard }
            let word = key.path == "identity.kind" ? "open" : others[0]
            return (word, .text(word))
        case .texts where key.path == "locations.ports": return ("1,65535", .texts(["1", "65535"]))
        case .texts: return ("a,b", .texts(["a", "b"]))
        }
    }

    /// What must stand beside a key so that it means something.
    private static func company(of key: ConfigKey) -> String {
        guard key.path.hasPrefix("identity.bridge.") else { return "" }
        return """
            identity: { kind: "astakos", url: "http://a",
              bridge: { url: "http://k", file: "f", user: "u", passwordFile: "p" } }
            """
    }

    @Test(arguments: keys)
    func `a variable sets its key`(index: Int) throws {
        let key = ConfigSchema.keys[index]
        let (text, value) = Self.sample(key)
        #expect(value != key.standard)
        let company = Self.company(of: key)
        let configuration = try ConfigurationFixture.read(company, environment: [key.environmentName: text])
        #expect(configuration.values[key.path] == value)
        let others = configuration.values.filter { $0.key != key.path }
        #expect(others == (try ConfigurationFixture.read(company)).values.filter { $0.key != key.path })
    }

    @Test(arguments: keys)
    func `a bad value names its variable and what would be right`(index: Int) {
        let key = ConfigSchema.keys[index]
        switch key.kind {
        case .text, .texts: return
        default: break
        }
        for text in ["?!", "-1", "1.5.5", " 1", "TRUE"] {
            #expect(
                ConfigurationFixture.mistakes("", environment: [key.environmentName: text]) == [
                    "\(key.environmentName): \"\(text)\" is not \(key.kind.expectation)"
                ])
        }
    }

    @Test(arguments: keys)
    func `an empty variable is null where null is allowed`(index: Int) throws {
        let key = ConfigSchema.keys[index]
        if key.standard == nil {
            let configuration = try ConfigurationFixture.read("", environment: [key.environmentName: ""])
            #expect(configuration.values[key.path] == .null)
        } else if key.standard.map({ if case .texts = $0 { false } else { true } }) == true {
            #expect(ConfigurationFixture.mistakes("", environment: [key.environmentName: ""]).count == 1)
        }
    }

    @Test func `names of variables are all different`() {
        let names = ConfigSchema.keys.map(\.environmentName)
        #expect(Set(names).count == names.count)
    }

    @Test(arguments: [
        ("publicURL", "BALEEN_PUBLIC_URL"),
        ("loops", "BALEEN_LOOPS"),
        ("limits.requestsPerConnection", "BALEEN_LIMITS_REQUESTS_PER_CONNECTION"),
        ("timeouts.bodyIdle", "BALEEN_TIMEOUTS_BODY_IDLE"),
        ("dialects.glance2010.profile", "BALEEN_DIALECTS_GLANCE2010_PROFILE"),
        ("dialects.plankton.refuseOddIsPublic", "BALEEN_DIALECTS_PLANKTON_REFUSE_ODD_IS_PUBLIC"),
        ("backends.my-glance.caFile", "BALEEN_BACKENDS_MY_GLANCE_CA_FILE"),
    ])
    func `a variable is called like its key`(path: String, name: String) {
        #expect(ConfigKey.environmentName(path) == name)
    }

    @Test func `a variable wins over the file`() throws {
        let configuration = try ConfigurationFixture.read(
            "timeouts: { bodyIdle: \"5s\", drain: \"6s\" }", environment: ["BALEEN_TIMEOUTS_BODY_IDLE": "7s"])
        #expect(configuration.duration("timeouts.bodyIdle") == .seconds(7))
        #expect(configuration.duration("timeouts.drain") == .seconds(6))
    }

    @Test(arguments: [
        ("2", Duration.seconds(2)), ("0", .zero), ("1.5", .milliseconds(1500)), ("1m", .seconds(60)),
        ("2h", .seconds(7200)),
    ])
    func `durations are written as in the file`(text: String, duration: Duration) throws {
        let variable = try ConfigurationFixture.read("", environment: ["BALEEN_TIMEOUTS_DRAIN": text])
        #expect(variable.duration("timeouts.drain") == duration)
        let written = text.allSatisfy { $0.isNumber || $0 == "." } ? text : "\"\(text)\""
        let file = try ConfigurationFixture.read("timeouts: { drain: \(written) }")
        #expect(file.duration("timeouts.drain") == duration)
    }

    @Test func `lists are JSON5 in a variable`() throws {
        let configuration = try Configuration.read(
            "{}", origin: "a.json5",
            environment: [
                "BALEEN_BACKENDS": "{ far: { dialect: 'image-v2', url: 'http://h:1' } }",
                "BALEEN_MOUNTS": "[{ prefix: '/x/', dialect: 'auto', fallback: 'plankton', backend: 'far' }]",
                "BALEEN_LISTEN": "[{ address: '127.0.0.1:1' }, { address: 'unix:/run/b' }]",
            ])
        #expect(configuration.backends.map(\.name) == ["far"])
        #expect(
            configuration.mounts == [.init(prefix: "/x", dialect: "auto", fallback: "plankton", backend: "far")])
        #expect(configuration.listen == ["127.0.0.1:1", "unix:/run/b"])
        #expect(try ConfigurationFixture.read("", environment: ["BALEEN_LISTEN": "[::1]:8"]).listen == ["[::1]:8"])
    }

    @Test func `a variable replaces the list of the file`() throws {
        let configuration = try ConfigurationFixture.read(
            "", environment: ["BALEEN_BACKENDS": "{ main: { dialect: 'embedded', directory: 'e' } }"])
        #expect(configuration.backends.count == 1)
        #expect(configuration.backends.first?.text("directory") == "e")
    }

    @Test func `a key of a backend has its variable, too`() throws {
        let configuration = try Configuration.read(
            "{ backends: { main: { dialect: 'image-v2', url: 'http://h:1' } } }", origin: "a.json5",
            environment: [
                "BALEEN_BACKENDS_MAIN_URL": "http://h:2", "BALEEN_BACKENDS_MAIN_PAGE_SIZE": "7",
                "BALEEN_BACKENDS_MAIN_STARLINGX": "true", "BALEEN_BACKENDS_MAIN_AUTO_ACCEPT_TOKEN": "5",
            ])
        let backend = try #require(configuration.backends.first)
        #expect(backend.text("url") == "http://h:2")
        #expect(backend.integer("pageSize") == 7 && backend.boolean("starlingx"))
        #expect(backend.text("autoAcceptToken") == "5")
    }

    @Test(arguments: [
        ("BALEEN_BACKENDS_MAIN_MAX_MEMBERS", "many", "\"many\" is not a whole number from 1 to 100000"),
        ("BALEEN_BACKENDS_MAIN_DIALECT", "glance", "must be one of \(ConfigurationFixture.backendDialects)"),
        ("BALEEN_BACKENDS_MAIN_URL", "http://h", "a backend of dialect \"embedded\" has no such key"),
        ("BALEEN_PUBLIC_URL", "x", "\"x\" is not a URL like \"https://images.example.org\""),
        ("BALEEN_ADMIN_ADDRESS", "x", "\"x\" is not an address like \"127.0.0.1:9293\""),
        ("BALEEN_LISTEN", "{", "is not JSON5"),
        ("BALEEN_LISTEN", "[]", "must be a list like [{ address: \"127.0.0.1:9292\" }]"),
        ("BALEEN_MOUNTS", "[{ prefix: '/x' }]", "mounts[0].dialect: is missing"),
        (
            "BALEEN_MOUNTS", "[{ prefix: '/x', dialect: 'plankton', backend: 'b' }]",
            "mounts[0].backend: there is no backend \"b\""
        ),
        (
            "BALEEN_BACKENDS", "{ main: { dialect: 'embedded' } }",
            "backends.main.directory: is missing; the folder where the registry lives"
        ),
        ("BALEEN_LOPS", "1", "there is no such key; did you mean \"BALEEN_LOOPS\"?"),
        ("BALEEN_SOMETHING_ELSE_ALTOGETHER", "1", "there is no such key"),
    ])
    func `a mistake in a variable names the variable`(variable: String, text: String, line: String) {
        #expect(ConfigurationFixture.mistakes("", environment: [variable: text]) == ["\(variable): \(line)"])
    }

    @Test func `other variables, and the one that names the file, are left alone`() throws {
        _ = try ConfigurationFixture.read(
            "", environment: ["BALEEN_CONFIG": "a.json5", "PATH": "/bin", "baleen_loops": "x", "BALEEN": "x"])
    }
}
