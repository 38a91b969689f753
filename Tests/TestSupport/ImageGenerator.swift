package import Images

/// Images of any kind, most of them ordinary in most fields and hostile in a few.
package struct ImageGenerator {
    package var random: Randomness

    package init(seed: UInt64) { random = Randomness(seed) }

    // MARK: Texts

    private static let pieces = [
        "a", "B", "z9", "_", "-", ".", " ", "  ", "%", "%41", "%zz", "/", "~", "~1", "~0", ",", ":", ";", "=", "\"",
        "\\",
        "'", "?", "#", "&", "+", "ä", "ß", "e\u{301}", "\u{E9}", "İ", "日本", "\u{1F40B}", "\u{10FFFF}", "\u{FFFD}",
        "\u{FEFF}",
        "\u{200B}", "\u{A0}", "\u{85}", "\t", "\n", "\r", "\r\n", "\u{1}", "\u{7F}", "None", "True", "gw_", "gw_x_",
        "os_glance", "null", "-", "h", "{", "]", "<b>", "&amp;",
    ]
    private static let names = [
        "kernel_id", "Kernel-ID", "kernel-id", "os", "OS", "name", "size", "id", "status", "location", "deleted",
        "tags",
        "gw_id", "gw_x_", "gw_x_a", "gw_x_%zz", "gw_tags", "gw_removed", "gw_disk_format", "gw_visibility",
        "os_glance_x",
        "_x", "", " ", "a b", "a:b", "a%20b", "property-x", "base", "self", "x\u{1F40B}", "ä", "\u{1F1}", "A", "a",
        "a-b", "a_b", "a.b",
        "owner", "min_ram", "type", "uri", "é", "e\u{301}", "a\nb", "~", "a/b", "%", "store", "\u{0}",
    ]

    package mutating func text(_ longest: Int = 6) -> String {
        var text = ""
        for _ in 0..<random.below(longest + 1) { text += random.pick(Self.pieces) }
        return text
    }

    private mutating func value() -> String? {
        switch random.below(24) {
        case 0: nil
        case 1: ""
        case 2: String(repeating: random.pick(["x", "ä", "\u{1F40B}"]), count: 1 + random.below(300))
        case 3: "None"
        case 4: "7"
        default: text()
        }
    }

    private mutating func name() -> String { random.once(in: 3) ? text(4) : random.pick(Self.names) }

    private mutating func properties() -> Properties {
        var properties = Properties()
        for _ in 0..<random.below(5) { properties.set(name(), value()) }
        return properties
    }

    // MARK: Images

    private static let formats = [
        "raw", "qcow2", "vhd", "vmdk", "vdi", "iso", "ami", "aki", "ari", "diskdump", "ntfsdump",
    ]
    private static let containers = ["bare", "ovf", "ami", "aki", "ari", "ova", "docker"]
    private static let numbers: [Int64] = [0, 1, 2, 512, 65_535, 1 << 31 - 1]
    private static let sizes: [Int64] = [0, 1, 3, 1 << 32, 1 << 40]
    private static let locations = [
        "pithos://u/c/o", "pithos://u/c/a%20b", "pithos://%C3%A4/c/o/p", "http://h/x", "https://h:1/%41?x=1",
    ]

    /// What a client wants an image to be.
    package mutating func image() -> Image {
        var image = Image()
        image[.name] = said { $0.random.once(in: 4) ? $0.text() : "image \($0.random.below(1000))" }
        setFormats(&image)
        let visibility = random.pick(Visibility.allCases)
        switch random.below(4) {
        case 0: image[.visibility] = .text(visibility.rawValue)
        case 1: image[.isPublic] = .boolean(visibility == .public)
        case 2:
            image[.visibility] = .text(visibility.rawValue)
            image[.isPublic] = .boolean(visibility == .public)
        default: break
        }
        if random.once(in: 2) { image[.minRAM] = .integer(random.pick(Self.numbers)) }
        if random.once(in: 2) { image[.minDisk] = .integer(random.pick(Self.numbers)) }
        if random.once(in: 2) { image[.protected] = .boolean(random.once(in: 2)) }
        if random.once(in: 2) { image[.hidden] = .boolean(random.once(in: 2)) }
        if random.once(in: 4) { image[.size] = .integer(random.pick(Self.sizes)) }
        if random.once(in: 4) {
            image[.checksum] = .text(
                random.pick(["900150983cd24fb0d6963f7d28e17f72", String(repeating: "ab", count: 32)]))
        }
        if random.once(in: 3) { image[.location] = .text(random.pick(Self.locations)) }
        if random.once(in: 3) { image.tags = (0..<random.below(4)).map { _ in text(3) } }
        if random.once(in: 3) { image[.owner] = .text(random.pick(["acme", "Ä b", "\u{1F40B}", "a,b"])) }
        image.properties = properties()
        return image
    }

    /// Absent, null or a value.
    private mutating func said(_ text: (inout ImageGenerator) -> String) -> FieldValue {
        switch random.below(8) {
        case 0: .absent
        case 1: .null
        default: .text(text(&self))
        }
    }

    private mutating func setFormats(_ image: inout Image) {
        image[.diskFormat] = random.once(in: 6) ? random.pick([.absent, .null]) : .text(random.pick(Self.formats))
        image[.containerFormat] =
            random.once(in: 6) ? random.pick([.absent, .null]) : .text(random.pick(Self.containers))
    }
}
