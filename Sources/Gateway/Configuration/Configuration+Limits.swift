import HTTP
import Server
import Upstream

extension Configuration {
    /// Bounds of client connections.
    var serverLimits: ServerLimits {
        var limits = ServerLimits()
        limits.http = httpLimits
        limits.requestHeader = duration("timeouts.requestHeader")
        limits.bodyIdle = duration("timeouts.bodyIdle")
        limits.writeIdle = duration("timeouts.writeIdle")
        limits.keepAliveIdle = duration("timeouts.keepAliveIdle")
        limits.lingering = duration("timeouts.lingering")
        limits.halfClosedGrace = duration("timeouts.halfClosedGrace")
        limits.minimumBodyRate = count("limits.minimumBodyRate")
        limits.maximumConnections = count("limits.connections")
        limits.requestsPerConnection = count("limits.requestsPerConnection")
        limits.unreadBodyBytes = integer("limits.unreadBody") ?? 0
        return limits
    }

    /// Bounds of heads and chunk framing, on both sides.
    private var httpLimits: HTTPLimits {
        var limits = HTTPLimits()
        limits.startLineBytes = count("limits.requestLine")
        limits.headerSectionBytes = count("limits.headerSection")
        limits.fieldCount = count("limits.headerFields")
        limits.chunkLineBytes = count("limits.chunkLine")
        limits.chunkExtensionBytes = count("limits.chunkExtensions")
        limits.trailerBytes = count("limits.trailers")
        return limits
    }

    /// Bounds of calls to remote backends.
    var upstreamTuning: UpstreamTuning {
        var tuning = UpstreamTuning()
        tuning.limits = httpLimits
        tuning.timeouts = UpstreamTimeouts(
            connect: duration("timeouts.upstreamConnect"), head: duration("timeouts.upstreamHead"),
            betweenBytes: duration("timeouts.upstreamBetweenBytes"))
        tuning.queueTime = duration("timeouts.upstreamQueue")
        tuning.idleTime = duration("timeouts.upstreamIdle")
        tuning.maxConnections = count("limits.upstreamConnections")
        tuning.maxWaiting = count("limits.upstreamWaiting")
        tuning.maxIdle = count("limits.upstreamIdle")
        return tuning
    }
}
