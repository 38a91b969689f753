import Backends
import Bytes
import Dialects
import Images
import Testing

/// The numbered differences of docs/compatibility.md that plans show.
@Suite struct PlanDifferenceTests {
    typealias F = Fixture

    @Test func `difference 13: registering again removes the members`() async {
        var image = Image()
        image[.name] = .text("m")
        image[.location] = .text("pithos://u/c/o")
        let found = F.image([
            "gw_location": .string("pithos://u/c/o"), "gw_disk_format": .string("diskdump"), "name": .string("m"),
        ])
        let (result, complaints) = await F.run(
            .createImage(ImageCreation(image: image, source: .location, replacesAtLocation: true)),
            [
                F.step(
                    "GET", "/v2/images?gw_location=pithos%3A%2F%2Fu%2Fc%2Fo&limit=2",
                    F.answer(200, F.page([found], next: false))),
                F.step("GET", F.path + "/members", F.answer(200, F.members("a"))),
                F.step("DELETE", F.path + "/members/a", F.empty(204)),
            ])
        #expect(result.failure == nil)
        #expect(complaints == [])
    }

    @Test func `difference 15: a v2 registry refuses members of public images`() async {
        let published = F.image(["visibility": .string("public")])
        let (replaced, _) = await F.run(
            .replaceMembers(id: F.id, members: [Member(id: "a")]), [F.step("GET", F.path, F.answer(200, published))])
        #expect(replaced.failure?.kind == .forbidden)
        let (added, complaints) = await F.run(
            .addMember(id: F.id, member: Member(id: "a")),
            [
                F.step(
                    "POST", F.path + "/members", F.refusal(403), json: .object(JSONObject(["member": .string("a")]))),
                F.step("GET", F.path, F.answer(200, published)),
            ])
        #expect(added.failure?.kind == .forbidden)
        #expect(complaints == [])
    }
}
