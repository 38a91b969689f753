import Bytes
import Images

/// `metadata.json`: canonical field names, times in canonical form, null and absent kept apart.
enum RecordCoding {
    static let version: Int64 = 1
    /// Largest metadata file read at start; well above all that is written, or what was acknowledged would not be read.
    static let maxBytes = 16 << 20
    /// Largest metadata file written. All of it is in memory, too.
    static let maxWrittenBytes = 1 << 20

    /// - Throws: when the record is larger than what may be written.
    static func encode(_ record: ImageRecord) throws(Failure) -> [UInt8] {
        let bytes = text(of: record)
        guard bytes.count <= maxWrittenBytes else {
            throw Failure(.tooLarge, "The metadata of an image may not be larger than \(maxWrittenBytes) bytes.")
        }
        return bytes
    }

    private static func text(of record: ImageRecord) -> [UInt8] {
        var writer = JSONWriter(spaced: true)
        writer.beginObject()
        writer.key("version")
        writer.integer(version)
        writer.key("image")
        writer.beginObject()
        for field in record.image.statedFields {
            writer.key(field.rawValue)
            write(field == .status ? record.lastingStatus : record.image[field], &writer)
        }
        writer.endObject()
        writer.key("properties")
        writer.beginObject()
        for property in record.image.properties.list {
            writer.key(property.name)
            if let value = property.value { writer.string(value) } else { writer.null() }
        }
        writer.endObject()
        writer.key("tags")
        writer.beginArray()
        for tag in record.image.tags ?? [] { writer.string(tag) }
        writer.endArray()
        writer.key("members")
        writer.beginArray()
        for member in record.members { write(member, &writer) }
        writer.endArray()
        writer.key("data")
        write(record.data, &writer)
        writer.endObject()
        return writer.take() + [0x0A]
    }

    private static func write(_ value: FieldValue, _ writer: inout JSONWriter) {
        switch value {
        case .absent, .null: writer.null()
        case .text(let text): writer.string(text)
        case .integer(let number): writer.integer(number)
        case .boolean(let flag): writer.boolean(flag)
        case .time(let time): writer.string(time.text(.canonical))
        }
    }

    private static func write(_ member: Member, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("id")
        writer.string(member.id)
        writer.key("can_share")
        writer.boolean(member.canShare ?? false)
        if let status = member.status {
            writer.key("status")
            writer.string(status)
        }
        for (key, time) in [("created_at", member.createdAt), ("updated_at", member.updatedAt)] {
            guard let time else { continue }
            writer.key(key)
            writer.string(time.text(.canonical))
        }
        writer.endObject()
    }

    private static func write(_ place: DataPlace, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("kind")
        switch place {
        case .none: writer.string("none")
        case .empty: writer.string("empty")
        case .file: writer.string("file")
        case .staged(let receipt):
            writer.string("staged")
            writer.key("size")
            writer.integer(receipt.size)
            writer.key("checksum")
            writer.string(receipt.checksum)
            writer.key(UploadReceipt.hashName)
            writer.string(receipt.hash)
        case .object(let size, let modified):
            writer.string("object")
            writer.key("size")
            writer.integer(size)
            writer.key("modified")
            writer.integer(modified)
        case .remote: writer.string("remote")
        case .awaited: writer.string("awaited")
        }
        writer.endObject()
    }

    /// Nil when the text is no record: a damaged file, or one of a later version.
    static func decode(_ bytes: [UInt8]) -> ImageRecord? {
        guard let document = (try? JSONReader.parse(bytes))?.object, document["version"]?.integer == version,
            let fields = document["image"]?.object, let properties = document["properties"]?.object,
            let tags = document["tags"]?.array, let members = document["members"]?.array,
            let place = place(document["data"])
        else { return nil }
        var image = Image()
        for member in fields.members {
            guard let field = ImageField(rawValue: member.key), let value = value(member.value, field.kind) else {
                return nil
            }
            image[field] = value
        }
        for property in properties.members {
            guard property.value.isNull || property.value.text != nil else { return nil }
            image.properties.appendUnchecked(Property(property.key, property.value.text))
        }
        image.tags = tags.compactMap(\.text)
        image.members = members.compactMap { element in
            guard let object = element.object, let id = object["id"]?.text else { return nil }
            func time(_ key: String) -> Timestamp? { object[key]?.text.flatMap { Timestamp($0) } }
            return Member(
                id: id, canShare: object["can_share"]?.boolean ?? false, status: object["status"]?.text,
                createdAt: time("created_at"), updatedAt: time("updated_at"))
        }
        guard !image.id.isEmpty, image.status != nil, image.members?.count == members.count else { return nil }
        return ImageRecord(image: image, data: place)
    }

    private static func value(_ value: JSONValue, _ kind: ImageField.Kind) -> FieldValue? {
        if value.isNull { return .null }
        return switch kind {
        case .text: value.text.map(FieldValue.text)
        case .integer: value.integer.map(FieldValue.integer)
        case .boolean: value.boolean.map(FieldValue.boolean)
        case .time: value.text.flatMap { Timestamp($0) }.map(FieldValue.time)
        }
    }

    private static func place(_ value: JSONValue?) -> DataPlace? {
        switch value?.object?["kind"]?.text {
        case "none": return DataPlace.none
        case "empty": return .empty
        case "file": return .file
        case "staged":
            guard let place = value?.object, let size = place["size"]?.integer,
                let checksum = place["checksum"]?.text, let hash = place[UploadReceipt.hashName]?.text
            else { return nil }
            return .staged(UploadReceipt(size: size, checksum: checksum, hash: hash))
        case "object":
            guard let size = value?.object?["size"]?.integer, let modified = value?.object?["modified"]?.integer else {
                return nil
            }
            return .object(size: size, modified: modified)
        case "remote": return .remote
        case "awaited": return .awaited
        default: return nil
        }
    }
}
