import Dialects
import HTTP
import Posix

/// Makes the client dialects with their settings.
struct DialectFactory {
    private let configuration: Configuration

    init(_ configuration: Configuration) { self.configuration = configuration }

    /// - Parameter fallback: for `auto`: the dialect of requests that show no evidence.
    func make(_ name: String, fallback: String?) -> any ClientDialect {
        switch name {
        default: plankton
        }
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
