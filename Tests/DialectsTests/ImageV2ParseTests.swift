import Bytes
import Dialects
import FoundationEssentials
import HTTP
import Images
import Testing

@Suite struct ImageV2ParseTests {
    static let vectors: [JSONObject] = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Vectors/image-v2.json")
        guard let data = try? Data(contentsOf: file), let all = try? JSONReader.parse(Array(data)).object else {
            return []
        }
        return all["parse"]?.array?.compactMap(\.object) ?? []
    }()

    static let names = vectors.compactMap { $0["name"]?.text }

    @Test(arguments: names)
    func `a registry's answer is read as the vectors say`(_ name: String) throws {
        let vector = try #require(Self.vectors.first { $0["name"]?.text == name })
        let response = try #require(vector["response"]?.object)
        let expect = try #require(vector["expect"]?.object)
        if let error = expect["error"]?.object {
            try checkError(error, response)
        } else if let members = expect["members"]?.array {
            let document = try #require(response["json"]?.object)
            let read = try ImageV2Reply.members(document)
            #expect(read.map(\.id) == members.compactMap { $0.object?["member_id"]?.text })
            #expect(read.map(\.status) == members.map { $0.object?["status"]?.text })
            #expect(read.allSatisfy { $0.canShare == nil })
        } else {
            let document = try #require(response["json"]?.object)
            let read = try ImageV2Image(document, marks: Marks(prefix: "gw_"))
            try check(read, against: try #require(expect["image"]?.object))
        }
    }

    @Test(arguments: ["-1", "9223372036854775808", "1e3", "10.5", "\"10\"", "true"])
    func `an image whose size is no length is refused`(size: String) throws {
        let document = #"{"id": "1", "status": "active", "size": \#(size)}"#
        let object = try #require(try JSONReader.parse(Array(document.utf8)).object)
        let failure = #expect(throws: Failure.self) { try ImageV2Image(object, marks: nil) }
        #expect(failure?.kind == .badGateway)
    }

    private func checkError(_ error: JSONObject, _ response: JSONObject) throws {
        var fields = Fields()
        for pair in response["headers"]?.array ?? [] {
            fields.append(pair.array?.first?.text ?? "", pair.array?.last?.text ?? "")
        }
        var body = Array((response["body"]?.text ?? "").utf8)
        if let json = response["json"] {
            var writer = JSONWriter()
            writer.value(json)
            body = writer.take()
        }
        let status = try #require(response["status"]?.integer)
        let failure = ImageV2Reply.failure(status: Int(status), fields: fields, body: body)
        #expect(failure.message == error["message"]?.text)
        #expect(failure.kind == (status == 409 ? .conflict : .forbidden))
    }

    /// The model says what an image is for clients: references are active, failed imports killed.
    private func check(_ read: ImageV2Image, against expected: JSONObject) throws {
        let isReference = expected["reference"]?.boolean ?? false
        let importFailed = expected["import_failed"]?.boolean ?? false
        #expect(read.isReference == isReference)
        #expect(read.importFailed == importFailed)
        #expect(read.isImporting == expected["importing"]?.boolean ?? false)
        #expect(read.remoteID == expected["backend_id"]?.text ?? expected["id"]?.text)
        if let status = expected["backend_status"]?.text { #expect(read.remoteStatus == status) }
        for field in ImageField.allCases {
            var wanted = expected[field.rawValue]
            if field == .status, isReference { wanted = .string("active") }
            if field == .status, importFailed { wanted = .string("killed") }
            #expect(Self.json(read.image[field]) == wanted, "\(field.rawValue)")
        }
        #expect(read.image.tags == expected["tags"]?.array?.compactMap(\.text))
        let properties = Properties(
            (expected["properties"]?.object?.members ?? []).map { Property($0.key, $0.value.text) })
        #expect(read.image.properties == properties)
    }

    private static func json(_ value: FieldValue) -> JSONValue? {
        switch value {
        case .absent: nil
        case .null: .null
        case .text(let text): .string(text)
        case .integer(let number): .integer(number)
        case .boolean(let truth): .boolean(truth)
        case .time(let time): .string(time.text(.canonical))
        }
    }

    @Test(arguments: [
        ("a/b", "a%2Fb"), ("100%", "100%25"), (" x ", "%20x%20"), ("~", "%7E"), ("a b", "a b"), ("é", "é"),
        ("😀", "%F0%9F%98%80"), ("a\r\nb", "a%0D%0Ab"), ("  ", "%20%20"), ("", ""),
    ])
    func `escaping is undone by reading`(_ plain: String, _ escaped: String) {
        #expect(ImageV2Names.escape(plain) == escaped)
        #expect(Array(ImageV2Names.unescape(escaped).utf8) == Array(plain.utf8))
    }

    @Test(arguments: [
        ("os", "os"), ("owner", "gw_x_owner"), ("os_glance_a", "gw_x_os_glance_a"), ("_p", "gw_x__p"), ("", "gw_x_"),
        ("gw_id", "gw_x_gw_id"), ("member", "gw_x_member"), (" k", "gw_x_%20k"), ("k\u{301}", "k\u{301}"),
        ("Kernel-Id", "Kernel-Id"), ("a/b", "a/b"),
    ])
    func `names the registry keeps for itself are escaped`(_ name: String, _ key: String) throws {
        let properties = ImageV2Properties(marks: Marks(prefix: "gw_"))
        #expect(try properties.encode(Property(name, "v")).key.utf8.elementsEqual(key.utf8))
    }

    @Test func `without marks what needs one is refused`() {
        let properties = ImageV2Properties(marks: nil)
        #expect(throws: Failure.self) { try properties.encode(Property("owner", "x")) }
        #expect(throws: Failure.self) { try properties.mark(.id, "17") }
    }

    @Test func `an id that is no UUID has one of its own`() {
        #expect(ImageV2ID.remote("17") == "c5101868-5317-5132-8408-cee66f9c63ea")
        #expect(ImageV2ID.remote("71C675AB-d94f-49cd-a114-e12490b328d9") == "71C675AB-d94f-49cd-a114-e12490b328d9")
    }

    @Test func `messages lose tags, addresses and tokens`() {
        let body = Array(#"{"message": "No <b>such</b> thing at http://10.0.0.7:9292/x for s3cret &lt;1&gt;"}"#.utf8)
        let text = ImageV2Message.text(
            contentType: "application/json", body: body, hiding: ["10.0.0.7:9292", "s3cret"])
        #expect(text == "No such thing at http://.../x for ... <1>")
    }
}
