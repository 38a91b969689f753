import Bytes
import Dialects
import HTTP
import Images
import Testing

@Suite struct Glance2010ReplyTests {
    @Test(arguments: Vectors.glance2010.names("parse"))
    func `a registry's answer is read as its vector says`(name: String) throws {
        let vector = try Vectors.glance2010.vector("parse", name)
        let response = try #require(vector["response"]?.object)
        let image: Image
        if let document = response["json"]?.object {
            image = try Glance2010.Reply().image(document)
        } else {
            var fields = Fields()
            for pair in response["headers"]?.array ?? [] {
                fields.append(pair.array?.first?.text ?? "", pair.array?.last?.text ?? "")
            }
            image = try Glance2010.Reply().image(fields)
        }
        #expect(Vectors.same(.object(Vectors.fields(of: image)), vector["expect"]?.object?["image"]))
    }

    private static func read(_ text: String, profile: Glance2010.Settings.Profile? = nil) throws -> Image {
        let object = try #require(try JSONReader.parse(Array(text.utf8)).object)
        return try Glance2010.Reply(profile: profile).image(object)
    }

    @Test(arguments: [
        #"{"name": "n"}"#, #"{"id": "", "name": "n"}"#, #"{"uri": "/"}"#, #"{"id": 1, "size": "many"}"#,
        #"{"id": 1, "size": -1}"#, #"{"id": 1, "size": 1e3}"#,
    ])
    func `what cannot be an image is refused`(text: String) throws {
        let failure = #expect(throws: Failure.self) { try Self.read(text) }
        #expect(failure?.kind == .badGateway)
    }

    @Test func `the registry's null is a text where its form is known to be the seed's`() throws {
        let fields = Fields([("x-image-meta-id", "1"), ("x-image-meta-name", "None")])
        #expect(try Glance2010.Reply().image(fields)[.name] == .null)
        #expect(try Glance2010.Reply(profile: .seed).image(fields)[.name] == .text("None"))
    }

    @Test func `an address with escapes names the image's id`() throws {
        #expect(try Self.read(#"{"uri": "http://h/images/a%2Fb"}"#).id == "a/b")
        #expect(try Self.read(#"{"uri": "http://h/images/2", "id": 17}"#).id == "17")
    }

    @Test func `names of properties are those that headers can say`() throws {
        let image = try Self.read(#"{"id": 1, "properties": {"Kernel-ID": "7", "empty": "", "null": null, "n": 5}}"#)
        #expect(
            image.properties
                == Properties([
                    Property("kernel_id", "7"), Property("empty", nil), Property("null", nil), Property("n", "5"),
                ]))
    }

    // MARK: Calls

    private static let calls = Glance2010.Calls(token: "t", requestID: "req-1")

    private static func sent(_ call: RegistryCall) -> [String] {
        call.fields.map { "\($0.nameText): \($0.valueText ?? "?")" }.filter { $0.hasPrefix("x-image-meta") }
    }

    @Test func `only what is public is called so, and what is no more is sent empty`() throws {
        var image = Image()
        image[.name] = .text("n")
        image[.diskFormat] = .text("qcow2")
        image[.size] = .integer(3)
        image[.owner] = .text("acme")
        image.properties = Properties([Property("distro", "Debian"), Property("gone", nil)])
        var call = try Self.calls.create(image, hasData: true)
        #expect(call.method == "POST")
        #expect(call.target == "/images")
        #expect(call.fields["content-type"] == "application/octet-stream")
        #expect(call.fields["x-auth-token"] == "t")
        let common = [
            "x-image-meta-name: n", "x-image-meta-type: raw", "x-image-meta-size: 3",
            "x-image-meta-property-distro: Debian", "x-image-meta-property-gone: ",
        ]
        #expect(Set(Self.sent(call)) == Set(common))
        image[.isPublic] = .boolean(true)
        call = try Self.calls.update("a b", image)
        #expect(call.target == "/images/a%20b")
        #expect(call.fields["content-type"] == nil)
        #expect(Set(Self.sent(call)) == Set(common + ["x-image-meta-is_public: True"]))
        image[.isPublic] = .boolean(false)
        #expect(Set(Self.sent(try Self.calls.update("1", image))) == Set(common + ["x-image-meta-is_public: "]))
    }

    @Test(arguments: [Property("a b", "v"), Property("a:", "v"), Property("", "v"), Property("a", "b\r\nc: d")])
    func `what no header can carry is refused`(property: Property) throws {
        var image = Image()
        image.properties = Properties([property])
        let failure = #expect(throws: Failure.self) { try Self.calls.update("1", image) }
        #expect(failure?.kind == .badRequest)
    }

    @Test func `a path of dots is no step upwards`() {
        #expect(Self.calls.show("..").target == "/images/%2E%2E")
        #expect(Self.calls.list().target == "/images/detail")
    }
}
