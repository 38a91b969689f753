import Bytes
import Dialects
import HTTP
import Images
import Testing

/// What the profile of release 0.1.7 changes (glance-2010, the table of profiles).
@Suite struct Glance2010ProfileTests {
    private let bexar = Glance2010(settings: .init(.bexar))

    private func image(_ status: ImageStatus) -> Image {
        var image = Image()
        image[.id] = .text("7")
        image[.name] = .text("n")
        image[.status] = .text(status.rawValue)
        image[.diskFormat] = .text("aki")
        image[.size] = .integer(5)
        image[.isPublic] = .boolean(true)
        image[.location] = .text("file:///secret")
        image[.createdAt] = .time(Timestamp("2010-02-03T09:34:01.123456Z")!)
        image.properties.set("empty", nil)
        return image
    }

    @Test(arguments: [
        (ImageStatus.active, "active"), (.queued, "queued"), (.saving, "saving"), (.killed, "killed"),
        (.deactivated, "killed"),
    ])
    func `entries have numbers, null and times with T, and neither uri nor store`(
        status: ImageStatus, word: String
    ) async throws {
        let request = Vectors.clientRequest("GET", "/images/detail")
        let response = try bexar.render(
            .images(ImageArray([image(status)])), of: .listImages(ImageQuery(isDetailed: true)), for: request)
        guard case .list(let rendering) = response.body else { throw Vectors.Fault(description: "no list") }
        let text = String(decoding: try await Vectors.bytes(of: rendering), as: UTF8.self)
        let entry = """
            {"images": [{"id": 7, "name": "n", "type": "kernel", "size": 5, \
            "created_at": "2010-02-03T09:34:01.123456", "updated_at": null, "deleted_at": null, "deleted": false, \
            "status": "\(word)", "is_public": true, "properties": {"empty": null}}]}
            """
        #expect(text == entry)
    }

    @Test func `nothing is None in a header`() throws {
        let request = Vectors.clientRequest("HEAD", "/images/7")
        let response = try bexar.render(.image(image(.active)), of: .showImage(id: "7"), for: request)
        #expect(response.head.fields["x-image-meta-updated_at"] == "None")
        #expect(response.head.fields["x-image-meta-property-empty"] == "None")
        #expect(!response.head.fields.contains("x-image-meta-location"))
    }

    @Test(arguments: [
        ("/images/http://host/images/1", "1"), ("/images/http%3A%2F%2Fhost%2Fimages%2F1", "1"), ("/images/1/", "1"),
    ])
    func `an id may be a whole URI`(path: String, id: String) throws {
        let route = try bexar.route(Vectors.clientRequest("HEAD", path))
        #expect(route.imageID == id && route.action == .show)
    }
}
