import Bytes
import Dialects
import HTTP
import Images
import Testing

/// What a registry of the Image API v1 answers.
@Suite struct GlanceV1ReplyTests {
    @Test(arguments: Vectors.glanceV1.names("parse"))
    func `a registry's answer is read as the vectors say`(_ name: String) throws {
        let vector = try Vectors.glanceV1.vector("parse", name)
        let response = try #require(vector["response"]?.object)
        let expected = try #require(vector["expect"]?.object?["image"])
        let read: Image
        if let document = response["json"]?.object {
            read = try GlanceV1.Reply.image(document)
        } else {
            var fields = Fields()
            for pair in response["headers"]?.array ?? [] {
                fields.append(pair.array?.first?.text ?? "", pair.array?.last?.text ?? "")
            }
            read = try GlanceV1.Reply.image(fields)
        }
        #expect(Vectors.same(.object(Vectors.fields(of: read)), expected))
    }

    @Test(arguments: [
        (
            400, "text/html",
            "<h1>400 Bad Request</h1>\n  400 Bad Request\n\nInvalid marker format\n\n   <br /><br />\n",
            Failure.Kind.badRequest, "Invalid marker format", false
        ),
        (
            404, "application/json",
            #"{"message": "The resource could not be found.<br /><br />\nImage with identifier 1 not found\n\n"}"#,
            .imageNotFound, "Image with identifier 1 not found", true
        ),
        (403, "text/plain", "403 Forbidden\n\nImage is protected\n\n   ", .forbidden, "Image is protected", false),
        (500, "text/plain", "Traceback (most recent call last):\n  File \"/opt/x.py\"", .badGateway, "", false),
        (
            409, "text/html",
            "<h1>409 Conflict</h1>\n  There was a conflict when trying to complete your request.<br /><br />\nat http://reg:9292 with t0ken",
            .conflict, "at http://... with ...", true
        ),
        (412, "text/plain", "412 Precondition Failed\n\ngone\n", .imageGone, "gone", false),
        (300, "application/json", #"{"versions": []}"#, .badGateway, "", false),
    ])
    func `a refusal keeps its message and loses what stands around it`(
        _ test: (status: Int, type: String, body: String, kind: Failure.Kind, message: String, isDetail: Bool)
    ) {
        let failure = GlanceV1.Reply.failure(
            status: test.status, fields: Fields([("Content-Type", test.type)]), body: Array(test.body.utf8),
            hiding: ["reg:9292", "t0ken"])
        #expect(failure.kind == test.kind)
        #expect(failure.message == test.message)
        #expect(failure.isDetail == test.isDetail)
    }

    @Test(arguments: [
        ("caf\u{C3}\u{A9}", "café"), ("\u{E6}\u{97}\u{A5}", "日"), ("café", nil), ("日", nil), ("plain", nil),
        ("", nil),
    ])
    func `text that was read as Latin-1 is mended`(_ shown: String, _ sent: String?) {
        let mended = GlanceV1.Reply.mended(shown)
        #expect(mended.map { Array($0.utf8) } == sent.map { Array($0.utf8) })
    }

    @Test func `members have accepted and shared images keep their ids`() throws {
        let members = try #require(
            JSONReader.parse(Array(#"{"members": [{"member_id": "t2", "can_share": true}]}"#.utf8)).object)
        #expect(try GlanceV1.Reply.members(members) == [Member(id: "t2", canShare: true, status: "accepted")])
        let shared = try #require(
            JSONReader.parse(Array(#"{"shared_images": [{"image_id": 7, "can_share": false}]}"#.utf8)).object)
        #expect(try GlanceV1.Reply.sharedImages(shared) == [SharedImage(imageID: "7", canShare: false)])
        #expect(throws: Failure.self) { try GlanceV1.Reply.members(shared) }
    }
}
