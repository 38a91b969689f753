import Backends
import Dialects
import FoundationEssentials
import HTTP
import Identity
import Images
import Registry
import Upstream

/// Makes the configured backends.
struct BackendFactory {
    private let configuration: Configuration
    /// What a remote backend sends its calls through, made of what reaches the registry.
    private let wrap: (Configuration.Backend, any Transport) -> any Transport

    init(
        _ configuration: Configuration,
        wrap: @escaping (Configuration.Backend, any Transport) -> any Transport = { $1 }
    ) {
        self.configuration = configuration
        self.wrap = wrap
    }

    func make() throws(Service.StartError) -> (backends: [(name: String, backend: any Backend)], findings: [String]) {
        var backends: [(name: String, backend: any Backend)] = []
        var findings: [String] = []
        for entry in configuration.backends {
            let registry = try make(entry)
            let staged = try staging(entry, registry)
            findings += staged.findings.map { "backend \(entry.name): \($0)" }
            // From the inside out. What works on after the answer asks the bridge anew for each call; the store is asked
            // with the token that the client sent.
            var backend = staged.backend
            if let bridge = try IdentityFactory(configuration).bridge(to: entry) {
                backend = BridgedBackend(backend, bridge: bridge)
            }
            backend = fetching(entry, backend, before: registry.backend)
            backend = try located(entry, backend)
            let isChecked = configuration.boolean("debug.contract") == true
            backends.append((entry.name, isChecked ? ContractBackend(backend) : backend))
        }
        return (backends, findings)
    }

    /// One backend without what the gateway does for it on its own disk, and what an operator should know of it.
    func make(_ entry: Configuration.Backend) throws(Service.StartError) -> (backend: any Backend, findings: [String]) {
        switch entry.dialect {
        case "embedded":
            let registry = try embedded(entry)
            return (registry, registry.findings)
        case "glance-v1": return (try glanceV1(entry), [])
        case "glance-2010": return (try glance2010(entry), [])
        case "plankton": return (try plankton(entry), [])
        default: return (try imageV2(entry), [])
        }
    }

    /// The backend with a place where data wait for an import, if it has one.
    private func staging(
        _ entry: Configuration.Backend, _ made: (backend: any Backend, findings: [String])
    ) throws(Service.StartError) -> (backend: any Backend, findings: [String]) {
        guard let directory = entry.text("stagingDirectory"), !directory.isEmpty else { return made }
        do throws(DiskError) {
            let spool = try StagingSpool(
                directory: directory, maxBytes: maxImageBytes, workers: PoolWorkers())
            return (StagingBackend(made.backend, spool: spool), made.findings + spool.findings)
        } catch {
            throw Service.StartError(
                description: error.isLocked
                    ? "backend \(entry.name): the stagingDirectory \(directory) is in use"
                    : "backend \(entry.name): the stagingDirectory cannot be used: \(error)")
        }
    }

    /// The backend with the gateway fetching what clients name, where the registry cannot or shall not.
    private func fetching(
        _ entry: Configuration.Backend, _ backend: any Backend, before registry: any Backend
    ) -> any Backend {
        guard entry.isEmbedded || entry.text("fetch") == "gateway" else { return backend }
        var limits = GuardedFetch.Limits()
        limits.bytes = maxImageBytes
        limits.timeouts = configuration.upstreamTuning.timeouts
        limits.caFile = configuration.text("locations.caFile")
        var kill: (@Sendable (String) async throws(Failure) -> Void)?
        if let registry = registry as? FileRegistry {
            kill = { id async throws(Failure) in try await registry.kill(id) }
        }
        return FetchingBackend(
            backend, fetch: GuardedFetch(policy: LocationPolicy(configuration), limits: limits), kill: kill,
            report: OperatorLog.line)
    }

    /// The backend with images that are registered where their objects are (mapping §3.6).
    private func located(
        _ entry: Configuration.Backend, _ backend: any Backend
    ) throws(Service.StartError) -> any Backend {
        let mode = entry.text("locationMode").flatMap(LocatedBackend.Mode.init(rawValue:))
        let store: (any PithosObjects)? = try store(of: entry)
        guard entry.dialect != "plankton", store != nil || mode == .reject else { return backend }
        var settings = LocatedBackend.Settings(mode: mode ?? .reference)
        settings.isBackground = entry.boolean("import.background")
        settings.keepsObjectIDs = entry.isEmbedded || entry.dialect == "image-v2"
        settings.report = OperatorLog.line
        if let file = entry.text("pithos.tokenFile") {
            guard let secret = WatchedSecret(file) else {
                throw Service.StartError(
                    description: "backend \(entry.name): pithos.tokenFile: \(file) cannot be read, or holds no token")
            }
            settings.serviceToken = { secret.current }
        }
        return LocatedBackend(backend, objects: store ?? AbsentStore(), settings: settings)
    }

    /// The store that `pithos://` locations name; nil: there is none.
    private func store(of entry: Configuration.Backend) throws(Service.StartError) -> PithosClient? {
        guard entry.text("pithos.url") != nil else { return nil }
        return PithosClient(
            transport: try UpstreamEndpoint(entry, "pithos.", "backend \(entry.name)", configuration))
    }

    private var maxImageBytes: Int64 { configuration.integer("limits.imageSize") ?? 1 << 40 }

    /// The registry's address and the way to it.
    private func remote(_ entry: Configuration.Backend) throws(Service.StartError) -> (any Transport, UpstreamURL) {
        let endpoint = try UpstreamEndpoint(entry, "", "backend \(entry.name)", configuration)
        return (wrap(entry, endpoint), endpoint.url)
    }

    private func embedded(_ entry: Configuration.Backend) throws(Service.StartError) -> FileRegistry {
        if let objects = entry.text("objects") {
            // When it cannot be made, the registry says why it cannot be opened.
            try? FileManager.default.createDirectory(atPath: objects, withIntermediateDirectories: true)
        }
        let settings = RegistrySettings(
            directory: entry.text("directory") ?? "", objects: entry.text("objects"),
            publish: entry.text("publish").flatMap(RegistrySettings.Publishers.init(rawValue:)) ?? .anyone,
            maxImageBytes: maxImageBytes,
            maxProperties: entry.integer("maxProperties"), maxMembers: entry.integer("maxMembers"),
            maxTags: entry.integer("maxTags"))
        do throws(RegistryOpenError) { return try FileRegistry(settings: settings, workers: PoolWorkers()) } catch {
            throw Service.StartError(description: "backend \(entry.name): \(error)")
        }
    }

    private func imageV2(_ entry: Configuration.Backend) throws(Service.StartError) -> ImageV2Backend {
        let (transport, url) = try remote(entry)
        var settings = ImageV2Settings()
        if let prefix = entry.text("markPrefix") { settings.markPrefix = prefix.isEmpty ? nil : prefix }
        if let refused = entry.text("publishRefused").flatMap(ImageV2Settings.PublishRefused.init(rawValue:)) {
            settings.publishRefused = refused
        }
        if let fallback = entry.text("locationFallback").flatMap(ImageV2Settings.LocationFallback.init(rawValue:)) {
            settings.locationFallback = fallback
        }
        settings.pithosBase = entry.text("pithosBase")
        settings.autoAcceptToken = entry.text("autoAcceptToken")
        settings.pageSize = entry.integer("pageSize")
        settings.starlingx = entry.boolean("starlingx")
        settings.authority = "\(url.host):\(url.port)"
        return ImageV2Backend(transport: transport, settings: settings)
    }

    private func glanceV1(_ entry: Configuration.Backend) throws(Service.StartError) -> GlanceV1Backend {
        let (transport, url) = try remote(entry)
        var registry = GlanceV1Registry()
        if let prefix = entry.text("markPrefix") { registry.markPrefix = prefix.isEmpty ? nil : prefix }
        registry.pageSize = entry.integer("pageSize")
        registry.authority = "\(url.host):\(url.port)"
        return GlanceV1Backend(transport: transport, registry: registry)
    }

    private func glance2010(_ entry: Configuration.Backend) throws(Service.StartError) -> Glance2010Backend {
        let (transport, url) = try remote(entry)
        var settings = Glance2010BackendSettings()
        if let prefix = entry.text("markPrefix") { settings.markPrefix = prefix.isEmpty ? nil : prefix }
        settings.profile = entry.text("profile").flatMap(Glance2010.Settings.Profile.init(rawValue:))
        settings.listsByAge = entry.boolean("listsByAge")
        settings.authority = "\(url.host):\(url.port)"
        return Glance2010Backend(transport: transport, settings: settings)
    }

    private func plankton(_ entry: Configuration.Backend) throws(Service.StartError) -> PlanktonBackend {
        let (transport, url) = try remote(entry)
        var settings = PlanktonRegistrySettings()
        if let prefix = entry.text("markPrefix") { settings.markPrefix = prefix.isEmpty ? nil : prefix }
        if let release = entry.text("release").flatMap(PlanktonRegistrySettings.Release.init(rawValue:)) {
            settings.release = release
        }
        settings.versionPrefix = PlanktonRegistrySettings.versionPrefix(
            entry.text("versionPrefix"), release: settings.release, rootPath: url.path)
        settings.authority = "\(url.host):\(url.port)"
        return PlanktonBackend(
            transport: transport, settings: settings, pithos: try store(of: entry),
            uploadContainer: entry.text("pithosUpload.container"))
    }
}
