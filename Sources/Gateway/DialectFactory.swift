import Dialects
import HTTP
import Images
import Posix

/// Makes the client dialects with their settings.
struct DialectFactory {
    private let configuration: Configuration

    init(_ configuration: Configuration) { self.configuration = configuration }

    /// - Parameter fallback: for `auto`: the dialect of requests that show no evidence.
    func make(_ name: String, fallback: String?) -> DialectDetector {
        guard name == "auto" else { return DialectDetector(only: dialect(name)) }
        return DialectDetector(
            among: ConfigSchema.clientDialects.map(dialect), fallback: dialect(fallback ?? "glance-v1"))
    }

    func dialect(_ name: String) -> any ClientDialect {
        switch name {
        case "glance-2010": glance2010
        case "plankton": plankton
        case "image-v2": imageV2
        default: glanceV1
        }
    }

    private var values: GlanceValues {
        var values = GlanceValues()
        if let size = configuration.integer("limits.imageSize") { values.maxSize = size }
        return values
    }

    private var glance2010: Glance2010 {
        var settings = Glance2010.Settings(
            configuration.text("dialects.glance2010.profile") == "bexar" ? .bexar : .seed)
        settings.stores = configuration.texts("dialects.glance2010.stores")
        settings.values = values
        return Glance2010(settings: settings)
    }

    private var glanceV1: GlanceV1 {
        let isDecoding = configuration.boolean("dialects.glancev1.percentDecoding") == true
        return GlanceV1(
            settings: GlanceV1.Settings(
                percentEncodingAgents: isDecoding ? configuration.texts("dialects.glancev1.percentEncodingAgents") : [],
                values: values))
    }

    private var imageV2: ImageV2 {
        func boolean(_ key: String) -> Bool { configuration.boolean("dialects.imagev2.\(key)") == true }
        var settings = ImageV2.Settings()
        settings.showDirectURL = boolean("showDirectUrl")
        settings.showLocations = boolean("showLocations")
        settings.showStores = boolean("showStores")
        settings.starlingx = boolean("starlingx")
        settings.starlingxLenient = boolean("starlingxLenient")
        settings.passes = configuration.passes["image-v2"] ?? PassedFields.Lists()
        return ImageV2(settings: settings)
    }

    private var plankton: Plankton {
        func text(_ key: String) -> String? { configuration.text("dialects.plankton.\(key)") }
        func boolean(_ key: String) -> Bool? { configuration.boolean("dialects.plankton.\(key)") }
        var settings = Plankton.Settings(text("profile") == "synnefo" ? .synnefo : .guide)
        if let value = text("statusCase").flatMap(Plankton.Settings.StatusCase.init(rawValue:)) {
            settings.statusCase = value
        }
        if let value = text("listForm").flatMap(Plankton.Settings.ListForm.init(rawValue:)) {
            settings.listForm = value
        }
        if let value = text("forbidden").flatMap({ Int($0) }) { settings.forbidden = value }
        if let value = text("missingLocation").flatMap({ Int($0) }) { settings.missingLocation = value }
        if let value = text("absentFile").flatMap({ Int($0) }) { settings.absentFile = value }
        if let value = boolean("postReplaces") { settings.postReplaces = value }
        if let value = text("defaultSort") { settings.sortsAscending = value == "asc" }
        if let value = boolean("refuseOddIsPublic") { settings.refusesOddIsPublic = value }
        if let value = boolean("serveData") { settings.serveData = value }
        if let value = text("sharedImages").flatMap(Plankton.Settings.SharedImages.init(rawValue:)) {
            settings.sharedImages = value
        }
        if let value = boolean("showLocation") { settings.showLocation = value }
        return Plankton(settings: settings, date: { HTTPDate.text(WallClock.now().seconds) })
    }
}

extension Configuration {
    /// What crosses beside the operations, by client dialect.
    var passes: [String: PassedFields.Lists] {
        var passes: [String: PassedFields.Lists] = [:]
        for section in ConfigSchema.passes {
            func names(_ list: String) -> [String] { texts("dialects.\(section.key).\(list)") }
            passes[section.dialect] = PassedFields.Lists(
                request: names("passRequestFields"), response: names("passResponseFields"), query: names("passQuery"))
        }
        return passes
    }
}
