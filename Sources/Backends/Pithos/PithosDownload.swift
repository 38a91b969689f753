import Bytes
import Images
import Upstream

/// Data of one version of an object, taken up again where the store breaks off, counted, and of a whole object hashed. The
/// last piece is held back until everything is proven.
final class PithosDownload: PithosData {
    private let reading: PithosReading
    private let range: Range<Int64>
    /// Nil: a range, or nothing to verify but the length.
    private let hash: PithosHash?
    private let expectedHash: String
    private var body: (any ReplyBody)?
    private var resumptionsLeft: Int
    /// Offset behind what was received.
    private var position: Int64
    private var held: [UInt8]?
    private var isProven = false
    private(set) var fault: PithosFault?

    /// - Parameter first: the answer to the first asking; nil: the range is empty.
    init(_ reading: PithosReading, _ range: Range<Int64>, hash: PithosHash?, first: UpstreamReply?) {
        self.reading = reading
        self.range = range
        self.hash = hash
        expectedHash = reading.object.content.hash
        body = first?.body
        resumptionsLeft = reading.client.settings.resumptions
        position = range.lowerBound
    }

    deinit { body?.cancel() }

    var length: Int64? { range.upperBound - position + Int64(held?.count ?? 0) }

    func next() async throws(BodyError) -> [UInt8]? {
        do throws(PithosFault) {
            return try await step()
        } catch {
            fault = error
            body?.cancel()
            body = nil
            throw error.bodyError
        }
    }

    private func step() async throws(PithosFault) -> [UInt8]? {
        while !isProven {
            guard let piece = try await pull() else {
                try prove()
                isProven = true
                break
            }
            let ready = held
            held = piece
            if let ready { return ready }
        }
        defer { held = nil }
        return held
    }

    /// The next piece of whatever answer goes on; nil when everything is there.
    private func pull() async throws(PithosFault) -> [UInt8]? {
        while true {
            let piece: [UInt8]?
            do throws(BodyError) {
                piece = try await body?.next()
            } catch {
                try await resume(after: PithosFault(reading: error))
                if body == nil { return nil }
                continue
            }
            guard let piece else {
                guard position < range.upperBound else { return nil }
                // Also what ends soundly: a block lost in the store ends the data early.
                try await resume(after: .damaged("the data end at byte \(position) of \(range.upperBound)"))
                continue
            }
            guard Int64(piece.count) <= range.upperBound - position else {
                throw .damaged("more data than the \(range.count) bytes announced")
            }
            position += Int64(piece.count)
            try update(piece)
            return piece
        }
    }

    /// Goes on at the present position; with nothing left to ask for, without a body.
    private func resume(after fault: PithosFault) async throws(PithosFault) {
        body?.cancel()
        body = nil
        guard fault != .cancelled else { throw fault }
        guard position < range.upperBound else { return }
        var fault = fault
        while resumptionsLeft > 0 {
            resumptionsLeft -= 1
            do throws(PithosFault) {
                body = try await reading.ask(position..<range.upperBound).body
                return
            } catch {
                switch error {
                case .badGateway, .unavailable, .timedOut: fault = error
                default: throw error
                }
            }
        }
        throw Self.cut(fault)
    }

    /// Data that ended before their end are damaged, however they ended.
    private static func cut(_ fault: PithosFault) -> PithosFault {
        if case .badGateway(let why) = fault { .damaged("cut: \(why)") } else { fault }
    }

    private func update(_ piece: [UInt8]) throws(PithosFault) {
        do throws(DigestError) {
            try hash?.update(piece)
        } catch {
            throw .badGateway("no \(error.algorithm)")
        }
    }

    private func prove() throws(PithosFault) {
        guard let hash else { return }
        let top: String
        do throws(DigestError) {
            top = try hash.finish()
        } catch {
            throw .badGateway("no \(error.algorithm)")
        }
        guard top.sameBytes(as: expectedHash) else { throw .damaged("their hash is \(top), not \(expectedHash)") }
    }
}
