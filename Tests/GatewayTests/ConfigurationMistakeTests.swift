import Testing

@testable import Gateway

/// Each mistake is one line: file, key, what stands there, what would be right.
@Suite struct ConfigurationMistakeTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        let text: String
        /// Without the file's name.
        let line: String
        init(_ text: String, _ line: String) {
            self.text = text
            self.line = line
        }
        var testDescription: String { text }
    }

    private static let size = "a number of bytes, or a text like \"64KiB\" or \"1GiB\""
    private static let duration = "a number of seconds, or a text like \"500ms\", \"30s\", \"5m\""

    @Test(arguments: [
        Mistake("limit: {}", "limit: there is no such key; did you mean \"limits\"?"),
        Mistake(
            "limits: { conections: 5 }",
            "limits.conections: there is no such key; did you mean \"limits.connections\"?"),
        Mistake("zzzzzzzzz: 1", "zzzzzzzzz: there is no such key"),
        Mistake("dialects: { plankton: { zzzzzzzzz: 1 } }", "dialects.plankton.zzzzzzzzz: there is no such key"),
        Mistake("limits: 5", "limits: 5 is not an object"),
        Mistake("log: null", "log: null is not an object"),
        Mistake("dialects: { plankton: [] }", "dialects.plankton: a list is not an object"),
        Mistake("loops: {}", "loops: an object is not a whole number from 1 to 256"),
    ])
    func `a key that does not exist is a mistake`(_ mistake: Mistake) {
        #expect(ConfigurationFixture.mistakes(mistake.text) == ["a.json5: \(mistake.line)"])
    }

    @Test(arguments: [
        Mistake(
            "limits: { connections: \"many\" }",
            "limits.connections: \"many\" is not a whole number from 1 to 1000000"),
        Mistake("limits: { connections: 0 }", "limits.connections: 0 is not a whole number from 1 to 1000000"),
        Mistake("limits: { connections: 1.5 }", "limits.connections: 1.5 is not a whole number from 1 to 1000000"),
        Mistake("log: { queue: null }", "log.queue: null is not a whole number from 16 to 1000000"),
        Mistake("loops: 257", "loops: 257 is not a whole number from 1 to 256"),
        Mistake("limits: { requestLine: \"16kb\" }", "limits.requestLine: \"16kb\" is not \(size)"),
        Mistake("limits: { requestLine: \"KiB\" }", "limits.requestLine: \"KiB\" is not \(size)"),
        Mistake("limits: { requestLine: \"1 KiB\" }", "limits.requestLine: \"1 KiB\" is not \(size)"),
        Mistake("limits: { requestLine: \"-1KiB\" }", "limits.requestLine: \"-1KiB\" is not \(size)"),
        Mistake("limits: { requestLine: \"64\" }", "limits.requestLine: \"64\" is not \(size)"),
        Mistake("limits: { requestLine: -1 }", "limits.requestLine: -1 is not \(size)"),
        Mistake("limits: { imageSize: \"9999999999TiB\" }", "limits.imageSize: \"9999999999TiB\" is not \(size)"),
        Mistake("timeouts: { drain: \"5 m\" }", "timeouts.drain: \"5 m\" is not \(duration)"),
        Mistake("timeouts: { drain: \"1d\" }", "timeouts.drain: \"1d\" is not \(duration)"),
        Mistake("timeouts: { drain: \"s\" }", "timeouts.drain: \"s\" is not \(duration)"),
        Mistake("timeouts: { drain: \"-1s\" }", "timeouts.drain: \"-1s\" is not \(duration)"),
        Mistake(
            "timeouts: { drain: \"99999999999999999h\" }", "timeouts.drain: \"99999999999999999h\" is not \(duration)"),
        Mistake("timeouts: { drain: -1 }", "timeouts.drain: -1 is not \(duration)"),
        Mistake("timeouts: { drain: true }", "timeouts.drain: true is not \(duration)"),
        Mistake("locations: { private: \"yes\" }", "locations.private: \"yes\" is not true or false"),
        Mistake("locations: { private: 1 }", "locations.private: 1 is not true or false"),
        Mistake("locations: { ports: [80] }", "locations.ports: a list is not a list of texts"),
        Mistake("locations: { ports: [\"0\"] }", "locations.ports: \"0\" is not a port like \"8080\""),
        Mistake("locations: { ports: [\"+80\"] }", "locations.ports: \"+80\" is not a port like \"8080\""),
        Mistake(
            "locations: { hosts: [\"http://a\"] }",
            "locations.hosts: \"http://a\" is not a host like \"images.example.org\", \"*.example.org\", \"10.0.0.0/8\" or \"10.1.2.3:8080\""
        ),
        Mistake("locations: { schemes: \"http\" }", "locations.schemes: \"http\" is not a list of texts"),
        Mistake("locations: { schemes: [\"http\", 5] }", "locations.schemes: a list is not a list of texts"),
        Mistake("log: { format: \"xml\" }", "log.format: \"xml\" is not one of \"text\", \"json\""),
        Mistake("log: { format: true }", "log.format: true is not one of \"text\", \"json\""),
        Mistake(
            "identity: { kind: \"Open\" }",
            "identity.kind: \"Open\" is not one of \"passthrough\", \"open\", \"static\", \"keystone\", \"astakos\""),
        Mistake("publicURL: 5", "publicURL: 5 is not a text"),
        Mistake(
            "publicURL: \"i.example.org\"",
            "publicURL: \"i.example.org\" is not a URL like \"https://images.example.org\""),
        Mistake(
            "admin: { address: \"nowhere\" }", "admin.address: \"nowhere\" is not an address like \"127.0.0.1:9293\""),
    ])
    func `a value of another kind is a mistake`(_ mistake: Mistake) {
        #expect(ConfigurationFixture.mistakes(mistake.text) == ["a.json5: \(mistake.line)"])
    }

    private static let address = "is not an address like \"127.0.0.1:9292\" or \"[::1]:9292\""

    @Test(arguments: [
        Mistake("listen: []", "listen: must be a list like [{ address: \"127.0.0.1:9292\" }]"),
        Mistake("listen: \"127.0.0.1:1\"", "listen: must be a list like [{ address: \"127.0.0.1:9292\" }]"),
        Mistake("listen: [\"127.0.0.1:1\"]", "listen[0]: \"127.0.0.1:1\" is not an object"),
        Mistake("listen: [{}]", "listen[0].address: is missing; write for instance \"127.0.0.1:9292\""),
        Mistake("listen: [{ address: 9292 }]", "listen[0].address: 9292 is not a text"),
        Mistake("listen: [{ address: \"9292\" }]", "listen[0].address: \"9292\" \(address)"),
        Mistake(
            "listen: [{ address: \"127.0.0.1:1\" }, { address: \"::1:9292\" }]",
            "listen[1].address: \"::1:9292\" \(address)"),
        Mistake("mounts: {}", "mounts: must be a list of { prefix, dialect, backend }"),
        Mistake("mounts: []", "mounts: must be a list of { prefix, dialect, backend }"),
        Mistake("mounts: [5]", "mounts[0]: 5 is not an object"),
        Mistake(
            "mounts: [{ prefix: \"/v1\", dialect: \"plankton\", backend: \"mian\" }]",
            "mounts[0].backend: there is no backend \"mian\"; did you mean \"main\"?"),
        Mistake(
            "mounts: [{ prefix: \"/v1\", dialect: \"plankton\", backend: \"elsewhere\" }]",
            "mounts[0].backend: there is no backend \"elsewhere\""),
        Mistake(
            "mounts: [{ prefix: \"/v1\", dialect: \"plankton\" }, { prefix: \"/v1/\", dialect: \"glance-v1\" }]",
            "mounts[1].prefix: \"/v1\" is mounted twice"),
        Mistake(
            "mounts: [{ prefix: \"/\", dialect: \"plankton\" }, { prefix: \"\", dialect: \"glance-v1\" }]",
            "mounts[1].prefix: \"/\" is mounted twice"),
        Mistake(
            "mounts: [{ prefix: \"v1\", dialect: \"plankton\" }]", "mounts[0].prefix: \"v1\" is not a path like \"/v1\""
        ),
        Mistake(
            "mounts: [{ prefix: \"/a//b\", dialect: \"plankton\" }]",
            "mounts[0].prefix: \"/a//b\" is not a path like \"/v1\""),
        Mistake(
            "mounts: [{ prefix: \"/v%31\", dialect: \"plankton\" }]",
            "mounts[0].prefix: \"/v%31\" is not a path like \"/v1\""),
        Mistake(
            "mounts: [{ prefix: \"/v1?x\", dialect: \"plankton\" }]",
            "mounts[0].prefix: \"/v1?x\" is not a path like \"/v1\""),
        Mistake("mounts: [{ dialect: \"plankton\" }]", "mounts[0].prefix: is missing"),
        Mistake("mounts: [{ prefix: \"/v1\" }]", "mounts[0].dialect: is missing"),
        Mistake(
            "mounts: [{ prefix: \"/v1\", dialect: \"glance\" }]",
            "mounts[0].dialect: \"glance\" is not one of \"glance-2010\", \"glance-v1\", \"plankton\", \"image-v2\", \"auto\""
        ),
        Mistake(
            "mounts: [{ prefix: \"/v1\", dialect: \"auto\" }]",
            "mounts[0].fallback: is missing; \"auto\" needs the dialect to fall back to"),
        Mistake(
            "mounts: [{ prefix: \"/v1\", dialect: \"plankton\", backends: \"main\" }]",
            "mounts[0].backends: there is no such key; did you mean \"backend\"?"),
        Mistake(
            "identity: { kind: \"static\" }",
            "identity.file: is missing; kind \"static\" reads tokens from it"),
        Mistake(
            "identity: { kind: \"static\", file: 5 }",
            "identity.file: 5 is not a text"),
        Mistake(
            "listen: [{ address: \"0.0.0.0:9292\" }]",
            "identity.kind: must be said, since 0.0.0.0:9292 is not loopback: \"static\", \"keystone\" or \"astakos\", or \"open\" with trustNetwork: true to believe every token"
        ),
        Mistake(
            "listen: [{ address: \"0.0.0.0:9292\" }], identity: { kind: \"open\" }",
            "identity.kind: \"open\" believes every token, and 0.0.0.0:9292 is not loopback: use another kind, or write trustNetwork: true when everybody there may do everything"
        ),
        Mistake(
            "identity: { kind: \"passthrough\" }",
            "identity.kind: \"passthrough\" leaves checking to the registry, but backend \"main\" is embedded: use \"open\", \"static\", \"keystone\" or \"astakos\""
        ),
        Mistake(
            "identity: { kind: \"astakos\" }",
            "identity.url: is missing; write for instance \"https://accounts.example.org/identity/v2.0\""),
        Mistake(
            "identity: { kind: \"astakos\", url: \"accounts.example.org\" }",
            "identity.url: \"accounts.example.org\" is not a URL like \"https://accounts.example.org/identity/v2.0\""),
        Mistake(
            "identity: { kind: \"astakos\", url: \"https://a/\", transport: \"direct\" }",
            "identity.transport: \"direct\" speaks http only; leave it out or write \"curl\""),
        Mistake(
            "identity: { kind: \"astakos\", url: \"https://a/\", version: \"v3\" }",
            "identity.version: \"v3\" is not one of \"0.15\", \"0.14\", \"0.13\""),
        Mistake(
            "identity: { kind: \"keystone\", url: \"http://k:5000/v3\" }",
            "identity.user: is missing; the gateway asks Keystone as a user (user, passwordFile, project) or with an applicationCredential (and secretFile)"
        ),
        Mistake(
            "identity: { kind: \"keystone\", url: \"http://k:5000/v3\", user: \"b\", project: \"service\" }",
            "identity.passwordFile: is missing; user needs it"),
        Mistake(
            "identity: { kind: \"keystone\", url: \"http://k:5000/v3\", applicationCredential: \"x\" }",
            "identity.secretFile: is missing; applicationCredential needs it"),
        Mistake(
            "identity: { kind: \"keystone\", url: \"http://k:5000/v2.0\", version: \"v2.0\", applicationCredential: \"x\", secretFile: \"f\" }",
            "identity.applicationCredential: is unknown to \"v2.0\": give user and passwordFile"),
        Mistake(
            "identity: { cache: { tokens: 1 } }",
            "identity.cache.tokens: 1 is not a whole number from 16 to 10000000"),
        Mistake(
            "identity: { cache: 5 }",
            "identity.cache: 5 is not an object"),
        Mistake(
            "identity: { bridge: { url: \"http://k:5000/v3\", file: \"f\" } }",
            "identity.bridge: bridges callers of kind \"astakos\" or \"static\"; of others the gateway knows no user, or they have a token of Keystone"
        ),
        Mistake(
            "identity: { kind: \"astakos\", url: \"https://a/\", bridge: { url: \"http://k:5000/v3\" } }",
            "identity.bridge.file: is missing; it maps callers to projects"),
        Mistake(
            "identities: { a: { kind: \"astakos\" } }",
            "identities.a.url: is missing; write for instance \"https://accounts.example.org/identity/v2.0\""),
        Mistake(
            "identities: { a: { king: \"open\" } }",
            "identities.a.king: there is no such key; did you mean \"kind\"?"),
        Mistake(
            "identities: { a: { cache: { tokenz: 5 } } }",
            "identities.a.cache.tokenz: there is no such key; did you mean \"cache.tokens\"?"),
        Mistake(
            "mounts: [{ prefix: \"/v1\", dialect: \"glance-v1\", identity: \"b\" }]",
            "mounts[0].identity: there is no \"b\" in identities"),
    ])
    func `listeners, mounts and identity are checked`(_ mistake: Mistake) {
        #expect(ConfigurationFixture.mistakes(mistake.text) == ["a.json5: \(mistake.line)"])
    }

    @Test(arguments: [
        "listen: [{ address: \"0.0.0.0:9292\" }], identity: { kind: \"open\", trustNetwork: true }",
        "listen: [{ address: \"0.0.0.0:9292\" }], identity: { trustNetwork: true }",
        "listen: [{ address: \"0.0.0.0:9292\" }], identity: { kind: \"astakos\", url: \"http://a\" }",
        "listen: [{ address: \"[::1]:9292\" }]",
        "listen: [{ address: \"unix:/run/baleen\" }]",
    ])
    func `every token is believed on loopback, elsewhere when it is said`(members: String) {
        #expect(ConfigurationFixture.mistakes(members) == [])
    }

    @Test(arguments: [
        Mistake("5", "backends: must be an object of named backends"),
        Mistake("{ main: 5 }", "backends.main: must be an object with a dialect"),
        Mistake("{ main: {} }", "backends.main.dialect: must be one of \(ConfigurationFixture.backendDialects)"),
        Mistake(
            "{ main: { dialect: \"glance\" } }",
            "backends.main.dialect: must be one of \(ConfigurationFixture.backendDialects)"),
        Mistake(
            "{ main: { dialect: \"embedded\" } }",
            "backends.main.directory: is missing; the folder where the registry lives"),
        Mistake("{ main: { dialect: \"embedded\", directory: 5 } }", "backends.main.directory: 5 is not a text"),
        Mistake(
            "{ main: { dialect: \"embedded\", directory: \"d\", url: \"http://h\" } }",
            "backends.main.url: there is no such key"),
        Mistake(
            "{ main: { dialect: \"image-v2\" } }",
            "backends.main.url: is missing; write for instance \"http://10.0.0.5:9292\""),
        Mistake(
            "{ main: { dialect: \"image-v2\", url: \"glance:9292\" } }",
            "backends.main.url: \"glance:9292\" is not a URL like \"http://10.0.0.5:9292\""),
        Mistake(
            "{ main: { dialect: \"image-v2\", url: \"https://h\", transport: \"direct\" } }",
            "backends.main.transport: \"direct\" speaks http only; leave it out or write \"curl\""),
        Mistake(
            "{ main: { dialect: \"image-v2\", url: \"http://h\", pageSize: 0 } }",
            "backends.main.pageSize: 0 is not a whole number from 1 to 1000"),
        Mistake(
            "{}",
            "backends: none is named; write for instance { main: { dialect: \"embedded\", directory: \"var/registry\" } }"
        ),
    ])
    func `backends are checked by their dialect`(_ mistake: Mistake) {
        #expect(
            ConfigurationFixture.mistakes(in: "{ backends: \(mistake.text) }") == ["a.json5: \(mistake.line)"])
    }

    @Test func `a backend with a mistake is still there for its mounts`() {
        let document = """
            { backends: { main: {}, other: { dialect: "embedded", directory: "d" } },
              mounts: [{ prefix: "/", dialect: "plankton", backend: "main" }] }
            """
        #expect(
            ConfigurationFixture.mistakes(in: document) == [
                "a.json5: backends.main.dialect: must be one of \(ConfigurationFixture.backendDialects)"
            ])
    }

    @Test func `all mistakes are said at once`() {
        let document = """
            {
              listen: [{ address: "x" }, {}],
              mounts: [{ prefix: "v1", dialect: "plankton" }, { prefix: "/a", dialect: "auto", backend: "main" }],
              publicURL: "x",
              limits: { connections: 0, chunk: 1 },
              timeouts: { drain: "soon" },
              loog: {},
              identity: { kind: "static" },
            }
            """
        let places = ConfigurationFixture.mistakes(in: document, environment: ["BALEEN_LOOPS": "no", "BALEEN_X": "1"])
            .map { line in line.split(separator: ": ").prefix(line.hasPrefix("a.json5") ? 2 : 1).joined(separator: " ")
            }
        #expect(
            Set(places) == [
                "a.json5 listen[0].address", "a.json5 listen[1].address", "a.json5 mounts[0].prefix",
                "a.json5 mounts[1].fallback", "a.json5 publicURL", "a.json5 limits.connections",
                "a.json5 limits.chunk", "a.json5 timeouts.drain", "a.json5 loog", "a.json5 identity.file",
                "a.json5 backends", "BALEEN_LOOPS", "BALEEN_X",
            ])
        #expect(places.count == Set(places).count)
    }

    @Test func `what is no JSON5 object is one mistake`() {
        #expect(ConfigurationFixture.mistakes(in: "[]") == ["a.json5: (whole file): must be an object"])
        for document in ["", "{ a: ", "{ a = 1 }", "{} {}", "\u{0}"] {
            let mistakes = ConfigurationFixture.mistakes(in: document)
            #expect(mistakes.count == 1 && mistakes[0].hasPrefix("a.json5: is not JSON5: "), "\(document)")
        }
    }

    @Test func `a file that cannot be read is named`() {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.load(file: "/nowhere/a.json5", environment: [:])
        }
        #expect(error?.mistakes == ["/nowhere/a.json5: cannot be read; name a file with --config FILE"])
    }
}
