import Bytes
public import Images

/// Holds a backend to what the canonical model promises: outcomes and failures that fit the operation, lists that are
/// filtered, sorted and cut as asked, data as long as the image says. Streams stay streams.
///
/// What is broken fails the operation with `badGateway`, or the stream that was promised otherwise.
public final class ContractBackend: Backend {
    private let backend: any Backend
    private let report: @Sendable (ContractBreach) -> Void

    /// - Parameter report: told of every breach, beside the failure that it becomes.
    public init(_ backend: any Backend, report: @escaping @Sendable (ContractBreach) -> Void = { _ in }) {
        self.backend = backend
        self.report = report
    }

    public var capabilities: RegistryCapabilities { backend.capabilities }
    public var relays: String? { backend.relays }
    public var authority: String? { backend.authority }
    public var markPrefix: String? { backend.markPrefix }
    public func translates(_ operation: Operation) -> Bool { backend.translates(operation) }
    public func close() async { await backend.close() }

    public func image(at location: String, for request: BackendRequest) async throws(Failure) -> Image? {
        try await backend.image(at: location, for: request)
    }

    public func relay(_ message: RelayedMessage) async throws(Failure) -> RelayedReply {
        try await backend.relay(message)
    }

    public func perform(_ request: BackendRequest) async throws(Failure) -> Outcome {
        let watch = ContractWatch(operation: request.operation, report: report)
        var watched = request
        let data = request.data.map { CountedBody($0) }
        watched.data = data
        let outcome: Outcome
        do throws(Failure) {
            outcome = try await backend.perform(watched)
        } catch {
            if let complaint = Contract.complaint(error, of: request.operation) { throw watch.breach(complaint) }
            throw error
        }
        return try Self.checked(outcome, request.operation, data, relays: relays != nil, watch)
    }

    private static func checked(
        _ outcome: Outcome, _ operation: Operation, _ sent: CountedBody?, relays: Bool, _ watch: ContractWatch
    ) throws(Failure) -> Outcome {
        if let complaint = Contract.complaint(outcome, of: operation, relays: relays) { throw watch.breach(complaint) }
        switch outcome {
        case .image(let image): try check(image, operation, sent, watch)
        case .images(let source):
            guard case .listImages(let query) = operation else { return outcome }
            return .images(CheckedImages(source, query, watch))
        case .data(let image, let body):
            try watch.check(image, id: operation.imageID)
            return .data(image, try CheckedBody(body, size: image.integer(.size), watch))
        case .part(let image, let body, let range):
            try check(range, of: image, operation, watch)
            return .part(image, try CheckedBody(body, size: range.upperBound - range.lowerBound, watch), range: range)
        case .members(let list): try check(list, watch)
        case .member(let member, let imageID): try check(member, of: imageID, operation, watch)
        case .sharedImages(let list):
            if list.contains(where: \.imageID.isEmpty) { throw watch.breach("a shared image without id") }
        case .locations, .capabilities, .relayed, .done: break
        }
        return outcome
    }

    private static func check(
        _ image: Image, _ operation: Operation, _ sent: CountedBody?, _ watch: ContractWatch
    ) throws(Failure) {
        if case .createImage(let creation) = operation {
            try watch.check(image, id: creation.image.text(.id))
        } else {
            try watch.check(image, id: operation.imageID)
        }
        guard let sent else { return }
        guard image.status == .active else {
            throw watch.breach("data were taken, but the image is \(image.status?.rawValue ?? "in no state")")
        }
        if let size = image.integer(.size), size != sent.count {
            throw watch.breach("\(sent.count) bytes were taken, the image has \(size)")
        }
    }

    private static func check(
        _ range: Range<Int64>, of image: Image, _ operation: Operation, _ watch: ContractWatch
    ) throws(Failure) {
        try watch.check(image, id: operation.imageID)
        guard case .downloadImage(_, let asked?) = operation, let size = image.integer(.size) else { return }
        guard asked.resolved(size: size) == range else {
            throw watch.breach("asked for \(asked.text) of \(size) bytes, was given \(range)")
        }
    }

    private static func check(_ list: MemberList, _ watch: ContractWatch) throws(Failure) {
        var ids: Set<[UInt8]> = []
        for member in list.members where !ids.insert(Array(member.id.utf8)).inserted {
            throw watch.breach("a member twice")
        }
    }

    private static func check(
        _ member: Member, of imageID: String, _ operation: Operation, _ watch: ContractWatch
    ) throws(Failure) {
        let asked: String
        switch operation {
        case .addMember(_, let wanted): asked = wanted.id
        case .showMember(_, let id), .setMemberStatus(_, let id, _): asked = id
        default: return
        }
        guard member.id.sameBytes(as: asked), operation.imageID.map({ $0.sameBytes(as: imageID) }) ?? true else {
            throw watch.breach("another member, or one of another image")
        }
    }
}

/// Tells what one operation broke.
struct ContractWatch: Sendable {
    private let operation: String
    private let report: @Sendable (ContractBreach) -> Void

    init(operation: Operation, report: @escaping @Sendable (ContractBreach) -> Void) {
        self.operation = operation.name
        self.report = report
    }

    func breach(_ promise: String) -> Failure {
        let breach = ContractBreach(operation: operation, promise: promise)
        report(breach)
        return Failure(.badGateway, cause: "contract of \(breach)")
    }

    func check(_ image: Image, id: String?) throws(Failure) {
        if let complaint = Contract.complaint(image, id: id) { throw breach(complaint) }
    }
}
