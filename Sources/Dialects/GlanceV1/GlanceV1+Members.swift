import Bytes
import Images

// MARK: - Members documents (glance-v1 §6)

extension GlanceV1 {
    /// A list under `memberships`, a bare list, or one bare entry; of doubles the last counts.
    static func members(_ document: [UInt8]) throws(Failure) -> [Member] {
        let entries: [JSONValue]
        switch try json(document) {
        case .array(let list): entries = list
        case .object(let object):
            switch object["memberships"] {
            case .array(let list)?: entries = list
            case .object(let entry)?: entries = [.object(entry)]
            case nil: entries = [.object(object)]
            default: throw Failure(.badRequest, GlanceMessage.bodyType)
            }
        default: throw Failure(.badRequest, GlanceMessage.bodyType)
        }
        var places: [[UInt8]: Int] = [:]
        var members: [Member] = []
        for entry in entries {
            let member = try member(entry)
            if let place = places[Array(member.id.utf8)] {
                members[place] = member
            } else {
                places[Array(member.id.utf8)] = members.count
                members.append(member)
            }
        }
        return members
    }

    /// The id becomes a path segment of a backend.
    private static func member(_ entry: JSONValue) throws(Failure) -> Member {
        guard let id = entry.object?["member_id"]?.text, PathSegments.isSafe(id) else {
            throw Failure(.badRequest, GlanceMessage.membership)
        }
        return Member(id: id, canShare: entry.object?["can_share"].map(isTruthy))
    }

    /// What the document of an added member says of `can_share`; nil: nothing.
    static func canShare(_ document: [UInt8]) throws(Failure) -> Bool? {
        if document.isEmpty { return nil }
        switch try json(document) {
        case .array: return nil
        case .object(let object):
            guard let member = object["member"] else { return nil }
            guard let entry = member.object else { throw Failure(.badRequest, GlanceMessage.bodyType) }
            return entry["can_share"].map(isTruthy)
        default: throw Failure(.badRequest, GlanceMessage.bodyType)
        }
    }

    private static func json(_ document: [UInt8]) throws(Failure) -> JSONValue {
        do throws(JSONError) {
            return try JSONReader.parse(document)
        } catch {
            throw Failure(.badRequest, GlanceMessage.notJSON)
        }
    }

    /// Python's truth of a JSON value: the text `"false"` is true.
    private static func isTruthy(_ value: JSONValue) -> Bool {
        switch value {
        case .null: false
        case .boolean(let flag): flag
        case .number(let text):
            text.utf8.prefix { $0 != UInt8(ascii: "e") && $0 != UInt8(ascii: "E") }
                .contains { $0 > UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        case .string(let text): !text.isEmpty
        case .array(let list): !list.isEmpty
        case .object(let object): !object.members.isEmpty
        }
    }
}
