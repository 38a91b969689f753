import Backends
import Bytes
import Images
import Synchronization
import Testing

/// A backend that says what it is told to, and a wrapper that finds out.
@Suite struct ContractBackendTests {
    final class Liar: Backend {
        private let answer: @Sendable () throws(Failure) -> Outcome

        init(_ answer: @escaping @Sendable () throws(Failure) -> Outcome) { self.answer = answer }

        func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
            while (try? await request.data?.next()) ?? nil != nil {}
            return try answer()
        }

        func close() async {}
    }

    final class Breaches: Sendable {
        private let list = Mutex<[String]>([])
        var all: [String] { list.withLock { $0 } }
        func add(_ breach: ContractBreach) { list.withLock { $0.append("\(breach)") } }
    }

    static func image(
        _ id: String = "1", second: Int64 = 1, size: Int64? = nil, status: String = "active",
        _ change: (inout Image) -> Void = { _ in }
    ) -> Image {
        var image = Image()
        image[.id] = .text(id)
        image[.name] = .text("n")
        image[.status] = .text(status)
        image[.visibility] = .text("shared")
        image[.isPublic] = .boolean(false)
        image[.createdAt] = .time(Timestamp(seconds: second))
        image[.size] = size.map { .integer($0) } ?? .null
        change(&image)
        return image
    }

    /// Performs, and reads what streams to its end.
    static func breaches(
        of operation: Operation, data: String? = nil,
        _ answer: @escaping @Sendable () throws(Failure) -> Outcome
    ) async -> (breaches: [String], failure: Failure.Kind?) {
        let breaches = Breaches()
        let backend = ContractBackend(Liar(answer)) { breaches.add($0) }
        let body = data.map { BytesBody(Array($0.utf8)) }
        var kind: Failure.Kind?
        do {
            switch try await backend.perform(
                BackendRequest(operation: operation, caller: Caller(), requestID: "r", data: body))
            {
            case .images(let source): while try await source.next() != nil {}
            case .data(_, let body), .part(_, let body, _): while try await body.next() != nil {}
            default: break
            }
        } catch let failure as Failure {
            kind = failure.kind
        } catch { kind = .internal }
        return (breaches.all, kind)
    }

    // MARK: Kinds

    @Test func `an outcome of another kind is a breach`() async {
        let (breaches, failure) = await Self.breaches(of: .showImage(id: "1")) { .done }
        #expect(breaches == ["get_image_meta: an outcome of kind done, expected image"])
        #expect(failure == .badGateway)
    }

    @Test(arguments: [
        (Operation.showImage(id: "1"), Failure.Kind.memberNotFound), (.showImage(id: "1"), .rangeNotSatisfiable),
        (.listImages(ImageQuery(isDetailed: true)), .imageNotFound), (.deleteImage(id: "1"), .noData),
        (.downloadImage(id: "1"), .rangeNotSatisfiable), (.listMembers(id: "1"), .tooLarge),
        (.createImage(ImageCreation(image: Image(), source: .none)), .imageNotFound),
    ])
    func `a failure that does not fit the operation is a breach`(operation: Operation, kind: Failure.Kind) async {
        let (breaches, failure) = await Self.breaches(of: operation) { () throws(Failure) in throw Failure(kind) }
        #expect(breaches.count == 1)
        #expect(failure == .badGateway)
    }

    @Test(arguments: [
        (Operation.showImage(id: "1"), Failure.Kind.imageNotFound), (.showImage(id: "1"), .forbidden),
        (.listImages(ImageQuery(isDetailed: true)), .badRequest), (.downloadImage(id: "1"), .noData),
        (.deleteImage(id: "1"), .unavailable), (.addMember(id: "1", member: Member(id: "m")), .membershipForbidden),
    ])
    func `a failure that fits passes as it is`(operation: Operation, kind: Failure.Kind) async {
        let (breaches, failure) = await Self.breaches(of: operation) { () throws(Failure) in throw Failure(kind) }
        #expect(breaches == [])
        #expect(failure == kind)
    }

    // MARK: Images

    @Test(arguments: [
        Self.image("2"), Self.image(""), Self.image(status: "ACTIVE"), Self.image { $0[.visibility] = .text("public") },
        Self.image { $0[.visibility] = .text("hidden") }, Self.image(size: -1),
    ])
    func `an image that cannot be the one asked for is a breach`(image: Image) async {
        let (breaches, failure) = await Self.breaches(of: .showImage(id: "1")) { .image(image) }
        #expect(breaches.count == 1)
        #expect(failure == .badGateway)
    }

    @Test func `an id that stands for another one is no breach`() async {
        let (breaches, _) = await Self.breaches(of: .showImage(id: "85f4c3c5-4f8e-5d4c-9b1a-9c2f3f6f0a55")) {
            .image(Self.image("85f4c3c5-4f8e-5d4c-9b1a-9c2f3f6f0a55"))
        }
        #expect(breaches == [])
    }

    @Test(arguments: [(Self.image(size: 3), 0), (Self.image(size: 2), 1), (Self.image(size: 3, status: "queued"), 1)])
    func `an upload ends in an active image of as many bytes`(image: Image, expected: Int) async {
        let creation = Operation.createImage(ImageCreation(image: Image(), source: .body(length: 3)))
        let (breaches, _) = await Self.breaches(of: creation, data: "abc") { .image(image) }
        #expect(breaches.count == expected)
        let update = Operation.updateImage(ImageUpdate(id: "1", image: Image(), source: .body(length: 3)))
        #expect(await Self.breaches(of: update, data: "abc") { .image(image) }.breaches.count == expected)
    }

    // MARK: Data

    @Test(arguments: [("abc", 3, 0), ("abc", 4, 1), ("abcd", 3, 1), ("", 0, 0)] as [(String, Int64, Int)])
    func `data are as long as the image says`(data: String, size: Int64, expected: Int) async {
        for hasLength in [true, false] {
            let (breaches, failure) = await Self.breaches(of: .downloadImage(id: "1")) {
                let body: any BodySource = BytesBody(Array(data.utf8))
                return .data(Self.image(size: size), hasLength ? body : Unmeasured(body))
            }
            #expect(breaches.count == expected)
            #expect((failure == nil) == (expected == 0))
        }
    }

    private final class Unmeasured: BodySource {
        private let source: any BodySource
        let length: Int64? = nil
        init(_ source: any BodySource) { self.source = source }
        func next() async throws(BodyError) -> [UInt8]? { try await source.next() }
    }

    @Test(
        arguments: [
            (1..<3, "bc", 0), (0..<2, "ab", 1), (1..<3, "b", 1), (1..<3, "bcd", 1),
        ] as [(Range<Int64>, String, Int)])
    func `a part is the one asked for`(range: Range<Int64>, data: String, expected: Int) async {
        let (breaches, _) = await Self.breaches(of: .downloadImage(id: "1", range: DataRange("bytes=1-2"))) {
            .part(Self.image(size: 5), BytesBody(Array(data.utf8)), range: range)
        }
        #expect(breaches.count == expected)
    }

    // MARK: Lists

    private static let ascending = [ImageQuery.Sort(.createdAt, ascending: true)]

    @Test(arguments: [
        (ImageQuery(isDetailed: true, sort: ascending), ["1", "2", "3"], 0),
        (ImageQuery(isDetailed: true, sort: ascending), ["2", "1"], 1),
        (ImageQuery(isDetailed: true), ["2", "1"], 0),
        (ImageQuery(isDetailed: true), ["1", "1"], 1),
        (ImageQuery(isDetailed: true, limit: 2), ["1", "2"], 0),
        (ImageQuery(isDetailed: true, limit: 2), ["1", "2", "3"], 1),
        (ImageQuery(isDetailed: true, marker: "2"), ["3", "2"], 1),
        (ImageQuery(isDetailed: true, filters: [.oneOf(.name, [.text("n")])]), ["1"], 0),
        (ImageQuery(isDetailed: true, filters: [.oneOf(.name, [.text("m")])]), ["1"], 1),
        (ImageQuery(isDetailed: true, filters: [.tag("t")]), ["1"], 1),
        (ImageQuery(isDetailed: false, filters: [.tag("t")]), ["1"], 0),
        (ImageQuery(isDetailed: true, scope: .publicOnly), ["1"], 1),
        (ImageQuery(isDetailed: true, scope: .reachable(.only(.private), memberStatus: nil)), ["1"], 1),
        (ImageQuery(isDetailed: true, scope: .reachable(.only(.shared), memberStatus: nil)), ["1"], 0),
    ])
    func `a list is what its query asks for`(query: ImageQuery, ids: [String], expected: Int) async {
        let (breaches, failure) = await Self.breaches(of: .listImages(query)) {
            .images(ImageArray(ids.map { Self.image($0, second: Int64($0) ?? 0) }))
        }
        #expect(breaches.count == expected)
        #expect((failure == nil) == (expected == 0))
    }

    @Test func `ties of the sort keys may stand in any order`() async {
        let query = ImageQuery(isDetailed: true, sort: [ImageQuery.Sort(.name, ascending: true)])
        let (breaches, _) = await Self.breaches(of: .listImages(query)) {
            .images(ImageArray(["2", "1", "3"].map { Self.image($0, second: Int64($0) ?? 0) }))
        }
        #expect(breaches == [])
    }

    @Test func `a registry may tell times apart that look the same`() async {
        let query = ImageQuery(isDetailed: true, sort: Self.ascending + [ImageQuery.Sort(.id, ascending: true)])
        let (breaches, _) = await Self.breaches(of: .listImages(query)) {
            .images(ImageArray(["2", "1"].map { Self.image($0, second: 1) }))
        }
        #expect(breaches == [])
    }

    @Test func `a long list is checked as it passes`() async throws {
        final class Endless: ImageSource {
            private(set) var pulled = 0
            func next() async throws(Failure) -> Image? {
                pulled += 1
                return ContractBackendTests.image("\(pulled)", second: Int64(pulled))
            }
        }
        let breaches = Breaches()
        let backend = ContractBackend(Liar { .images(Endless()) }) { breaches.add($0) }
        let query = ImageQuery(isDetailed: true, sort: Self.ascending)
        guard
            case .images(let source) = try await backend.perform(
                BackendRequest(operation: .listImages(query), caller: Caller(), requestID: "r"))
        else { throw Failure(.internal) }
        for _ in 0..<10_000 { _ = try await source.next() }
        #expect(breaches.all == [])
    }

    // MARK: Members

    @Test func `a member is told of once, and is the one asked for`() async {
        let twice = MemberList([Member(id: "m"), Member(id: "m")])
        #expect(await Self.breaches(of: .listMembers(id: "1")) { .members(twice) }.breaches.count == 1)
        for (id, image, expected) in [("m", "1", 0), ("o", "1", 1), ("m", "2", 1)] {
            let (breaches, _) = await Self.breaches(of: .showMember(id: "1", memberID: "m")) {
                .member(Member(id: id), imageID: image)
            }
            #expect(breaches.count == expected)
        }
    }
}
