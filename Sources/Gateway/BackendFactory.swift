import Backends
import Dialects
import FoundationEssentials
import HTTP
import Images
import Registry
import Upstream

/// Makes the configured backends.
struct BackendFactory {
    private let configuration: Configuration

    init(_ configuration: Configuration) { self.configuration = configuration }

    func make() throws(Service.StartError) -> (backends: [(name: String, backend: any Backend)], findings: [String]) {
        var backends: [(name: String, backend: any Backend)] = []
        var findings: [String] = []
        for entry in configuration.backends {
            if entry.isEmbedded {
                let registry = try embedded(entry)
                findings += registry.findings.map { "backend \(entry.name): \($0)" }
                backends.append((entry.name, registry))
            } else {
                backends.append((entry.name, try imageV2(entry)))
            }
        }
        return (backends, findings)
    }

    private func embedded(_ entry: Configuration.Backend) throws(Service.StartError) -> FileRegistry {
        if let objects = entry.text("objects") {
            // When it cannot be made, the registry says why it cannot be opened.
            try? FileManager.default.createDirectory(atPath: objects, withIntermediateDirectories: true)
        }
        let settings = RegistrySettings(
            directory: entry.text("directory") ?? "", objects: entry.text("objects"),
            publish: entry.text("publish").flatMap(RegistrySettings.Publishers.init(rawValue:)) ?? .anyone,
            maxImageBytes: configuration.integer("limits.imageSize") ?? 1 << 40,
            maxProperties: entry.integer("maxProperties"), maxMembers: entry.integer("maxMembers"))
        do throws(RegistryOpenError) { return try FileRegistry(settings: settings, workers: PoolWorkers()) } catch {
            throw Service.StartError(description: "backend \(entry.name): \(error)")
        }
    }

    private func imageV2(_ entry: Configuration.Backend) throws(Service.StartError) -> ImageV2Backend {
        guard let text = entry.text("url"), let url = UpstreamURL(text) else {
            throw Service.StartError(description: "backend \(entry.name): no url")
        }
        var tuning = configuration.upstreamTuning
        tuning.caFile = entry.text("caFile")
        let endpoint = UpstreamEndpoint(
            url: url, kind: entry.text("transport").flatMap(UpstreamEndpoint.Kind.init(rawValue:)), tuning: tuning)
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
        return ImageV2Backend(transport: endpoint, settings: settings)
    }
}
