import Bytes
import Images

/// Values of metadata headers, read and checked as the servers of the v1 family did (glance-v1 §2, §5.1).
public struct GlanceValues: Sendable, Equatable {
    /// Disk formats that are taken (glance-v1 §2.4).
    public var diskFormats: [String]
    /// Container formats that are taken.
    public var containerFormats: [String]
    /// Schemes of `location` and copy-from, in small letters (glance-v1 §5.1).
    public var sourceSchemes: [String]
    /// Largest announced size in bytes.
    public var maxSize: Int64

    public init(
        diskFormats: [String] = ["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"],
        containerFormats: [String] = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker"],
        sourceSchemes: [String] = [
            "http", "https", "swift", "swift+http", "swift+https", "s3", "s3+http", "s3+https", "rbd", "cinder",
            "sheepdog", "vsphere", "gridfs", "pithos",
        ],
        maxSize: Int64 = 1 << 40
    ) {
        self.diskFormats = diskFormats
        self.containerFormats = containerFormats
        self.sourceSchemes = sourceSchemes
        self.maxSize = maxSize
    }

    /// Largest name, in characters.
    static let maxName = 255
    static let maxChecksum = 32
    /// Largest `min_ram` and `min_disk`: what the registries' columns hold.
    static let maxMinimum: Int64 = 2_147_483_647

    /// A field's value. An empty text is null; times are the server's own and absent.
    func read(_ text: String, of field: ImageField) throws(Failure) -> FieldValue {
        switch field {
        case .createdAt, .updatedAt, .deletedAt: return .absent
        case .isPublic, .protected: return .boolean(Self.isTrue(text))
        case .size:
            let size = try Self.number(text, field)
            try checkSize(size)
            return .integer(size)
        case .minRAM, .minDisk:
            let number = try Self.number(text, field)
            guard number <= Self.maxMinimum else {
                throw Failure(.badRequest, GlanceMessage.outOfRange(field.rawValue))
            }
            return .integer(number)
        case .virtualSize: return ASCII.equalIgnoringCase(text, "none") ? .null : .integer(try Self.number(text, field))
        case .name:
            let count = text.unicodeScalars.count
            guard count <= Self.maxName else { throw Failure(.badRequest, GlanceMessage.longName(count)) }
        case .checksum where text.unicodeScalars.count > Self.maxChecksum:
            throw Failure(.badRequest, GlanceMessage.longChecksum(text))
        case .diskFormat:
            guard diskFormats.contains(where: { $0.sameBytes(as: text) }) else {
                throw Failure(.badRequest, GlanceMessage.diskFormat(text.isEmpty ? "None" : text))
            }
        case .containerFormat:
            guard containerFormats.contains(where: { $0.sameBytes(as: text) }) else {
                throw Failure(.badRequest, GlanceMessage.containerFormat(text.isEmpty ? "None" : text))
            }
        default: break
        }
        return text.isEmpty ? .null : .text(text)
    }

    /// Refuses what is larger than the registry takes.
    func checkSize(_ size: Int64) throws(Failure) {
        guard size <= maxSize else { throw Failure(.badRequest, GlanceMessage.tooLarge(maxSize)) }
    }

    /// Refuses addresses that no store of the registry understands; which of the others are followed is the gateway's
    /// own rule.
    func checkSource(_ address: String) throws(Failure) {
        guard !address.isEmpty else { throw Failure(.badRequest, GlanceMessage.emptySource) }
        let parts = address.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].starts(with: "//".utf8), parts[1].count > 2,
            sourceSchemes.contains(where: { ASCII.equalIgnoringCase($0.utf8, parts[0]) })
        else { throw Failure(.badRequest, GlanceMessage.source(address)) }
    }

    private static func number(_ text: String, _ field: ImageField) throws(Failure) -> Int64 {
        guard let number = WholeNumber.read(text) else {
            throw Failure(.badRequest, GlanceMessage.notInteger(field.rawValue, text))
        }
        guard number >= 0 else { throw Failure(.badRequest, GlanceMessage.negative(field.rawValue, text)) }
        return number
    }

    private static let trueWords = ["1", "t", "true", "on", "y", "yes"]

    /// Every other word is false (glance-v1 §2.3).
    static func isTrue(_ word: String) -> Bool {
        trueWords.contains { ASCII.equalIgnoringCase($0, ASCII.trim(word)) }
    }

    /// An Amazon format given once fills both fields; two different ones are refused (glance-v1 §2.4).
    static func completeFormats(of image: inout Image) throws(Failure) {
        let disk = image.text(.diskFormat)
        let container = image.text(.containerFormat)
        guard let format = [disk, container].compactMap({ $0 }).first(where: ValueRules.amazonFormats.contains) else {
            return
        }
        guard (disk ?? format) == (container ?? format) else { throw Failure(.badRequest, GlanceMessage.formatMix) }
        image[.diskFormat] = .text(format)
        image[.containerFormat] = .text(format)
    }

    /// Bytes of a request that must be text.
    static func text(_ bytes: [UInt8]) throws(Failure) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.badRequest, GlanceMessage.notUTF8)
        }
        guard !bytes.contains(0) else { throw Failure(.badRequest, GlanceMessage.holdsNUL) }
        return text
    }
}
