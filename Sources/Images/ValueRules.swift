/// Value rules that more than one dialect or backend needs (mapping §3.3, §3.4).
public enum ValueRules {
    /// The one-word image type of the first Glance API and the two formats it stands for (mapping §3.3).
    public static let imageTypes: [(type: String, diskFormat: String, containerFormat: String)] = [
        ("kernel", "aki", "aki"),
        ("ramdisk", "ari", "ari"),
        ("machine", "ami", "ami"),
        ("raw", "raw", "bare"),
    ]

    /// Formats of the Amazon family: given once they fill both fields, two different ones are refused (glance-v1 §2.4).
    public static let amazonFormats = ["aki", "ari", "ami"]

    /// Disk formats of Plankton: on every other registry they are `raw` with a mark (mapping §3.4).
    public static let planktonDiskFormats = ["diskdump", "extdump", "ntfsdump"]

    /// The type that a 2010 client sees: aki, ari, ami in either field decide; everything else is `raw`.
    public static func imageType(of image: Image) -> String {
        for format in [image.text(.diskFormat), image.text(.containerFormat)] {
            if let entry = imageTypes.first(where: { $0.diskFormat == format && $0.type != "raw" }) {
                return entry.type
            }
        }
        return "raw"
    }

    /// Whether the text is an MD5 as Glance writes it: 32 lower-case hex digits (mapping §3.7).
    public static func isMD5(_ text: String) -> Bool {
        let bytes = text.utf8
        return bytes.count == 32 && bytes.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
    }
}
