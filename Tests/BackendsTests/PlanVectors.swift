import Bytes
import Dialects
import FoundationEssentials
import Images

/// The plan vectors: an operation of a client, the requests it takes, what the client gets.
enum PlanVectors {
    static let all: [JSONObject] = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Vectors/image-v2-plans.json")
        guard let data = try? Data(contentsOf: file), let all = try? JSONReader.parse(Array(data)).object else {
            return []
        }
        return all["plan"]?.array?.compactMap(\.object) ?? []
    }()

    static let names = all.compactMap { $0["name"]?.text }

    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    static func steps(_ vector: JSONObject) -> [ScriptedTransport.Step] {
        (vector["exchange"]?.array ?? []).compactMap { entry in
            guard let request = entry.object?["request"]?.object, let reply = entry.object?["reply"]?.object else {
                return nil
            }
            var answer = ScriptedTransport.Reply.closed
            if let status = reply["status"]?.integer {
                var headers = pairs(reply["headers"])
                var body = Array((reply["body"]?.text ?? "").utf8)
                if let json = reply["json"] {
                    headers.append(("Content-Type", "application/json"))
                    var writer = JSONWriter()
                    writer.value(json)
                    body = writer.take()
                }
                answer = .answer(Int(status), headers, body)
            }
            return ScriptedTransport.Step(
                method: request["method"]?.text ?? "", target: request["target"]?.text ?? "",
                headers: pairs(request["headers"]), json: request["json"], body: request["body"]?.text, reply: answer)
        }
    }

    private static func pairs(_ value: JSONValue?) -> [(String, String)] {
        (value?.array ?? []).map { ($0.array?.first?.text ?? "", $0.array?.last?.text ?? "") }
    }

    static func image(_ fields: JSONObject) -> Image {
        var image = Image()
        for field in ImageField.allCases {
            guard let value = fields[field.rawValue] else { continue }
            image[field] =
                if value.isNull { .null } else if let text = value.text {
                    .text(text)
                } else if let number = value.integer { .integer(number) } else if let truth = value.boolean {
                    .boolean(truth)
                } else { .absent }
        }
        for member in fields["properties"]?.object?.members ?? [] {
            image.properties.set(member.key, member.value.text)
        }
        return image
    }

    /// The operation as the client's dialect says it.
    static func operation(_ vector: JSONObject) throws -> Images.Operation {
        guard let asked = vector["operation"]?.object, let word = asked["operation"]?.text,
            let client = vector["client"]?.text
        else { throw Fault(description: "no operation") }
        let id = asked["image_id"]?.text ?? ""
        switch word {
        case "get_image_meta": return .showImage(id: id)
        case "get_image_data": return .downloadImage(id: id)
        case "delete_image": return .deleteImage(id: id)
        case "list_members": return .listMembers(id: id)
        case "add_member":
            return .addMember(
                id: id, member: Member(id: asked["member_id"]?.text ?? "", canShare: asked["can_share"]?.boolean))
        case "remove_member":
            return .removeMember(id: id, memberID: asked["member_id"]?.text ?? "", absentIsDone: client == "plankton")
        case "replace_members":
            let members = (asked["members"]?.array ?? []).compactMap { entry in
                entry.object.map { Member(id: $0["member_id"]?.text ?? "", canShare: $0["can_share"]?.boolean) }
            }
            return .replaceMembers(id: id, members: members)
        case "list_shared_images":
            let member = asked["member_id"]?.text ?? ""
            return .listSharedImages(client == "plankton" ? .ownedBy(member) : .sharedWith(member))
        case "list_images": return .listImages(query(asked, client))
        case "create_image": return .createImage(creation(asked, client))
        case "update_image": return .updateImage(update(asked, client))
        default: throw Fault(description: "operation \(word)")
        }
    }

    private static func source(_ asked: JSONObject) -> DataSource {
        switch asked["source"]?.text {
        case "body": .body(length: asked["data_length"]?.integer)
        case "location": .location
        case "copy_from": .copyFrom(asked["copy_from"]?.text ?? "")
        default: .none
        }
    }

    private static func creation(_ asked: JSONObject, _ client: String) -> ImageCreation {
        let image = image(asked["fields"]?.object ?? JSONObject())
        let source = source(asked)
        return ImageCreation(
            image: image, source: source, replacesAtLocation: client == "plankton",
            isActiveWhenEmpty: client == "glance-v1" && source == .none && image.integer(.size) == 0)
    }

    private static func update(_ asked: JSONObject, _ client: String) -> ImageUpdate {
        var image = image(asked["fields"]?.object ?? JSONObject())
        var removals: [String] = []
        if client == "plankton" {
            removals = image.properties.list.filter { $0.value == "" }.map(\.name)
            for name in removals { image.properties.remove(name) }
        }
        return ImageUpdate(
            id: asked["image_id"]?.text ?? "", image: image, removals: removals,
            purgesProperties: asked["purge_props"]?.boolean ?? false, source: source(asked),
            fold: client == "plankton" ? .plankton : .header)
    }

    private static func query(_ asked: JSONObject, _ client: String) -> ImageQuery {
        var query = ImageQuery(isDetailed: false)
        query.limit = asked["limit"]?.integer.map { Int($0) }
        if client == "glance-2010" {
            query.scope = .publicOnly
            query.sort = [.init(.createdAt, ascending: true)]
        } else if client == "plankton" {
            query.sort = [.init(.createdAt, ascending: false)]
        }
        if let key = asked["sort_key"]?.text.flatMap(ImageField.init(rawValue:)) {
            query.sort = [.init(key, ascending: asked["sort_dir"]?.text == "asc")]
        }
        for member in asked["filters"]?.object?.members ?? [] {
            switch member.key {
            case "size_min": query.filters.append(.atLeast(.size, member.value.integer ?? 0))
            case "size_max": query.filters.append(.atMost(.size, member.value.integer ?? 0))
            case "protected": query.filters.append(.oneOf(.protected, [.boolean(member.value.boolean ?? false)]))
            case "status":
                let words = client == "plankton" ? ["active", "deactivated"] : [member.value.text ?? ""]
                query.filters.append(.oneOf(.status, words.map(FieldValue.text)))
            case "properties":
                for property in member.value.object?.members ?? [] {
                    query.filters.append(.property(property.key, property.value.text ?? ""))
                }
            default:
                guard let field = ImageField(rawValue: member.key) else { continue }
                query.filters.append(.oneOf(field, [.text(member.value.text ?? "")]))
            }
        }
        return query
    }
}
