import Bytes
import Dialects
import Images
import Testing

@testable import Gateway

/// Images until they end or fail.
final class ScriptedImages: ImageSource {
    private var names: ArraySlice<String>
    private let failure: Failure?
    private(set) var pulls = 0

    init(_ names: [String], failure: Failure? = nil) {
        self.names = names[...]
        self.failure = failure
    }

    func next() async throws(Failure) -> Image? {
        pulls += 1
        guard let name = names.popFirst() else {
            if let failure { throw failure }
            return nil
        }
        var image = Image()
        image[.name] = .text(name)
        return image
    }
}

@Suite struct ListBodyTests {
    private func rendering(_ images: any ImageSource) -> ListRendering {
        ListRendering(
            opening: Array("[".utf8), separator: Array(", ".utf8), closing: Array("]".utf8), images: images
        ) { image, buffer in buffer += Array((image.text(.name) ?? "?").utf8) }
    }

    /// The pieces until the end, and what broke it.
    private func drain(_ body: ListBody) async -> (pieces: [String], fault: BodyError?) {
        var pieces: [String] = []
        do throws(BodyError) {
            while let piece = try await body.next() { pieces.append(String(decoding: piece, as: UTF8.self)) }
            return (pieces, nil)
        } catch { return (pieces, error) }
    }

    @Test(arguments: [
        ([], "[]"), (["a"], "[a]"), (["a", "b"], "[a, b]"), (["a", "b", "c"], "[a, b, c]"), (["", ""], "[, ]"),
    ])
    func `a list is its opening, its images with separators and its closing`(names: [String], text: String) async throws
    {
        let body = try await ListBody(rendering(ScriptedImages(names)))
        #expect(body.length == nil)
        let (pieces, fault) = await drain(body)
        #expect(pieces.joined() == text && fault == nil)
    }

    @Test func `a list that cannot begin is an error`() async {
        let failure = await #expect(throws: Failure.self) {
            _ = try await ListBody(rendering(ScriptedImages([], failure: Failure(.unavailable, "away"))))
        }
        #expect(failure?.kind == .unavailable && failure?.message == "away")
    }

    @Test func `a later failure breaks the body and never looks like its end`() async throws {
        let images = ScriptedImages(["a", "b"], failure: Failure(.badGateway, "told", cause: "page 2 is not JSON"))
        let body = try await ListBody(rendering(images))
        let (pieces, fault) = await drain(body)
        #expect(!pieces.joined().contains("]"))
        #expect(fault == .failed("page 2 is not JSON"))
        #expect(body.failure?.kind == .badGateway)
        #expect(await drain(body).fault == fault)
    }

    @Test func `the log is not told what the client was`() async throws {
        let images = ScriptedImages(["a"], failure: Failure(.badRequest, "no such marker: 'secret'"))
        let (_, fault) = await drain(try await ListBody(rendering(images)))
        #expect(fault == .failed("badRequest"))
    }

    @Test func `images are pulled as they are sent, never the whole list`() async throws {
        let images = ScriptedImages(Array(repeating: String(repeating: "x", count: 1000), count: 500))
        let body = try await ListBody(rendering(images))
        #expect(images.pulls == 1)
        let first = try await body.next()
        #expect((first?.count ?? 0) >= 32 << 10 && (first?.count ?? 0) < 40 << 10)
        #expect(images.pulls < 50)
        let (pieces, fault) = await drain(body)
        #expect(fault == nil && images.pulls == 501)
        #expect(pieces.count > 10 && pieces.last?.hasSuffix("]") == true)
        let text = String(decoding: first ?? [], as: UTF8.self) + pieces.joined()
        #expect(text.split(separator: ", ").count == 500)
    }
}
