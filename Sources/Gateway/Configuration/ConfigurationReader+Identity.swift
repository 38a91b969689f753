/// Rules of `identity` and `identities`: who vouches for callers must be clear, and be able to.
extension ConfigurationReader {
    mutating func checkIdentities() {
        checkNames()
        for identity in [configuration.standardIdentity]
            + configuration.identities.values.sorted(by: { $0.path < $1.path })
        {
            check(identity)
        }
        for mount in configuration.mounts { check(configuration.identity(of: mount), of: mount) }
        checkBridges()
    }

    private mutating func checkNames() {
        let named =
            configuration.mounts.enumerated().map { ("mounts[\($0.offset)].identity", $0.element.identity) }
            + configuration.backends.map { ("backends.\($0.name).identity", $0.text("identity")) }
        for case (let path, let name?) in named where configuration.identities[name] == nil {
            mistake(path, "there is no \"\(name)\" in identities")
        }
    }

    /// What a kind needs to do its work.
    private mutating func check(_ identity: Configuration.Identity) {
        let kind = identity.text("kind")
        switch kind {
        case "static":
            if identity.text("file") == nil {
                mistake("\(identity.path).file", "is missing; kind \"static\" reads tokens from it")
            }
        case "keystone":
            checkURL(in: identity, "url", identity.path, "http://10.0.0.6:5000/v3")
            checkVersion(of: identity, among: ["v3", "v2.0"])
            checkCredentials(of: identity)
        case "astakos":
            checkURL(in: identity, "url", identity.path, "https://accounts.example.org/identity/v2.0")
            checkVersion(of: identity, among: ["0.15", "0.14", "0.13"])
        default: break
        }
        guard identity.hasBridge || identity.text("bridge.file") != nil else { return }
        checkURL(in: identity, "bridge.url", identity.path, "http://10.0.0.6:5000/v3")
        if identity.text("bridge.file") == nil {
            mistake("\(identity.path).bridge.file", "is missing; it maps callers to projects")
        }
        if identity.text("bridge.user") != nil, identity.text("bridge.passwordFile") == nil {
            mistake("\(identity.path).bridge.passwordFile", "is missing; bridge.user needs it")
        }
        if kind != "astakos", kind != "static" {
            mistake(
                "\(identity.path).bridge",
                "bridges callers of kind \"astakos\" or \"static\"; of others the gateway knows no user, or they have a token of Keystone"
            )
        }
    }

    private mutating func checkVersion(of identity: Configuration.Identity, among versions: [String]) {
        guard let version = identity.text("version"), !versions.contains(version) else { return }
        let words = versions.map { "\"\($0)\"" }.joined(separator: ", ")
        mistake("\(identity.path).version", "\"\(version)\" is not one of \(words)")
    }

    /// Keystone tells about tokens only to those it knows.
    private mutating func checkCredentials(of identity: Configuration.Identity) {
        func has(_ key: String) -> Bool { identity.text(key) != nil }
        if has("applicationCredential") {
            if !has("secretFile") {
                mistake("\(identity.path).secretFile", "is missing; applicationCredential needs it")
            }
            if identity.text("version") == "v2.0" {
                mistake("\(identity.path).applicationCredential", "is unknown to \"v2.0\": give user and passwordFile")
            }
            return
        }
        guard has("user") else {
            return mistake(
                "\(identity.path).user",
                "is missing; the gateway asks Keystone as a user (user, passwordFile, project) or with an applicationCredential (and secretFile)"
            )
        }
        for key in ["passwordFile", "project"] where !has(key) {
            mistake("\(identity.path).\(key)", "is missing; user needs it")
        }
    }

    /// What a kind may be believed for.
    private mutating func check(_ identity: Configuration.Identity, of mount: Configuration.Mount) {
        guard let backend = configuration.backends.first(where: { $0.name == mount.backend }) else { return }
        let place = "\(identity.path).kind"
        switch identity.kind(isEmbedded: backend.isEmbedded) {
        case "open":
            guard backend.isEmbedded else {
                return mistake(
                    place,
                    "\"open\" believes every token, which only an embedded registry may; backend \"\(backend.name)\" is none: leave it to the registry with \"passthrough\""
                )
            }
            // Tokens are believed on loopback only, unless somebody says so.
            guard !identity.boolean("trustNetwork"),
                let address = configuration.listen.first(where: { !SocketAddressText.isLoopback($0) })
            else { return }
            if identity.text("kind") == nil {
                mistake(
                    place,
                    "must be said, since \(address) is not loopback: \"static\", \"keystone\" or \"astakos\", or \"open\" with trustNetwork: true to believe every token"
                )
            } else {
                mistake(
                    place,
                    "\"open\" believes every token, and \(address) is not loopback: use another kind, or write trustNetwork: true when everybody there may do everything"
                )
            }
        case "passthrough" where backend.isEmbedded:
            mistake(
                place,
                "\"passthrough\" leaves checking to the registry, but backend \"\(backend.name)\" is embedded: use \"open\", \"static\", \"keystone\" or \"astakos\""
            )
        default: break
        }
    }

    /// A backend's calls are bridged in one way.
    private mutating func checkBridges() {
        var bridges: [String: String] = [:]
        for (index, mount) in configuration.mounts.enumerated() {
            let identity = configuration.identity(of: mount)
            guard identity.hasBridge else { continue }
            if let other = bridges.updateValue(identity.path, forKey: mount.backend), other != identity.path {
                mistake(
                    "mounts[\(index)].identity",
                    "\(identity.path) and \(other) both bridge to backend \"\(mount.backend)\": name the registry twice"
                )
            }
        }
    }
}
