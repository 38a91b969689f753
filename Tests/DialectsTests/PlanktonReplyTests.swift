import Bytes
import Dialects
import HTTP
import Images
import Testing

/// Reading a real server's answers, and what is sent to it.
@Suite struct PlanktonReplyTests {
    @Test(arguments: Vectors.plankton.names("parse"))
    func `an image is read from headers or a list's entry`(name: String) throws {
        let vector = try Vectors.plankton.vector("parse", name)
        let response = try #require(vector["response"]?.object)
        let expected = Vectors.image(vector["expect"]?.object?["image"])
        let record =
            if let entry = response["json"]?.object {
                try Plankton.Record(entry)
            } else {
                try Plankton.Record(Self.fields(response))
            }
        #expect(record.image == expected, "\(Vectors.fields(of: record.image))")
        let status = response["json"]?.object?["status"]?.text ?? Self.fields(response)["x-image-meta-status"]
        #expect(record.statusWord == status)
    }

    @Test(arguments: Vectors.plankton.names("parse_lists"))
    func `a list is read`(name: String) throws {
        let vector = try Vectors.plankton.vector("parse_lists", name)
        let document = try #require(vector["response"]?.object?["json"])
        let expect = try #require(vector["expect"]?.object)
        if let ids = expect["ids"]?.array {
            // However the text is cut.
            for size in 1...9 { #expect(try Self.ids(Self.bytes(document), pieces: size) == ids.compactMap(\.text)) }
        } else if let members = expect["members"]?.array {
            let read = try Plankton.members(try #require(document.object), owner: vector["owner"]?.text)
            #expect(read.map(\.id) == members.compactMap { $0.object?["member_id"]?.text })
            #expect(read.allSatisfy { $0.canShare == false })
        } else {
            let read = try Plankton.sharedImages(try #require(document.object))
            let expected = expect["shared_images"]?.array?.compactMap { $0.object?["image_id"]?.text }
            #expect(read.map(\.imageID) == expected)
            #expect(read.allSatisfy { !$0.canShare })
        }
    }

    @Test(arguments: ["", " ", "[", "{}", "[1]]", "[], \"a\": 1", "{\"images\": 1}", "[]{}", "<html>"])
    func `what is no list is refused`(text: String) {
        #expect(throws: JSONError.self) { try Self.ids(Array(text.utf8), pieces: 4) }
    }

    @Test(arguments: [
        #"{"name": "n"}"#, #"{"id": ""}"#, #"{"id": "1", "size": -1}"#, #"{"id": "1", "size": "7"}"#,
        #"{"id": "1", "name": []}"#,
    ])
    func `what is no image is refused`(text: String) throws {
        let entry = try #require(try JSONReader.parse(Array(text.utf8)).object)
        let failure = #expect(throws: Failure.self) { try Plankton.Record(entry) }
        #expect(failure?.kind == .badGateway)
    }

    /// What the vectors call the kinds of failure.
    private static let kinds: [String: Failure.Kind] = [
        "unauthorized": .tokenRejected, "forbidden": .forbidden, "bad_gateway": .badGateway,
        "not_found": .imageNotFound, "location_not_found": .locationNotFound, "invalid": .badRequest,
        "over_limit": .tooLarge, "no_data": .notImplemented, "unavailable": .unavailable,
    ]

    @Test(arguments: Vectors.plankton.names("parse_errors"))
    func `a refusal is understood`(name: String) throws {
        let vector = try Vectors.plankton.vector("parse_errors", name)
        let response = try #require(vector["response"]?.object)
        let expect = try #require(vector["expect"]?.object)
        let fields = Fields([("Content-Type", response["content_type"]?.text ?? "")])
        let failure = Plankton.failure(
            status: Int(try #require(response["status"]?.integer)), fields: fields,
            body: Array((response["body"]?.text ?? "").utf8),
            isRegistration: vector["operation"]?.text == "create_image")
        #expect(failure.kind == Self.kinds[expect["failure"]?.text ?? ""])
        #expect(failure.message == expect["message"]?.text)
    }

    @Test func `a refusal tells neither addresses nor tokens`() {
        let body = #"{"badRequest": {"message": "no s3cret at 10.0.0.7:80", "code": 400, "details": ""}}"#
        let failure = Plankton.failure(
            status: 400, fields: Fields(), body: Array(body.utf8), hiding: ["s3cret", "10.0.0.7:80"])
        #expect(failure.message == "no ... at ...")
    }

    @Test func `releases to 0 15 send values as they are`() throws {
        let fields = Fields([
            ("x-image-meta-id", "1"), ("x-image-meta-name", "100%41"), ("x-image-meta-property-k", "a%20b"),
        ])
        let record = try Plankton.Record(fields, decodesValues: false)
        #expect(record.image.text(.name) == "100%41")
        #expect(record.image.properties["k"] == "a%20b")
    }

    // MARK: Calls

    @Test(arguments: Vectors.plankton.names("calls"))
    func `a call is made`(name: String) throws {
        let vector = try Vectors.plankton.vector("calls", name)
        let asked = try #require(vector["operation"]?.object)
        let expected = (vector["calls"]?.array ?? []).compactMap(\.object)
        guard let wanted = expected.first else { return }
        #expect(expected.count == 1)
        let call = try Self.call(asked)
        #expect(call.method == wanted["method"]?.text)
        #expect(call.target == wanted["target"]?.text)
        var lines = call.fields.map { "\(ASCII.lowercased($0.nameText)): \($0.valueText ?? "")" }
        // Framing is the transport's; a counted empty body is what is asked for here.
        if call.document?.isEmpty == true { lines.append("content-length: 0") }
        let headers = (wanted["headers"]?.array ?? []).compactMap(\.array)
        let wantedLines = headers.map { "\(ASCII.lowercased($0[0].text ?? "")): \($0[1].text ?? "")" }
        #expect(lines.sorted() == wantedLines.sorted())
        if let body = wanted["body"]?.text { #expect(call.document == Array(body.utf8)) }
    }

    private static func call(_ asked: JSONObject) throws -> RegistryCall {
        let calls = Plankton.Calls(token: "TOKEN", requestID: "")
        let id = asked["image_id"]?.text ?? ""
        let member = asked["member_id"]?.text ?? ""
        switch asked["operation"]?.text {
        case let word? where word.hasPrefix("list_images"):
            let key = try #require(ImageField(rawValue: asked["sort_key"]?.text ?? ""))
            return calls.list(
                isDetailed: word.hasSuffix("detail"), sortedBy: key, isAscending: asked["sort_dir"]?.text == "asc")
        case "get_image_meta": return calls.show(id)
        case "create_image": return calls.register(Vectors.image(asked["fields"]))
        case "update_image":
            var image = Vectors.image(asked["fields"])
            let removals = image.properties.list.filter { $0.value == nil }.map(\.name)
            for name in removals { image.properties.remove(name) }
            return calls.update(id, image, removing: removals)
        case "replace_members":
            let members = asked["members"]?.array ?? []
            return calls.replaceMembers(id, members.compactMap { $0.object?["member_id"]?.text })
        case "add_member": return calls.addMember(id, member)
        case "remove_member": return calls.removeMember(id, member)
        case "list_members": return calls.members(id)
        case "list_shared_images": return calls.sharedImages(member)
        case "delete_image": return calls.delete(id)
        default: throw Vectors.Fault(description: "operation \(asked["operation"]?.text ?? "")")
        }
    }

    // MARK: Helpers

    private static func fields(_ response: JSONObject) -> Fields {
        Fields((response["headers"]?.array ?? []).map { ($0.array?.first?.text ?? "", $0.array?.last?.text ?? "") })
    }

    private static func bytes(_ value: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        writer.value(value)
        return writer.take()
    }

    private static func ids(_ bytes: [UInt8], pieces size: Int) throws(JSONError) -> [String] {
        var stream = Plankton.ListStream()
        var ids: [String] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            ids += try stream.feed(Array(rest.prefix(size))).compactMap { $0.object?["id"]?.text }
            rest = rest.dropFirst(size)
        }
        try stream.finish()
        return ids
    }
}
