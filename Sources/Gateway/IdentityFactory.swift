import Identity
import Images
import Upstream

/// Makes the providers that say who is asking, and the bridges; one of each for all mounts that share it.
struct IdentityFactory {
    private let configuration: Configuration
    private var providers: [String: any IdentityProvider] = [:]
    /// Those that remember tokens, by their place in the configuration.
    private(set) var caches: [(name: String, identity: CachedIdentity)] = []

    init(_ configuration: Configuration) { self.configuration = configuration }

    /// Who says who the callers of a mount are.
    mutating func provider(of mount: Configuration.Mount) throws(Service.StartError) -> any IdentityProvider {
        let identity = configuration.identity(of: mount)
        let isEmbedded = configuration.backends.contains { $0.name == mount.backend && $0.isEmbedded }
        let kind = identity.kind(isEmbedded: isEmbedded)
        // `identity` without a kind is another one before each sort of registry.
        let name = "\(identity.path) \(kind)"
        if let provider = providers[name] { return provider }
        let provider = try make(identity, kind)
        providers[name] = provider
        if let cached = provider as? CachedIdentity { caches.append((identity.path, cached)) }
        return provider
    }

    private func make(
        _ identity: Configuration.Identity, _ kind: String
    ) throws(Service.StartError) -> any IdentityProvider {
        switch kind {
        case "static":
            do throws(ConfigurationError) {
                return try Configuration.watchedTokens(of: identity.text("file") ?? "")
            } catch {
                throw Service.StartError(description: error.description)
            }
        case "open": return OpenIdentity()
        case "keystone":
            return CachedIdentity(KeystoneTokens(try keystone(identity)), settings: Self.cache(identity))
        case "astakos":
            let release = identity.text("version").flatMap(AstakosTokens.Release.init(rawValue:)) ?? .identity
            return CachedIdentity(
                AstakosTokens(try endpoint(identity, ""), release: release), settings: Self.cache(identity))
        default: return PassthroughIdentity()
        }
    }

    private static func cache(_ identity: Configuration.Identity) -> TokenCacheSettings {
        var settings = TokenCacheSettings()
        settings.maxTokens = identity.integer("cache.tokens")
        settings.maxBytes = identity.integer("cache.size")
        settings.knownLifetime = identity.duration("cache.known")
        settings.unknownLifetime = identity.duration("cache.unknown")
        return settings
    }

    /// The gateway's own session at the Keystone that checks tokens.
    private func keystone(_ identity: Configuration.Identity) throws(Service.StartError) -> KeystoneSession {
        let credential: KeystoneCredential
        if let id = identity.text("applicationCredential") {
            credential = KeystoneCredential(
                .applicationCredential(id: id), secretFile: identity.text("secretFile") ?? "")
        } else {
            credential = KeystoneCredential(
                .password(
                    Self.user(identity, ""), project: identity.text("project") ?? "",
                    projectDomain: identity.text("projectDomain") ?? ""),
                secretFile: identity.text("passwordFile") ?? "")
        }
        return KeystoneSession(
            transport: try endpoint(identity, ""),
            version: identity.text("version").flatMap(KeystoneVersion.init(rawValue:)) ?? .v3, credential: credential)
    }

    /// The bridge that calls to a backend cross; nil: none of its mounts has one.
    func bridge(to backend: Configuration.Backend) throws(Service.StartError) -> IdentityBridge? {
        let identities = configuration.mounts.filter { $0.backend == backend.name }.map(configuration.identity)
        guard let identity = identities.first(where: \.hasBridge), !backend.isEmbedded else { return nil }
        let map: BridgeMap
        do throws(ConfigurationError) { map = try configuration.bridgeMap(of: identity) } catch {
            throw Service.StartError(description: error.description)
        }
        var settings = IdentityBridge.Settings(allowedRoles: identity.texts("bridge.roles"))
        if let file = identity.text("bridge.passwordFile"), identity.text("bridge.user") != nil {
            settings.trustee = .init(user: Self.user(identity, "bridge."), secretFile: file)
        }
        let watched = WatchedBridgeMap(configuration, identity)
        return IdentityBridge(
            transport: try endpoint(identity, "bridge."), map: map, reload: { watched.next() }, settings: settings)
    }

    private static func user(_ identity: Configuration.Identity, _ section: String) -> KeystoneUser {
        KeystoneUser(
            name: identity.text(section + "user") ?? "", domain: identity.text(section + "userDomain") ?? "")
    }

    /// The way to an identity service.
    private func endpoint(
        _ identity: Configuration.Identity, _ section: String
    ) throws(Service.StartError) -> UpstreamEndpoint {
        try UpstreamEndpoint(identity, section, identity.path, configuration)
    }
}

extension UpstreamEndpoint {
    /// The service that a section of the configuration names by `url`, `transport` and `caFile`.
    ///
    /// - Parameter prefix: of these keys in the section, with a dot at the end; empty for the section's own.
    convenience init(
        _ section: some ConfigSection, _ prefix: String, _ place: String, _ configuration: Configuration
    ) throws(Service.StartError) {
        guard let text = section.text(prefix + "url"), let url = UpstreamURL(text) else {
            throw Service.StartError(description: "\(place): no \(prefix)url")
        }
        var tuning = configuration.upstreamTuning
        tuning.caFile = section.text(prefix + "caFile")
        self.init(url: url, kind: section.text(prefix + "transport").flatMap(Kind.init(rawValue:)), tuning: tuning)
    }
}
