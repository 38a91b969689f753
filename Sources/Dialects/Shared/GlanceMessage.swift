import Images

/// What is said to clients of the v1 family, in the words of the last servers (glance-v1 §2 to §7).
enum GlanceMessage {
    static let notUTF8 =
        "Error decoding your request. Either the URL or the request body contained characters that could not be decoded by Glance"
    static let holdsNUL = "A metadata header holds a NUL character"
    static let queryTooLong = "The query string is too long"
    static let queryControl = "The query string holds a control character"
    static let limitNotInteger = "limit param must be an integer"
    static let limitNegative = "limit param must be positive"
    static let markerFormat = "Invalid marker format"
    static let markerUnknown = "Invalid marker. Image could not be found."
    static let sortDirection = "Unsupported sort_dir. Acceptable values: asc, desc"
    static let changesSince = "Unrecognized changes-since value"
    static let invalidID = "Invalid image id format"
    static let formatMix =
        "Invalid mix of disk and container formats. When setting a disk or container format to one of 'aki', 'ari', or 'ami', the container and disk formats must match."
    static let noDiskFormat = "Disk format is not specified."
    static let noContainerFormat = "Container format is not specified."
    static let noName = "Image name is required"
    static let noType = "Image type is required"
    static let manySources = "It's invalid to provide multiple image sources."
    static let emptySource = "External source should not be empty"
    static let contentType = "Content-Type must be application/octet-stream"
    static let notJSON = "Malformed JSON in request body."
    static let bodyType = "Unexpected body type. Expected list/dict."
    static let membership = "Invalid membership association: 'member_id'"
    static let memberUnknown = "Membership could not be found."

    static var sortKey: String {
        "Unsupported sort_key. Acceptable values: " + GlanceV1.sortKeys.map(\.rawValue).joined(separator: ", ")
    }

    static func wrongMethod(_ method: String) -> String { "The method \(method) is not allowed for this resource." }
    static func filter(_ name: String, _ value: String) -> String {
        "Bad value passed to filter \(name) got \(value)"
    }
    static func header(_ name: String) -> String { "Bad header: x-image-meta-\(name)" }
    static func notInteger(_ name: String, _ value: String) -> String {
        "Invalid value '\(value)' for parameter '\(name)': Cannot convert image \(name) '\(value)' to an integer."
    }
    static func negative(_ name: String, _ value: String) -> String {
        "Invalid value '\(value)' for parameter '\(name)': Cannot be a negative value."
    }
    static func tooLarge(_ cap: Int64) -> String { "Denying attempt to upload image larger than \(cap) bytes." }
    static func outOfRange(_ name: String) -> String {
        "'\(name)' value out of range, must not exceed \(GlanceValues.maxMinimum)"
    }
    static func longName(_ count: Int) -> String { "Image name too long: \(count)" }
    static func longChecksum(_ value: String) -> String {
        "Invalid checksum '\(value)': can't exceed \(GlanceValues.maxChecksum) characters"
    }
    static func diskFormat(_ value: String) -> String { "Invalid disk format '\(value)' for image." }
    static func containerFormat(_ value: String) -> String { "Invalid container format '\(value)' for image." }
    static func source(_ url: String) -> String { "External sources are not supported: '\(url)'" }
    static func fixed(_ name: String) -> String { "Forbidden to modify '\(name)' of image." }
    static func fixedWhileActive(_ name: String) -> String { "Forbidden to modify '\(name)' of active image." }
    static func unknownImage(_ id: String) -> String { "Image with identifier \(id) not found" }
    static func imageType(_ type: String) -> String { "Invalid image type '\(type)' for image." }
    static func store(_ name: String) -> String {
        "Requested store \(name) not available for storage on this Glance node"
    }
    static func sizeMismatch(_ announced: Int64, _ real: Int64) -> String {
        "Supplied size (\(announced)) and size generated from uploaded image (\(real)) did not match"
    }
    static func value(_ name: String) -> String { "Invalid value for parameter '\(name)'" }
    static func manyProperties(_ count: Int, _ most: Int) -> String {
        "The limit has been exceeded on the number of allowed image properties. Attempted: \(count), Maximum: \(most)"
    }
}
