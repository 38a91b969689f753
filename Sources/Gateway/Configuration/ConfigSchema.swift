/// Every key of the configuration but the lists: the one place that names them, their kinds and their defaults.
enum ConfigSchema {
    static let keys: [ConfigKey] =
        [
            ConfigKey("publicURL", .text),
            ConfigKey("loops", .integer(1...256)),
            ConfigKey("admin.address", .text),
            ConfigKey("locations.schemes", .texts, .texts(["http", "https", "pithos"])),
            ConfigKey("locations.private", .boolean, .boolean(false)),
            ConfigKey("locations.hosts", .texts, .texts([])),
            ConfigKey("locations.ports", .texts, .texts(["80", "443"])),
            ConfigKey("locations.caFile", .text),
            ConfigKey("limits.connections", .integer(1...1_000_000), .integer(10_000)),
            ConfigKey("limits.requestsPerConnection", .integer(1...1_000_000_000), .integer(100_000)),
            ConfigKey("limits.requestLine", .size, .integer(16 << 10)),
            ConfigKey("limits.headerSection", .size, .integer(64 << 10)),
            ConfigKey("limits.headerFields", .integer(16...100_000), .integer(1000)),
            ConfigKey("limits.chunkLine", .size, .integer(4 << 10)),
            ConfigKey("limits.chunkExtensions", .size, .integer(16 << 10)),
            ConfigKey("limits.trailers", .size, .integer(8 << 10)),
            ConfigKey("limits.unreadBody", .size, .integer(256 << 10)),
            ConfigKey("limits.upstreamConnections", .integer(1...100_000), .integer(256)),
            ConfigKey("limits.upstreamWaiting", .integer(0...1_000_000), .integer(1024)),
            ConfigKey("limits.upstreamIdle", .integer(0...100_000), .integer(64)),
            ConfigKey("limits.imageSize", .size, .integer(1 << 40)),
            ConfigKey("limits.minimumBodyRate", .size, .integer(1024)),
            ConfigKey("timeouts.requestHeader", .duration, .duration(.seconds(30))),
            ConfigKey("timeouts.bodyIdle", .duration, .duration(.seconds(60))),
            ConfigKey("timeouts.writeIdle", .duration, .duration(.seconds(60))),
            ConfigKey("timeouts.keepAliveIdle", .duration, .duration(.seconds(75))),
            ConfigKey("timeouts.lingering", .duration, .duration(.seconds(2))),
            ConfigKey("timeouts.halfClosedGrace", .duration, .duration(.seconds(1))),
            ConfigKey("timeouts.drain", .duration, .duration(.seconds(30))),
            ConfigKey("timeouts.upstreamConnect", .duration, .duration(.seconds(5))),
            ConfigKey("timeouts.upstreamHead", .duration, .duration(.seconds(60))),
            ConfigKey("timeouts.upstreamBetweenBytes", .duration, .duration(.seconds(60))),
            ConfigKey("timeouts.upstreamQueue", .duration, .duration(.seconds(5))),
            ConfigKey("timeouts.upstreamIdle", .duration, .duration(.seconds(20))),
            ConfigKey("log.access", .boolean, .boolean(true)),
            ConfigKey("log.format", .choice(["text", "json"]), .text("text")),
            ConfigKey("log.queue", .integer(16...1_000_000), .integer(10_000)),
            ConfigKey("debug.contract", .boolean, .boolean(false)),
            ConfigKey("dialects.plankton.profile", .choice(["guide", "synnefo"]), .text("guide")),
            ConfigKey("dialects.plankton.statusCase", .choice(["lower", "upper"])),
            ConfigKey("dialects.plankton.listForm", .choice(["bare", "wrapped"])),
            ConfigKey("dialects.plankton.forbidden", .choice(["405", "403"])),
            ConfigKey("dialects.plankton.postReplaces", .boolean, .boolean(true)),
            ConfigKey("dialects.plankton.defaultSort", .choice(["asc", "desc"])),
            ConfigKey("dialects.plankton.refuseOddIsPublic", .boolean),
            ConfigKey("dialects.plankton.serveData", .boolean, .boolean(false)),
            ConfigKey("dialects.plankton.sharedImages", .choice(["by", "with"]), .text("by")),
            ConfigKey("dialects.plankton.showLocation", .boolean, .boolean(false)),
            ConfigKey("dialects.plankton.missingLocation", .choice(["501", "400"])),
            ConfigKey("dialects.plankton.absentFile", .choice(["400", "404"])),
            ConfigKey("dialects.glance2010.profile", .choice(["seed", "bexar"]), .text("seed")),
            ConfigKey("dialects.glance2010.stores", .texts, .texts(["file", "swift", "s3"])),
            ConfigKey("dialects.glancev1.percentDecoding", .boolean, .boolean(true)),
            ConfigKey("dialects.glancev1.percentEncodingAgents", .texts, .texts(["python-glanceclient"])),
            ConfigKey("dialects.imagev2.showDirectUrl", .boolean, .boolean(false)),
            ConfigKey("dialects.imagev2.showLocations", .boolean, .boolean(false)),
            ConfigKey("dialects.imagev2.showStores", .boolean, .boolean(false)),
            ConfigKey("dialects.imagev2.starlingx", .boolean, .boolean(false)),
            ConfigKey("dialects.imagev2.starlingxLenient", .boolean, .boolean(false)),
        ]
        + identity.map { ConfigKey("identity.\($0.path)", $0.kind, $0.standard) }
        + passes.flatMap { section in passLists.map { ConfigKey("dialects.\(section.key).\($0)", .texts, .texts([])) } }

    /// Keys of `identity` and of each entry of `identities`.
    static let identity: [ConfigKey] =
        [
            ConfigKey("kind", .choice(["passthrough", "open", "static", "keystone", "astakos"])),
            ConfigKey("trustNetwork", .boolean, .boolean(false)),
            ConfigKey("file", .text),
            ConfigKey("url", .text),
            ConfigKey("transport", .choice(["direct", "curl"])),
            ConfigKey("caFile", .text),
            ConfigKey("version", .choice(["v3", "v2.0", "0.15", "0.14", "0.13"])),
            ConfigKey("cache.tokens", .integer(16...10_000_000), .integer(10_000)),
            ConfigKey("cache.size", .size, .integer(16 << 20)),
            ConfigKey("cache.known", .duration, .duration(.seconds(60))),
            ConfigKey("cache.unknown", .duration, .duration(.seconds(5))),
        ] + keystoneCredentials
        + [
            ConfigKey("bridge.url", .text),
            ConfigKey("bridge.transport", .choice(["direct", "curl"])),
            ConfigKey("bridge.caFile", .text),
            ConfigKey("bridge.file", .text),
            ConfigKey("bridge.template", .text),
            ConfigKey("bridge.roles", .texts, .texts(["member", "reader", "_member_"])),
            ConfigKey("bridge.user", .text),
            ConfigKey("bridge.userDomain", .text, .text("Default")),
            ConfigKey("bridge.passwordFile", .text),
        ]

    /// Who the gateway itself is at a Keystone. Secrets stand in files of their own, read anew at each authentication.
    private static let keystoneCredentials: [ConfigKey] = [
        ConfigKey("user", .text),
        ConfigKey("userDomain", .text, .text("Default")),
        ConfigKey("passwordFile", .text),
        ConfigKey("project", .text),
        ConfigKey("projectDomain", .text, .text("Default")),
        ConfigKey("applicationCredential", .text),
        ConfigKey("secretFile", .text),
    ]

    /// The section of each client dialect below `dialects`.
    static let passes = [
        (key: "glance2010", dialect: "glance-2010"), (key: "glancev1", dialect: "glance-v1"),
        (key: "plankton", dialect: "plankton"), (key: "imagev2", dialect: "image-v2"),
    ]

    /// What crosses beside the operations: header fields, answers' header fields, parameters of lists.
    static let passLists = ["passRequestFields", "passResponseFields", "passQuery"]

    /// Keys of an entry of `listen`.
    static let listener: [ConfigKey] = [ConfigKey("address", .text)]

    static let clientDialects = ["glance-2010", "glance-v1", "plankton", "image-v2"]

    /// Keys of an entry of `mounts`.
    static let mount: [ConfigKey] = [
        ConfigKey("prefix", .text),
        ConfigKey("dialect", .choice(clientDialects + ["auto"])),
        ConfigKey("fallback", .choice(clientDialects)),
        ConfigKey("backend", .text),
        ConfigKey("identity", .text),
    ]

    /// Keys of every backend: how its callers are known, and the store that `pithos://` locations name.
    private static let common: [ConfigKey] = [
        ConfigKey("identity", .text),
        ConfigKey("pithos.url", .text),
        ConfigKey("pithos.transport", .choice(["direct", "curl"])),
        ConfigKey("pithos.caFile", .text),
    ]

    /// Keys of backends that hold image data themselves.
    private static let holding: [ConfigKey] = [
        ConfigKey("pithos.tokenFile", .text),
        ConfigKey("locationMode", .choice(["reference", "import", "reject"])),
        ConfigKey("import.background", .boolean, .boolean(false)),
    ]

    /// Who fetches what clients name to be copied.
    private static let fetch = ConfigKey("fetch", .choice(["registry", "gateway"]), .text("registry"))

    /// Keys of every registry that is reached over the network.
    private static let remote: [ConfigKey] = [
        ConfigKey("url", .text),
        ConfigKey("transport", .choice(["direct", "curl"])),
        ConfigKey("caFile", .text),
        ConfigKey("markPrefix", .text),
    ]

    /// Keys of a backend, by its dialect.
    static let backends: [(dialect: String, keys: [ConfigKey])] = [
        (
            "embedded",
            common + holding + [
                ConfigKey("directory", .text),
                ConfigKey("objects", .text),
                ConfigKey("publish", .choice(["anyone", "admin"]), .text("anyone")),
                ConfigKey("maxProperties", .integer(1...100_000), .integer(128)),
                ConfigKey("maxMembers", .integer(1...100_000), .integer(128)),
                ConfigKey("maxTags", .integer(1...100_000), .integer(128)),
            ]
        ),
        (
            "image-v2",
            common + remote + holding + [
                fetch,
                ConfigKey("publishRefused", .choice(["refuse", "community"]), .text("refuse")),
                ConfigKey("locationFallback", .choice(["refuse", "import", "reference"]), .text("refuse")),
                ConfigKey("pithosBase", .text),
                ConfigKey("autoAcceptToken", .text),
                ConfigKey("pageSize", .integer(1...1000), .integer(1000)),
                ConfigKey("starlingx", .boolean, .boolean(false)),
            ]
        ),
        (
            "glance-v1",
            common + remote + holding + [
                fetch,
                ConfigKey("pageSize", .integer(1...1000), .integer(1000)),
                ConfigKey("stagingDirectory", .text),
            ]
        ),
        (
            "glance-2010",
            common + remote + holding + [
                fetch,
                ConfigKey("profile", .choice(["seed", "bexar"])),
                ConfigKey("listsByAge", .boolean, .boolean(false)),
                ConfigKey("stagingDirectory", .text),
            ]
        ),
        (
            "plankton",
            common + remote + [
                ConfigKey("pithosUpload.container", .text),
                ConfigKey("release", .choice(["auto", "0.13", "0.14", "0.15", "0.16"]), .text("auto")),
                ConfigKey("versionPrefix", .choice(["", "/v1.0", "/v1"])),
            ]
        ),
    ]
}
