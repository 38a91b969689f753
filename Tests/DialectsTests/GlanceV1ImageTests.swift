import Dialects
import HTTP
import Images
import Testing

@Suite struct GlanceV1ImageTests {
    @Test func `a virtual size shows where a registry knows one`() throws {
        var image = Image()
        image[.id] = .text("71c675ab-d94f-49cd-a114-e12490b328d9")
        image[.virtualSize] = .integer(1 << 30)
        let request = Vectors.clientRequest("HEAD", "/images/x")
        let shown = try GlanceV1().render(.image(image), of: .showImage(id: "x"), for: request)
        #expect(shown.head.fields["x-image-meta-virtual_size"] == "1073741824")
        let update = ImageUpdate(id: "x", image: Image())
        let document = try GlanceV1().render(.image(image), of: .updateImage(update), for: request)
        guard case .bytes(let bytes) = document.body else {
            Issue.record("no document")
            return
        }
        #expect(String(decoding: bytes, as: UTF8.self).contains(#""virtual_size": 1073741824"#))
    }
}
